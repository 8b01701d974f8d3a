"""A trained run in one file: all that turns normalised flux into labels, and a description of where it comes from."""

import os
import shlex
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from gravispec.data.stars import LABELS
from gravispec.data.tensor_file import read_tensors, save_tensors
from gravispec.errors import InputError
from gravispec.features import quality, window
from gravispec.features.pca import Pca
from gravispec.features.shape import Shape
from gravispec.models import gates
from gravispec.models.filling import References, fill
from gravispec.models.flags import COST_LIMIT, combine
from gravispec.models.intervals import CONFIDENCES, Intervals
from gravispec.models.mixture import log_g_of_models, mix
from gravispec.models.residual_scale import Scale
from gravispec.models.trained_check import check
from gravispec.spectra.normalise import continuum_normalised, row_median, running_continuum

FORMAT = "gravispec model 2"
PCA = ("mean", "components", "explained_variance")
INTERVALS = ("snr_edges", "half_width", "n")
SCALE = ("T_eff_edges", "M_H_edges", "size")
REFERENCES = ("flux", "labels", "snr")
SHAPE = tuple(field.name for field in fields(Shape))


@dataclass(frozen=True)
class TrainedRun:
    """K experts and, last, the global Ridge; gates, principal components, intervals, tests of shape, fills.

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
    references: References
    shape: Shape

    def predict(self, flux, sigma, measured=None):
        """Labels with intervals, log g of every model, gate weights, S/N, χ² and flags of (m, P) flux: a DataFrame.

        ``flux`` is normalised by its median; ``sigma`` is its 1σ error. Pixels that are not ``measured`` (m, P) bool
        are filled here, from any finite guess, and intervals are widened by what that may cost. A run on flux divided
        by a running continuum has it divided here, too.
        """
        width = self.about["config"]["dataset"]["continuum"]
        normalised = continuum_normalised(flux, self.wave, width) if width else flux
        snr = quality.snr(normalised, sigma, measured)
        normalised, cost = self._filled(flux, normalised, sigma, measured, snr)
        best, log_g, gate = self._models(normalised)
        chi2 = quality.chi2(normalised, sigma, self.pca, measured)
        of_shape = self.shape.found(np.asarray(normalised, np.float32), sigma, best["T_eff"], best["M_H"])
        half_width = self.intervals(snr) * self.scale(_rows(best))[:, :, None]
        fill_cost = (cost / half_width)[:, :, 0].max(axis=1)
        half_width = np.hypot(half_width, cost)
        columns = {}
        for t, label in enumerate(LABELS):
            columns[label] = best[label]
            for c, confidence in enumerate(CONFIDENCES):
                columns[f"{label}_lo{confidence * 100:.0f}"] = best[label] - half_width[:, t, c]
                columns[f"{label}_hi{confidence * 100:.0f}"] = best[label] + half_width[:, t, c]
        columns |= {f"log_g_{model}": values for model, values in log_g.items()}
        columns |= {f"weight_{k}": gate[:, k] for k in range(gate.shape[1])}
        columns |= {"snr": snr, "chi2": chi2, "fill_cost": fill_cost}
        flags = self._flags(best, snr, chi2, of_shape) | combine(MASKED=fill_cost > COST_LIMIT)
        return pd.DataFrame(columns | {"flags": flags})

    def _filled(self, flux, normalised, sigma, measured, snr):
        """Normalised flux (m, P) float64 with its fill, and what that may cost (m, T, C)."""
        normalised, width = np.array(normalised, np.float64), self.about["config"]["dataset"]["continuum"]

        def divisor(rows):
            median = row_median(rows)[:, None]
            return median * running_continuum(rows / median, self.wave, width) if width else median

        cost = np.zeros((len(flux), len(LABELS), len(CONFIDENCES)))
        rows = [] if measured is None else np.flatnonzero(~measured.all(axis=1) & measured.any(axis=1))
        if len(rows):
            normalised[rows], cost[rows] = fill(
                flux[rows],
                sigma[rows],
                measured[rows],
                snr[rows],
                pca=self.pca,
                references=self.references,
                divisor=divisor,
                labels=lambda rows: _rows(self._models(rows)[0]),
            )
        return normalised, cost

    def _models(self, flux):
        """Best labels ``{label: (m,)}``, log g of all others, weights (m, K) of the gate; from normalised flux."""
        labels = np.tensordot(flux, self.coef, axes=1) + self.intercept  # (m, K + 1, T)
        features = window.features(flux, self.wave, self.pca)
        weights = {kind: gate.weights(features) for kind, gate in self.gates.items()}
        experts, ridge = labels[:, :-1], labels[:, -1]
        log_g = log_g_of_models(experts[:, :, 0], ridge[:, 0], weights, fallback_weight=self.about["fallback_weight"])
        best = {"log_g": log_g.pop(self.about["source"]["log_g"])}
        for t, label in enumerate(LABELS[1:], start=1):
            source = self.about["source"][label]
            best[label] = ridge[:, t] if source == "global_ridge" else mix(experts[:, :, t], weights[source])
        return best, log_g, weights[self.about["source"]["log_g"]]

    def _flags(self, labels, snr, chi2, of_shape):
        inside = {name: _within(labels[name], limits) for name, limits in self.about["label_range"].items()}
        edges = self.about["edges"]
        in_bins = [_within(labels[name], (edges[name][0], edges[name][-1])) for name in ("T_eff", "M_H")]
        return combine(
            OUTSIDE_LABELS=~np.all(in_bins, axis=0),
            EXTRAPOLATED=~np.all(list(inside.values()), axis=0),
            SNR=~_within(snr, self.about["snr_range"]),
            UNLIKE_TRAINING=~(chi2 <= self.about["chi2_limit"]),
            **of_shape,
        )

    def save(self, path):
        """Write one safetensors file; no part of it is code."""
        tensors = {name: getattr(self, name) for name in ("wave", "coef", "intercept")}
        tensors |= {f"pca.{name}": getattr(self.pca, name) for name in PCA}
        tensors |= {f"scale.{name}": getattr(self.scale, name) for name in SCALE}
        tensors |= {f"intervals.{name}": getattr(self.intervals, name) for name in INTERVALS}
        tensors |= {f"references.{name}": getattr(self.references, name) for name in REFERENCES}
        tensors |= {f"shape.{name}": getattr(self.shape, name) for name in SHAPE}
        tensors = {name: torch.as_tensor(np.ascontiguousarray(array)) for name, array in tensors.items()}
        headers = {}
        for kind, gate in self.gates.items():
            headers[kind], of_gate = gates.state(gate)
            tensors |= {f"gates.{kind}.{name}": tensor for name, tensor in of_gate.items()}
        header = {"format": FORMAT, **self.about, "gates": headers, "pca_variance": self.pca.total_variance}
        save_tensors(path, "gravispec", header, tensors)

    @classmethod
    def load(cls, path):
        """Raises ``InputError`` for a file that is missing, of another format, damaged or incomplete."""
        remedy = f"make it: {remake(path)}"
        about, tensors = read_tensors(path, "gravispec", "no model of gravispec", remedy)
        found = about.pop("format", None)
        if found != FORMAT:
            raise InputError(
                f"{path}: format {found!r}, this version reads {FORMAT!r}; {remedy}, or use gravispec "
                f"{about.get('version', 'of that time')}"
            )
        try:
            check(about, tensors)
            return cls._built(about, tensors)
        except InputError as error:
            raise InputError(f"{path}: {error}; {remedy}") from None

    @classmethod
    def _built(cls, about, tensors):
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
            references=References(*(arrays[f"references.{name}"] for name in REFERENCES)),
            shape=Shape(*(arrays[f"shape.{name}"] for name in SHAPE)),
        )


def remake(path):
    """The command that makes the file of a run again."""
    path = Path(path)
    run = path.parent.name if path.resolve().parent.parent.name == "results" else "RUN"
    delete = f"rm {'-r ' * path.is_dir()}{shlex.quote(str(path))} && " if os.path.lexists(path) else ""
    return f"{delete}make results/{run}/model.safetensors"


def _rows(best):
    """(m, T) from ``{label: (m,)}``."""
    return np.stack([best[label] for label in LABELS], axis=1)


def _within(values, limits):
    """False for NaN, too."""
    return (values >= limits[0]) & (values <= limits[1])
