"""A trained run in one file: all that turns normalised flux into labels, and a description of where it comes from."""

import json
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from gravispec.data.stars import LABELS
from gravispec.errors import InputError
from gravispec.features import quality, window
from gravispec.models.pca import Pca
from gravispec.models import gates
from gravispec.models.flags import combine
from gravispec.models.intervals import CONFIDENCES, Intervals
from gravispec.models.mixture import log_g_of_models, mix
from gravispec.models.residual_scale import Scale
from gravispec.spectra.normalise import continuum_normalised

FORMAT = "gravispec model 1"
PCA = ("mean", "components", "explained_variance")
INTERVALS = ("snr_edges", "half_width", "n")
SCALE = ("T_eff_edges", "M_H_edges", "size")


@dataclass(frozen=True)
class TrainedRun:
    """K experts and, last, the global Ridge; their gates, principal components and intervals.

    about : what the run is, for JSON; workflow/scripts/model.py writes it
    wave : (P,) Å, vacuum
    coef, intercept : (P, K + 1, T), (K + 1, T) for the T = 3 labels log_g, T_eff, M_H
    """

    about: dict
    wave: np.ndarray
    coef: np.ndarray
    intercept: np.ndarray
    pca: Pca
    gates: dict
    scale: Scale
    intervals: Intervals

    def predict(self, flux, sigma, measured=None):
        """Labels with intervals, log g of every model, gate weights, S/N, χ² and flags of (m, P) flux: a DataFrame.

        ``flux`` is normalised by its median and filled where not ``measured`` (m, P) bool; ``sigma`` is its 1σ error.
        A run on flux divided by a running continuum has it divided here, too.
        """
        width = self.about["config"]["dataset"]["continuum"]
        flux = continuum_normalised(flux, self.wave, width) if width else flux
        flux = np.asarray(flux, np.float64)
        labels = np.tensordot(flux, self.coef, axes=1) + self.intercept  # (m, K + 1, T)
        features = window.features(flux, self.wave, self.pca)
        weights = {kind: gate.weights(features) for kind, gate in self.gates.items()}
        experts, ridge = labels[:, :-1], labels[:, -1]
        log_g = log_g_of_models(experts[:, :, 0], ridge[:, 0], weights, fallback_weight=self.about["fallback_weight"])
        best = {"log_g": log_g.pop(self.about["source"]["log_g"])}
        for t, label in enumerate(LABELS[1:], start=1):
            source = self.about["source"][label]
            best[label] = ridge[:, t] if source == "global_ridge" else mix(experts[:, :, t], weights[source])

        snr = quality.snr(flux, sigma, measured)
        chi2 = quality.chi2(flux, sigma, self.pca, measured)
        half_width = self.intervals(snr) * self.scale(np.stack([best[label] for label in LABELS], axis=1))[:, :, None]
        columns = {}
        for t, label in enumerate(LABELS):
            columns[label] = best[label]
            for c, confidence in enumerate(CONFIDENCES):
                columns[f"{label}_lo{confidence * 100:.0f}"] = best[label] - half_width[:, t, c]
                columns[f"{label}_hi{confidence * 100:.0f}"] = best[label] + half_width[:, t, c]
        columns |= {f"log_g_{model}": values for model, values in log_g.items()}
        gate = weights[self.about["source"]["log_g"]]
        columns |= {f"weight_{k}": gate[:, k] for k in range(gate.shape[1])}
        return pd.DataFrame(columns | {"snr": snr, "chi2": chi2, "flags": self._flags(best, snr, chi2)})

    def _flags(self, labels, snr, chi2):
        inside = {name: _within(labels[name], limits) for name, limits in self.about["label_range"].items()}
        edges = self.about["edges"]
        in_bins = [_within(labels[name], (edges[name][0], edges[name][-1])) for name in ("T_eff", "M_H")]
        return combine(
            OUTSIDE_LABELS=~np.all(in_bins, axis=0),
            EXTRAPOLATED=~np.all(list(inside.values()), axis=0),
            SNR=~_within(snr, self.about["snr_range"]),
            UNLIKE_TRAINING=~(chi2 <= self.about["chi2_limit"]),
        )

    def save(self, path):
        """Write one safetensors file; no part of it is code."""
        tensors = {name: getattr(self, name) for name in ("wave", "coef", "intercept")}
        tensors |= {f"pca.{name}": getattr(self.pca, name) for name in PCA}
        tensors |= {f"scale.{name}": getattr(self.scale, name) for name in SCALE}
        tensors |= {f"intervals.{name}": getattr(self.intervals, name) for name in INTERVALS}
        tensors = {name: torch.as_tensor(np.ascontiguousarray(array)) for name, array in tensors.items()}
        headers = {}
        for kind, gate in self.gates.items():
            headers[kind], of_gate = gates.state(gate)
            tensors |= {f"gates.{kind}.{name}": tensor for name, tensor in of_gate.items()}
        header = {"format": FORMAT, **self.about, "gates": headers, "pca_variance": self.pca.total_variance}
        save_file(tensors, str(path), {"gravispec": json.dumps(header)})

    @classmethod
    def load(cls, path):
        """Raises ``InputError`` for a file that is missing, of another format or version, or no safetensors at all."""
        try:
            with safe_open(str(path), "pt") as file:
                about = json.loads((file.metadata() or {}).get("gravispec", "{}"))
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (SafetensorError, json.JSONDecodeError, OSError) as error:
            raise InputError(f"{path}: no model of gravispec ({error}); make it: snakemake -c2 {path}") from None
        found = about.pop("format", None)
        if found != FORMAT:
            raise InputError(
                f"{path}: format {found!r}, this version reads {FORMAT!r}; make the file again with "
                f"snakemake -c2 {path}, or use gravispec {about.get('version', 'of that time')}"
            )
        headers, variance = about.pop("gates"), about.pop("pca_variance")
        arrays = {name: tensor.numpy() for name, tensor in tensors.items() if not name.startswith("gates.")}
        of_gate = {
            kind: {name.split(".", 2)[2]: t for name, t in tensors.items() if name.startswith(f"gates.{kind}.")}
            for kind in headers
        }
        return cls(
            about=about,
            wave=arrays["wave"],
            coef=arrays["coef"],
            intercept=arrays["intercept"],
            pca=Pca(*(arrays[f"pca.{name}"] for name in PCA), variance),
            gates={kind: gates.build(header, of_gate[kind]) for kind, header in headers.items()},
            scale=Scale(*(arrays[f"scale.{name}"] for name in SCALE)),
            intervals=Intervals(*(arrays[f"intervals.{name}"] for name in INTERVALS)),
        )


def _within(values, limits):
    """False for NaN, too."""
    return (values >= limits[0]) & (values <= limits[1])
