"""What a spectrum shows of itself that training spectra do not have: width of lines, filled cores, constant, slope.

A deviation has a template: what a little of it adds to the flux of the star at hand (``shape_fit.py``). The part of the
template that no training star of its kind can imitate is fitted to the spectrum: the amplitude, its error, and their
ratio z. What of a deviation looks like another star cannot be measured so.

Kinds of stars are cells of predicted T_eff and [M/H]. In each, the template is linear in a few scores of the star, and
so are the weights of the fit: all of it is one product of matrices.
"""

from dataclasses import dataclass

import numpy as np

from gravispec.data.npz import Record

#: the deviations, by their flags in a catalogue
NAMES = ("LINE_WIDTH", "LINE_CORE", "LINE_DEPTH", "SLOPE")


@dataclass(frozen=True)
class Shape(Record):
    """Tests for J deviations in C cells of stars on P pixels, with templates linear in k scores of a star; float32.

    T_eff_edges, K, and M_H_edges, dex: between cells, which are numbered along M_H first.
    mean (C, P): of the training flux. read (C, P, k + J (k + 1)): of (flux - mean), the scores, and for each deviation
    the numerators of the fit by 1 and the scores. power (C, J, k + 1, k + 1): squared norm of a template in noise.
    noise (C, P, J): share of a pixel's σ² in the squared error of a fit. floor (C, J): what noise does not explain of
    the amplitudes of validation stars, 1σ. limits (J, 2) of z: beyond them there is a flag.
    """

    T_eff_edges: np.ndarray
    M_H_edges: np.ndarray
    mean: np.ndarray
    read: np.ndarray
    power: np.ndarray
    noise: np.ndarray
    floor: np.ndarray
    limits: np.ndarray

    def cell(self, T_eff: np.ndarray, M_H: np.ndarray) -> np.ndarray:
        """(m,) cells of labels (m,)."""
        along = np.searchsorted(self.M_H_edges, M_H, side="right")
        return np.searchsorted(self.T_eff_edges, T_eff, side="right") * (len(self.M_H_edges) + 1) + along

    def fit(self, flux: np.ndarray, sigma: np.ndarray, cell: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Amplitudes (m, J) and their errors (m, J), in the order of `NAMES`, of flux and 1σ errors (m, P)."""
        amplitude, error = np.full((2, len(flux), len(NAMES)), np.nan)
        for c in np.unique(cell):
            rows = np.flatnonzero(cell == c)
            amplitude[rows], error[rows] = self._fit(c, flux[rows], sigma[rows])
        return amplitude, error

    def _fit(self, c, flux, sigma):
        n, k, _ = self.power[c].shape
        read = np.asarray(flux, np.float32) @ self.read[c] - self.mean[c] @ self.read[c]
        scores = np.insert(read[:, : k - 1].astype(float), 0, 1, axis=1)
        numerator = np.einsum("mjk,mk->mj", read[:, k - 1 :].reshape(len(flux), n, k), scores)
        power = np.einsum("mk,jkl,ml->mj", scores, self.power[c], scores, optimize=True)
        power = np.maximum(power, np.finfo(np.float32).tiny)
        variance = (np.square(sigma, dtype=np.float32) @ self.noise[c]) / power
        return numerator / power, np.sqrt(variance + np.square(self.floor[c]))

    def z(self, flux: np.ndarray, sigma: np.ndarray, cell: np.ndarray) -> np.ndarray:
        """(m, J) amplitude / error."""
        return np.divide(*self.fit(flux, sigma, cell))

    def flags(self, flux, sigma, T_eff, M_H) -> dict[str, np.ndarray]:
        """``{flag: (m,) bool}`` for flux (m, P) of stars with these predicted labels: z beyond its limits, or NaN."""
        z = self.z(flux, sigma, self.cell(T_eff, M_H))
        beyond = ~((z >= self.limits[:, 0]) & (z <= self.limits[:, 1]))
        return dict(zip(NAMES, beyond.T, strict=True))
