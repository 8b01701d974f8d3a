"""Trained runs applied to spectra that they have never seen: rows of a catalogue."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from gravispec.data.text import of_path
from gravispec.errors import InputError
from gravispec.features import quality
from gravispec.models.flags import MASKED_LIMIT, OFFSET_LIMIT, combine
from gravispec.models.trained import TrainedRun
from gravispec.observed.prepared import Prepared
from gravispec.observed.read import prepared_batches

#: columns of every catalogue in front of those of ``TrainedRun.predict``
FIRST = ("star_id", "file")
TEXTS = ("star_id", "file", "problem")
LAST = ("filled", "offset", "noise_level", "run", "problem")


def model_file(run: str | Path) -> Path:
    """The file of a run that is named by its folder or by that file."""
    run = Path(run)
    return run / "model.safetensors" if os.path.isdir(run) and run.suffix != ".safetensors" else run


def load_runs(paths: Sequence[str | Path]) -> list[TrainedRun]:
    """Runs from their folders or files, one or several that differ in noise level.

    Raises InputError for no run, a missing or foreign file, two runs of one noise level, runs on different pixels.
    """
    runs: dict[float, TrainedRun] = {}
    for path in map(Path, paths):
        run = TrainedRun.load(model_file(path))
        level = run.about["noise_level"]
        if level in runs:
            raise InputError(
                f"{path}: run {runs[level].about['run']} has the same noise level {level:g}; name one of them"
            )
        runs[level] = run
    if not runs:
        raise InputError("no run is named: give --run results/RUN")
    first, *others = runs.values()
    for other in others:
        if not np.array_equal(first.wave, other.wave):
            raise InputError(
                f"runs {first.about['run']} and {other.about['run']} have different pixels; use one of them"
            )
    return list(runs.values())


def nearest_run(runs: Sequence[TrainedRun], snr: np.ndarray) -> np.ndarray:
    """(m,) index of the run whose median S/N is nearest in the logarithm to that of each spectrum (m,); 0 for NaN."""
    typical = np.log([run.about["snr_median"] for run in runs])
    distance = np.abs(np.log(np.maximum(snr, 1e-3))[:, None] - typical)
    return np.where(np.isfinite(snr), distance.argmin(axis=1), 0)


def catalogue_rows(runs: Sequence[TrainedRun], spectra: Prepared) -> pd.DataFrame:
    """One row a spectrum, in order; NaN and the flag UNUSABLE where there is no prediction."""
    measured = ~spectra.filled
    usable = spectra.problem == ""
    kept = np.flatnonzero(usable)
    snr = quality.snr(spectra.flux[kept], spectra.error[kept], measured[kept])
    chosen = nearest_run(runs, snr)
    parts = []
    for i, run in enumerate(runs):
        rows = kept[chosen == i]
        if len(rows) or i == 0:  # no row has the columns, too
            part = run.predict(spectra.flux[rows], spectra.error[rows], measured[rows]).set_index(rows)
            parts.append(part.assign(noise_level=run.about["noise_level"], run=run.about["run"]))
    table = pd.concat(parts).reindex(np.arange(len(usable)))
    table["flags"] = table["flags"].fillna(0).astype(np.int16) | combine(
        MASKED=spectra.filled.mean(axis=1) > MASKED_LIMIT,
        OFFSET=np.abs(np.nan_to_num(spectra.offset)) > OFFSET_LIMIT,
        UNUSABLE=~usable,
    )
    table["run"] = table["run"].fillna("").astype(str)
    about = {"filled": spectra.filled.mean(axis=1), "offset": spectra.offset}
    about |= {"star_id": spectra.star_id, "file": of_path(spectra.source), "problem": spectra.problem}
    # objects: what pandas takes for text cannot hold names that are no UTF-8
    table = table.assign(**{name: pd.Series(values, table.index, object) if name in TEXTS else values
                            for name, values in about.items()})  # fmt: skip
    return table[[*FIRST, *table.columns.difference([*FIRST, *LAST], sort=False), *LAST]]


def predict_files(
    runs: Sequence[TrainedRun],
    paths: Iterable[str | Path],
    *,
    progress: Callable[[pd.DataFrame], object] = len,
    **reading,
) -> Iterator[tuple[str | Path, pd.DataFrame | None, str]]:
    """(path, table, problem) of every file: its rows of the catalogue, or None and why the file cannot be read.

    ``progress`` is called with the rows of every batch, also of a file that is found to be bad later;
    ``reading``: medium and velocity as in ``prepared_batches``.
    """
    for path in paths:
        tables = []
        try:
            for spectra in _ahead(prepared_batches(path, runs[0].wave, template=runs[0].pca.mean, **reading)):
                tables.append(catalogue_rows(runs, spectra))
                progress(tables[-1])
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
