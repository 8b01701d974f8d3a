"""A trained run in one file: all that turns spectra into labels at every noise level, and where it comes from."""

import dataclasses
import os
import shlex
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from gravispec.data.tensor_file import read_tensors, save_tensors
from gravispec.errors import InputError
from gravispec.features import quality
from gravispec.features.shape import Shape
from gravispec.models import model
from gravispec.models.about import OfLevel, OfRun, check
from gravispec.models.filling import References, fill
from gravispec.models.flags import COST_LIMIT, combine, within
from gravispec.models.inference import Fits, Fitted, Spectra
from gravispec.models.intervals import CONFIDENCES, Intervals
from gravispec.models.pca import Pca
from gravispec.models.records import record_of, tensors_of
from gravispec.models.residual_scale import Scale
from gravispec.models.ridge import RidgeFit
from gravispec.options import ALL_LABELS
from gravispec.spectra.observation import divisor

FORMAT = "gravispec run 2"


@dataclass(frozen=True)
class Level:
    """What a run knows at one noise level.

    about : noise_level, n_train, continuum, shown (names of models), snr_range, snr_median, chi2_limit, label_range,
        bins, for JSON
    models : ``{name: Fitted}``, those shown and those that they need
    intervals : ``{name: (Scale, Intervals)}``
    shape, references : tests of the shape of a spectrum; spectra to fill masked pixels by
    """

    about: dict
    fits: Fits
    models: dict
    intervals: dict
    shape: Shape
    references: References

    @property
    def noise_level(self):
        return self.about["noise_level"]

    def only(self, names):
        """The same with these models alone shown."""
        return dataclasses.replace(self, about={**self.about, "shown": list(names)})

    def predict(self, flux, sigma, name, measured=None):
        """Labels by the model ``name`` with intervals, log g by every other, S/N, χ² and flags: a DataFrame of m rows.

        flux (m, P) has the median 1, sigma (m, P) is its 1σ error. Flux is divided by its running continuum where the
        run was trained so. Pixels that are not ``measured`` (m, P) bool are filled, from any finite guess, and
        intervals are widened by what that may cost.
        """
        normalised = self._normalised(flux)
        snr = quality.snr(normalised, sigma, measured)
        flux, cost = self._filled(flux, normalised, sigma, name, measured, snr)
        spectra = Spectra(flux, sigma, self.fits, self.models)
        table = self._table(spectra, name, self._of_spectrum(spectra, snr, measured), cost)
        others = [other for other in self.about["shown"] if other != name]
        columns = {f"log_g_{other}": spectra.columns(other)["log_g"] for other in others}
        weights = spectra.columns(name).get("w", np.empty((len(flux), 0)))
        columns |= {f"weight_{k}": w for k, w in enumerate(weights.T)}
        return pd.concat([table, pd.DataFrame(columns)], axis=1)

    def tables(self, flux, sigma, names):
        """``{name: labels with intervals, S/N, χ² and flags}`` by these models, of spectra without masked pixels."""
        spectra = Spectra(self._normalised(flux), sigma, self.fits, self.models)
        snr = quality.snr(spectra.flux, sigma)
        found, cost = self._of_spectrum(spectra, snr), np.zeros((len(flux), len(ALL_LABELS), len(CONFIDENCES)))
        return {name: self._table(spectra, name, found, cost) for name in names}

    def _of_spectrum(self, spectra, snr, measured=None):
        """S/N, χ² and the flags that no model has a part in."""
        flux, sigma = spectra.flux, spectra.sigma
        chi2 = quality.chi2(np.asarray(flux, np.float64), sigma, self.fits.pca, measured)
        flags = combine(
            SNR=~within(snr, self.about["snr_range"]),
            UNLIKE_TRAINING=~(chi2 <= self.about["chi2_limit"]),
            **self.shape.found(flux, sigma, spectra.ridge[:, 1], spectra.ridge[:, 2]),
        )
        return {"snr": snr, "chi2": chi2, "flags": flags}

    def _table(self, spectra, name, of_spectrum, cost):
        found = spectra.columns(name)
        scale, intervals = self.intervals[name]
        own = intervals(of_spectrum["snr"]) * scale(_labels(found))[:, :, None]
        fill_cost, half_width = (cost / own)[:, :, 0].max(axis=1), np.hypot(own, cost)
        columns = {}
        for t, label in enumerate(ALL_LABELS):
            columns[label] = found[label]
            for c, confidence in enumerate(CONFIDENCES):
                columns[f"{label}_lo{confidence * 100:.0f}"] = found[label] - half_width[:, t, c]
                columns[f"{label}_hi{confidence * 100:.0f}"] = found[label] + half_width[:, t, c]
        inside = [within(found[label], limits) for label, limits in self.about["label_range"].items()]
        in_bins = [within(found[label], limits) for label, limits in self.about["bins"].items()]
        flags = combine(
            OUTSIDE_LABELS=~np.all(in_bins, axis=0),
            EXTRAPOLATED=~np.all(inside, axis=0),
            MASKED=fill_cost > COST_LIMIT,
        )
        columns |= {**of_spectrum, "fill_cost": fill_cost, "flags": of_spectrum["flags"] | flags}
        return pd.DataFrame(columns)

    def _normalised(self, flux):
        return flux / divisor(flux, self.fits.wave, width) if (width := self.about["continuum"]) else flux

    def _filled(self, flux, normalised, sigma, name, measured, snr):
        """Normalised flux (m, P) with its fill, and what that may cost (m, T, C)."""
        width = self.about["continuum"]
        cost = np.zeros((len(flux), len(ALL_LABELS), len(CONFIDENCES)))
        rows = [] if measured is None else np.flatnonzero(~measured.all(axis=1) & measured.any(axis=1))
        if len(rows):
            normalised = np.array(normalised, np.float64)
            normalised[rows], cost[rows] = fill(
                *(values[rows] for values in (flux, sigma, measured, snr)),
                pca=self.fits.pca,
                references=self.references,
                divisor=lambda rows: divisor(rows, self.fits.wave, width),
                likeness=self.fits.ridge.predict,
                labels=lambda rows, sigma: _labels(Spectra(rows, sigma, self.fits, self.models).columns(name)),
            )
        return normalised, cost


