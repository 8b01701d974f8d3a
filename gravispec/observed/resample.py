"""Spectra on other pixels, with their errors."""

from collections.abc import Iterator

import numpy as np

from gravispec.spectra.instrument import pixel_edges

ROWS = 64  # spectra at a time: they stay in the processor's cache
MEASURED = 0.5  # a pixel counts as measured where good pixels cover at least this fraction of its width


def resample(
    flux: np.ndarray,
    error: np.ndarray,
    bad: np.ndarray,
    wave: np.ndarray,
    wave_out: np.ndarray,
    factor: np.ndarray,
    *,
    effective: bool = False,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean flux density in the pixels `wave_out` (P,), its 1σ error, and which pixels are not measured; (n, P) each.

    `flux`, `error`, `bad` (n, Q) are on `wave`, (Q,) or (n, Q), Å, increasing, where the spectra were received at
    `factor` (n,) times the wavelength in `wave_out`.

    Flux is conserved: with o_ij the overlap of pixel i with the new pixel j and w_ij = o_ij / Σ o_ij over good pixels,

        F_j = Σ_i w_ij f_i,   Var F_j = Σ_i w_ij² σ_i²,   Cov(F_j, F_j+1) = Σ_i w_ij w_i,j+1 σ_i².

    The error is √Var alone. Neighbours share pixels, so they are correlated: between equal pixels that are shifted by
    the fraction p of a pixel, Var = (p² + (1-p)²) σ² and Cov(F_j, F_j+1) = p (1-p) σ². Var + 2 Cov = σ² for every p;
    averaged over p the variance is 2/3 σ² and the covariance 1/6 σ², a correlation of 1/4. Pixels further apart are
    independent as long as the old pixels are not wider than the new ones.

    ``effective``: the square of the error is Σ_k Cov(F_j, F_k) = Σ_i w_ij σ_i² Δ_i / Δ_j, for means over many pixels
    (`degrade`).

    Where good pixels cover less than `MEASURED` of a new pixel it is not measured; flux and error are 0 there.
    """
    shape = len(flux), len(wave_out)
    new_flux, new_error, missing = np.empty(shape, np.float32), np.empty(shape, np.float32), np.empty(shape, bool)
    edges_out = pixel_edges(wave_out)[None]
    edges = pixel_edges(wave)[None] if wave.ndim == 1 else None
    shared = edges is not None and (factor == factor[0]).all()
    overlaps = list(_overlaps(edges, edges_out * factor[0])) if shared else None
    for lo in range(0, len(flux), ROWS):
        rows = slice(lo, lo + ROWS)
        if not shared:
            own = np.stack([pixel_edges(row) for row in wave[rows]]) if edges is None else edges
            overlaps = _overlaps(own, edges_out * factor[rows, None])
        of_rows = flux[rows], error[rows], bad[rows], effective
        new_flux[rows], new_error[rows], missing[rows] = _average(overlaps, *of_rows)
    return new_flux, new_error, missing


def _overlaps(edges: np.ndarray, edges_out: np.ndarray) -> Iterator[tuple[np.ndarray, ...]]:
    """For the 1st, 2nd, ... old pixel that each new one touches: its index, overlap and its own width over
    that of the new one, (m, P) each.

    `edges` (m or 1, Q + 1), `edges_out` (m, P + 1), in one unit.
    """
    n_old = edges.shape[1] - 1
    own = np.broadcast_to(edges, (len(edges_out), n_old + 1))
    count = np.arange(n_old + 1, dtype=float)
    # the new edges, in old pixels
    position = np.stack([np.interp(new, old, count) for new, old in zip(edges_out, own, strict=True)])
    start, stop = position[:, :-1], position[:, 1:]
    first = np.minimum(start.astype(np.int64), n_old - 1)
    width, width_out = np.diff(edges), np.diff(edges_out)
    for k in range(int((np.ceil(stop) - first).max(initial=1))):
        index = np.minimum(first + k, n_old - 1)
        inside = np.minimum(stop, first + k + 1) - np.maximum(start, first + k)
        scale = _take(width, index) / width_out
        yield index, (np.maximum(inside, 0) * scale).astype(np.float32), scale.astype(np.float32)


def _average(overlaps, flux, error, bad, effective) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    masked = bad.any()
    if masked:
        flux, error = np.where(bad, 0, flux), np.where(bad, 0, error)
        good = (~bad).astype(np.float32)
    total = variance = covered = np.float32(0)
    for index, overlap, ratio in overlaps:
        total = total + overlap * _take(flux, index)
        share = overlap * ratio if effective else overlap * overlap
        variance = variance + share * np.square(_take(error, index))
        covered = covered + (overlap * _take(good, index) if masked else overlap)
    missing = np.broadcast_to(covered < MEASURED, total.shape)
    norm = np.where(missing, 0, 1 / np.maximum(covered, MEASURED))
    return total * norm, np.sqrt(variance) * norm, missing


def _take(values: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Elements `index` (m or 1, P) of the rows of `values` (n or 1, Q)."""
    if len(index) == 1:
        return values[:, index[0]]
    return np.take_along_axis(np.broadcast_to(values, (len(index), values.shape[1])), index, axis=1)
