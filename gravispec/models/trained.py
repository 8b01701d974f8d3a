"""A trained run in one file: all that turns spectra into labels at every noise level, and where it comes from."""

import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from gravispec.config.errors import one_line
from gravispec.data.tensor_file import read_tensors, save_tensors
from gravispec.errors import InputError
from gravispec.features.shape import Shape
from gravispec.labels import LABELS
from gravispec.models import model
from gravispec.models.filling import References
from gravispec.models.inference import Fits, Fitted
from gravispec.models.intervals import Intervals
from gravispec.models.level import Level
from gravispec.models.pca import Pca
from gravispec.models.records import record_of, tensors_of
from gravispec.models.residual_scale import Scale
from gravispec.models.ridge import RidgeFit
from gravispec.options import NotNegative, Positive
from gravispec.spectra.nuisances import MOST, WIDE_RESOLUTION

FORMAT = "gravispec run 3"
AS_WIDE = 1.02  # a line that is wider by less than this is as wide as the model's
Limits = Annotated[list[float], Field(min_length=2, max_length=2)]


class _Header(BaseModel):
    model_config = ConfigDict(strict=True, allow_inf_nan=False)


class RunHeader(_Header):
    """What the file says of the whole run."""

    run: str
    leading: str
    labels: dict[str, str]
    normalisation: dict
    config: dict
    code: str
    version: str


class LevelHeader(_Header):
    """What it says of one noise level; ranges are limits of what training stars have."""

    noise_level: NotNegative
    n_train: int
    continuum: NotNegative
    shown: Annotated[list[str], Field(min_length=1)]
    label_range: dict[str, Limits]
    bins: dict[str, Limits]
    snr_range: Limits
    snr_median: Positive
    chi2_limit: Positive
    misfit_limits: dict[str, float]

    @model_validator(mode="after")
    def _of_the_labels(self):
        for name, labels in (("label_range", LABELS), ("bins", LABELS[1:])):
            if set(getattr(self, name)) != set(labels):
                raise ValueError(f"{name}: limits of {', '.join(labels)} are needed")
        for low, high in (self.snr_range, *self.label_range.values(), *self.bins.values()):
            if high < low:
                raise ValueError(f"limits {low:g}, {high:g} do not rise")
        return self


@dataclass(frozen=True)
class TrainedRun:
    """about : run, leading (the model whose labels lead), normalisation, config, code, version; levels rise."""

    about: dict
    levels: tuple

    @property
    def wave(self):
        """(P,) Å, vacuum."""
        return self.levels[0].fits.wave

    @property
    def fwhm(self):
        """Å, of the lines of the training spectra; None where it is not known."""
        config = self.about["config"]
        return config.get("grid", {}).get("fwhm") or config["dataset"].get("fwhm")

    @property
    def nuisances(self):
        """Their scales, as in the configuration of the data set; {} without."""
        return self.about["config"]["dataset"].get("nuisances") or {}

    @property
    def windows(self):
        """(low, high), Å, vacuum, that were missing in training now and then: of sky and tellurics."""
        return tuple(map(tuple, self.nuisances.get("windows", ())))

    @property
    def widest(self):
        """Å, the widest lines that it knows of; those of the spectrograph without nuisances."""
        resolution = self.nuisances.get("resolution", 0)
        least = WIDE_RESOLUTION[-1] if self.nuisances.get("wide") else np.exp(-MOST * resolution)
        return self.fwhm / min(least, 1 / AS_WIDE)

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
        _check(RunHeader, self.about, "about")
        flat = np.ones((1, len(self.wave)), np.float32)
        if not any(self.about["leading"] in level.about["shown"] for level in self.levels):
            raise InputError(f"about.leading = {self.about['leading']!r}: no model of any level")
        if not np.isfinite(self.wave).all() or (np.diff(self.wave) <= 0).any():
            raise InputError("tensor wave does not rise, or is not finite")
        for i, level in enumerate(self.levels):
            _check(LevelHeader, level.about, "levels", i, "about")
            for name in level.about["shown"]:
                scale, intervals = level.intervals[name]
                if min(scale.size.min(), intervals.half_width.min()) <= 0:
                    raise InputError(f"scale or half-width of the intervals of model {name} is not above 0")
                if not np.isfinite(level.predict(flat, flat, name)[list(LABELS)]).all(axis=None):
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


def _check(kind, header, *prefix):
    """Raise ``InputError`` with one line unless the dictionary is a header of this kind; ``prefix``: its place."""
    try:
        kind.model_validate(header)
    except ValidationError as error:
        raise InputError(one_line(error, kind, prefix=prefix)) from None


def remake(path):
    """The command that makes the file of a run again."""
    path = Path(path)
    run = path.parent.name if path.resolve().parent.parent.name == "results" else "RUN"
    delete = f"rm {'-r ' * path.is_dir()}{shlex.quote(str(path))} && " if os.path.lexists(path) else ""
    return f"{delete}make results/{run}/model.safetensors"