def _labels(columns):
    """(m, T)."""
    return np.stack([columns[label] for label in ALL_LABELS], axis=1)


@dataclass(frozen=True)
class TrainedRun:
    """about : run, leading (the model whose labels lead), normalisation, config, code, version; levels rise."""

    about: dict
    levels: tuple

    @property
    def wave(self):
        """(P,) Å, vacuum."""
        return self.levels[0].fits.wave

    def save(self, path):
        """Write one safetensors file; no part of it is code."""
        headers, arrays = [], {"wave": self.wave}
        for i, level in enumerate(self.levels):
            header, of_level = _packed(level)
            headers.append(header)
            arrays |= {f"{i}/{name}": array for name, array in of_level.items()}
        save_tensors(path, "gravispec", {"format": FORMAT, "about": self.about, "levels": headers}, arrays)

    @classmethod
    def load(cls, path):
        """Raises ``InputError`` for a file that is missing, of another format, damaged or incomplete."""
        remedy = f"make it: {remake(path)}"
        header, arrays = read_tensors(path, "gravispec", "no model of gravispec", remedy)
        if header.get("format") != FORMAT:
            raise InputError(
                f"{path}: format {header.get('format')!r}, this version reads {FORMAT!r}; {remedy}, or use gravispec "
                f"{header.get('version', 'of that time')}"
            )
        try:
            wave, levels = arrays.pop("wave"), []
            for i, about in enumerate(header["levels"]):
                own = {k.removeprefix(f"{i}/"): a for k, a in arrays.items() if k.startswith(f"{i}/")}
                levels.append(_unpacked(about, own, wave, path))
            run = cls(header["about"], tuple(levels))
            run.check()
        except InputError as error:
            raise InputError(f"{path}: {str(error).removeprefix(f'{path}: ')}; {remedy}") from None
        except (TypeError, ValueError, AttributeError, LookupError, RuntimeError, ImportError) as error:
            reason = " ".join(f"{type(error).__name__} {error}".split())
            raise InputError(f"{path}: damaged or incomplete ({reason}); {remedy}") from None
        return run

    def check(self):
        """Predict one flat spectrum: raises ``InputError`` or an error of shapes where something does not fit."""
        check(OfRun, self.about, prefix=("about",))
        flat = np.ones((1, len(self.wave)), np.float32)
        if not any(self.about["leading"] in level.about["shown"] for level in self.levels):
            raise InputError(f"about.leading = {self.about['leading']!r}: no model of any level")
        if not np.isfinite(self.wave).all() or (np.diff(self.wave) <= 0).any():
            raise InputError("tensor wave does not rise, or is not finite")
        for i, level in enumerate(self.levels):
            check(OfLevel, level.about, prefix=("levels", i, "about"))
            for name in level.about["shown"]:
                scale, intervals = level.intervals[name]
                if min(scale.size.min(), intervals.half_width.min()) <= 0:
                    raise InputError(f"scale or half-width of the intervals of model {name} is not above 0")
                if not np.isfinite(level.predict(flat, flat, name)[list(ALL_LABELS)]).all(axis=None):
                    raise InputError(f"model {name} predicts labels that are not finite")


