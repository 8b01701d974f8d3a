"""Observational noise: noisy = flux + level · error · N(0, 1), independently per pixel (method.md §3)."""

from collections.abc import Sequence

import numpy as np

from gravispec.device import host, like, namespace
from gravispec.errors import InputError
from gravispec.spectra.streams import generator, stream_entropy


def check_error(error: np.ndarray, *, rows: Sequence[int] | np.ndarray | None = None, name: str = "error") -> None:
    """Check that every error of `error` (n, P) is finite and positive.

    Raises:
        InputError: names the first bad row (`rows` gives the row numbers, default 0..n-1) and pixel.
    """
    # min of an array with NaN is NaN: comparison fails
    if 0 not in error.shape and error.min() > 0 and error.max() < np.inf:
        return
    error = host(error)
    bad = ~((error > 0) & np.isfinite(error))
    if bad.any():
        i, pixel = np.argwhere(bad)[0]
        row = i if rows is None else rows[i]
        raise InputError(
            f"{name}: row {row}, pixel {pixel} is {error[i, pixel]}: every error must be finite and above 0; "
            "mend or remove the row"
        )


def add_noise(
    flux: np.ndarray,
    error: np.ndarray,
    *,
    level: float,
    seed: int,
    split: str,
    rows: Sequence[int] | np.ndarray,
) -> np.ndarray:
    """Noisy flux (n, P) float32 of `flux` (n, P) with 1σ errors `error` (n, P).

    The draw of a star depends on (seed, split, level, its row in the split) alone: every star has a stream of its own,
    so chunks of any size, in any order and thread, give the same bytes. Level 1 is the nominal observation; level 0
    returns a copy of the flux. Tensors give a tensor: the same draws, which NumPy makes, and the rest where they are.

    Args:
        flux, error: (n, P), in the same unit.
        level: factor on the errors, ≥ 0.
        seed, split: name the stream, with the level.
        rows: (n,) row number of each star within its split.

    Raises:
        InputError: shapes that differ, a negative level, an error that is not finite and positive.
    """
    rows = np.asarray(rows)
    if flux.shape != error.shape or rows.shape != flux.shape[:1]:
        raise InputError(f"noise: flux {flux.shape}, error {error.shape} and rows {rows.shape} must agree")
    if not (np.isfinite(level) and level >= 0):
        raise InputError(f"noise: level {level} must be finite and at least 0")
    check_error(error, rows=rows)
    xp, scale = namespace(flux), np.float32(level)
    if level == 0:
        return xp.asarray(flux, dtype=xp.float32, copy=True)
    entropy = stream_entropy(seed=seed, keys=("noise", split, float(level)))
    noisy = np.empty(flux.shape, dtype=np.float32)
    for star, row in enumerate(rows):
        generator(entropy, row=int(row)).standard_normal(dtype=np.float32, out=noisy[star])
        if xp is np:  # row by row, so that a spectrum stays in the processor's cache
            _observe(noisy[star], scale, error[star], flux[star])
    if xp is not np:
        noisy = like(noisy, flux)
        _observe(noisy, scale, error, flux)
    return noisy


def _observe(deviation, scale, error, flux):
    """deviation, in units of the error, becomes flux with noise."""
    deviation *= scale
    deviation *= error
    deviation += flux
