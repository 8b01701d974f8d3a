"""Trained runs applied to spectra that they have never seen: rows of a catalogue."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from gravispec.config.errors import nearest
from gravispec.data.text import of_path
from gravispec.errors import InputError
from gravispec.features import quality
from gravispec.models.flags import MASKED_LIMIT, OFFSET_LIMIT, combine
from gravispec.models.level import Level
from gravispec.models.templates import templates
from gravispec.models.trained import TrainedRun
from gravispec.observed.prepared import Prepared
from gravispec.observed.read import prepared_batches
from gravispec.observed.reading import ENOUGH, FEW, FIT, Reading
from gravispec.observed.velocity import Finder

#: columns of every catalogue in front of those of ``Level.predict``
FIRST = ("star_id", "file")
TEXTS = ("star_id", "file", "problem")
LAST = ("filled", "n_good", "velocity", "velocity_error", "fwhm", "offset", "noise_level", "run", "model", "problem")


def model_file(run: str | Path) -> Path:
    """The file of a run that is named by its folder or by that file."""
    run = Path(run)
    return run / "model.safetensors" if os.path.isdir(run) and run.suffix != ".safetensors" else run


@dataclass(frozen=True)
class Chosen:
    """A run at one of its noise levels, and the model whose labels lead."""

    run: TrainedRun
    level: Level
    model: str

    @property
    def knows_gaps(self):
        """Whether the model is told which pixels are measured, and needs no fill."""
        return self.level.models[self.model].model.knows_gaps


def load_runs(paths: Sequence[str | Path], model: str | None = None) -> list[Chosen]:
    """Runs from their folders or files, at each of their noise levels; ``model``: whose labels lead.

    Raises InputError for no run, a missing or foreign file, a noise level that two runs have, runs on different pixels,
    a model that a run does not have.
    """
    found: dict[float, Chosen] = {}
    for path in map(Path, paths):
        run = TrainedRun.load(model_file(path))
        name = _exact(run) if model == "exact" else model or run.about["leading"]
        levels = [level for level in run.levels if name in level.about["shown"]]
        if not levels:
            has = sorted({shown for level in run.levels for shown in level.about["shown"]})
            raise InputError(f"{path}: no model {name!r}; it has {', '.join(has)}{nearest(name, has)}")
        for level in levels:
            value = level.about["noise_level"]
            if value in found:
                raise InputError(
                    f"{path}: run {found[value].run.about['run']} has the same noise level {value:g}; name one of them"
                )
            found[value] = Chosen(run, level, name)
    if not found:
        raise InputError(
            "no run is named: for real spectra make results/survey/summary.csv and give --run results/survey"
        )
    first, *others = found.values()
    for other in others:
        if not np.array_equal(first.run.wave, other.run.wave):
            raise InputError(
                f"runs {first.run.about['run']} and {other.run.about['run']} have different pixels; use one of them"
            )
    return list(found.values())


def _exact(run):
    """The model of module ``exact`` of a run, whatever it is called."""
    shown = {name: level.models[name] for level in run.levels for name in level.about["shown"]}
    return next((name for name, fitted in shown.items() if fitted.module == "exact"), "exact")


def notes(runs: Sequence[Chosen]) -> list[str]:
    """What files of runs say of their use, such as that they are an example."""
    found = {f"run {one.run.about['run']}: {one.run.about['note']}" for one in runs if one.run.about.get("note")}
    return sorted(found)


def nearest_run(runs: Sequence[Chosen], snr: np.ndarray) -> np.ndarray:
    """(m,) index of the run whose median S/N is nearest in the logarithm to that of each spectrum (m,); 0 for NaN."""
    typical = np.log([chosen.level.about["snr_median"] for chosen in runs])
    distance = np.abs(np.log(np.maximum(snr, 1e-3))[:, None] - typical)
    return np.where(np.isfinite(snr), distance.argmin(axis=1), 0)


def catalogue_rows(runs: Sequence[Chosen], spectra: Prepared) -> pd.DataFrame:
    """One row a spectrum, in order; NaN and the flag UNUSABLE where there is no prediction."""
    measured = ~spectra.filled
    usable = spectra.problem == ""
    kept = np.flatnonzero(usable)
    snr = quality.snr(spectra.flux[kept], spectra.error[kept], measured[kept])
    chosen = nearest_run(runs, snr)
    by_run = np.zeros(len(usable), int)
    by_run[kept], parts = chosen, []
    for i, one in enumerate(runs):
        rows = kept[chosen == i]
        if len(rows) or i == 0:  # no row has the columns, too
            of_rows = spectra.flux[rows], spectra.error[rows]
            part = one.level.predict(*of_rows, one.model, measured[rows]).set_index(rows)
            about = {"noise_level": one.level.about["noise_level"], "run": one.run.about["run"], "model": one.model}
            parts.append(part.assign(**about))
    limit = np.array([1 - FEW if one.knows_gaps else MASKED_LIMIT for one in runs])[by_run]
    widest = np.array([one.run.widest for one in runs])[by_run] if spectra.has_width else np.inf
    table = pd.concat(parts).reindex(np.arange(len(usable)))
    table["flags"] = table["flags"].fillna(0).astype(np.int16) | combine(
        MASKED=spectra.filled.mean(axis=1) > limit,
        OFFSET=np.abs(np.nan_to_num(spectra.offset)) > OFFSET_LIMIT,
        UNUSABLE=~usable,
        WIDTH=spectra.has_width & ~(spectra.fwhm <= widest),
        VELOCITY=spectra.lost,
    )
    table = table.fillna({"run": "", "model": ""})
    about = {"filled": spectra.filled.mean(axis=1), "n_good": measured.sum(axis=1)}
    about |= {name: getattr(spectra, name) for name in ("velocity", "velocity_error", "fwhm", "offset")}
    about |= {"star_id": spectra.star_id, "file": of_path(spectra.source), "problem": spectra.problem}
    # objects: what pandas takes for text cannot hold names that are no UTF-8
    table = table.assign(**{name: pd.Series(values, table.index, object) if name in TEXTS else values
                            for name, values in about.items()})  # fmt: skip
    return table[[*FIRST, *table.columns.difference([*FIRST, *LAST], sort=False), *LAST]]


def reading_by(runs: Sequence[Chosen], *, windows: str | None = None, **options) -> Reading:
    """How the runs have files read. ``windows``: mask those of sky and tellurics, or keep them.

    By default models that know of gaps do without the windows, and have velocities measured that no file gives.
    ``options``: what the user says (``Reading``).
    """
    know_gaps = all(one.knows_gaps for one in runs)
    finds = options.get("velocity") == FIT or (options.get("velocity") is None and know_gaps)
    masked = windows == "mask" or (windows is None and know_gaps)
    first = runs[0].run
    if any(one.run.fwhm != first.fwhm for one in runs):
        first = None
    return Reading(
        **options,
        least=FEW if know_gaps else ENOUGH,
        windows=tuple(sorted({window for one in runs for window in one.run.windows})) if masked else (),
        model_fwhm=first and first.fwhm,
        finder=Finder(runs[0].run.wave, templates(runs[0].level)) if finds else None,
    )


def predict_files(
    runs: Sequence[Chosen],
    paths: Iterable[str | Path],
    reading: Reading | None = None,
    *,
    progress: Callable[[pd.DataFrame], object] = len,
    seen: Callable[[Prepared, pd.DataFrame], object] = lambda spectra, rows: None,
) -> Iterator[tuple[str | Path, pd.DataFrame | None, str]]:
    """(path, table, problem) of every file: its rows of the catalogue, or None and why the file cannot be read.

    ``progress`` is called with the rows of every batch, also of a file that is found to be bad later;
    ``seen`` with its spectra, too; ``reading``: of ``reading_by``.
    """
    fits, reading = runs[0].level.fits, reading or reading_by(runs)
    for path in paths:
        tables = []
        try:
            for spectra in _ahead(prepared_batches(path, fits.wave, reading, template=fits.pca.mean)):
                tables.append(catalogue_rows(runs, spectra))
                progress(tables[-1])
                seen(spectra, tables[-1])
        except InputError as error:
            yield path, None, str(error)
        else:
            yield path, pd.concat(tables, ignore_index=True), ""


def _ahead(items: Iterator) -> Iterator:
    """The items; while one is in use, a thread makes the next. Two at work leave no core for threads of BLAS."""
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(1) as thread:
        end = object()
        coming = thread.submit(next, items, end)
        while (item := coming.result()) is not end:
            coming = thread.submit(next, items, end)
            yield item