def _packed(level):
    fits, arrays = level.fits, {}
    records = {"pca": fits.pca, "ridge": fits.ridge, "shape": level.shape, "references": level.references}
    records |= {f"experts.{k}": fit for k, fit in enumerate(fits.experts)}
    for name, (scale, intervals) in level.intervals.items():
        records |= {f"scale.{name}": scale, f"intervals.{name}": intervals}
    for key, record in records.items():
        arrays |= tensors_of(key, record)
    header = {"about": level.about, "experts": len(fits.experts), "models": {}, "families": {}}
    for name, fitted in level.models.items():
        packed, of_model = model.pack(fitted.model)
        header["models"][name] = {"module": fitted.module, "options": fitted.options, "packed": packed}
        arrays |= {f"model.{name}/{key}": array for key, array in of_model.items()}
    for name, fitted in fits.families.items():
        header["families"][name], of_family = model.pack(fitted)
        arrays |= {f"family.{name}/{key}": array for key, array in of_family.items()}
    return header, arrays


def _unpacked(header, arrays, wave, path):
    def record(kind, key):
        return record_of(kind, key, arrays, len(wave))

    def of(prefix):
        return {k.removeprefix(prefix): array for k, array in arrays.items() if k.startswith(prefix)}

    fits = Fits(
        wave,
        record(Pca, "pca"),
        record(RidgeFit, "ridge"),
        tuple(record(RidgeFit, f"experts.{k}") for k in range(header["experts"])),
        {name: model.unpack(about, of(f"family.{name}/"), path) for name, about in header["families"].items()},
    )
    models = {
        name: Fitted(about["module"], about["options"], model.unpack(about["packed"], of(f"model.{name}/"), path))
        for name, about in header["models"].items()
    }
    shown = header["about"]["shown"]
    intervals = {name: (record(Scale, f"scale.{name}"), record(Intervals, f"intervals.{name}")) for name in shown}
    return Level(header["about"], fits, models, intervals, record(Shape, "shape"), record(References, "references"))


def remake(path):
    """The command that makes the file of a run again."""
    path = Path(path)
    run = path.parent.name if path.resolve().parent.parent.name == "results" else "RUN"
    delete = f"rm {'-r ' * path.is_dir()}{shlex.quote(str(path))} && " if os.path.lexists(path) else ""
    return f"{delete}make results/{run}/model.safetensors"
