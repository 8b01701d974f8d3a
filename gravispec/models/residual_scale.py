"""How large residuals are in general, by predicted T_eff and M_H: the unit in which intervals are calibrated.

Residuals depend on the kind of star more than on the S/N: log g of a metal-poor star rests on few lines. In units of
the scale of its kind a residual is comparable to any other, so intervals are wide where they have to be, and what
split-conformal calibration promises is untouched (normalised residuals: Lei et al. 2018, JASA 113, 1094, section 5.2).
"""

from dataclasses import dataclass

import numpy as np

CELLS = (3, 8)  # in T_eff and M_H, of equally many stars
MIN_STARS = 60  # a cell


@dataclass(frozen=True)
class Scale:
    """T_eff_edges (I - 1,) K, M_H_edges (J - 1,) dex between cells; size (I, J, T): median |residual| of T labels."""

    T_eff_edges: np.ndarray
    M_H_edges: np.ndarray
    size: np.ndarray

    def cell(self, predicted):
        """Index of the cell (m,) in T_eff and (m,) in M_H from predicted labels (m, T): log_g, T_eff, M_H."""
        i = np.searchsorted(self.T_eff_edges, predicted[:, 1], side="right")
        return i, np.searchsorted(self.M_H_edges, predicted[:, 2], side="right")

    def __call__(self, predicted):
        """(m, T) from predicted labels (m, T)."""
        return self.size[self.cell(predicted)]


def fit_scale(predicted, true, sigma=1.0):
    """``Scale`` from predicted and true labels (n, 3), log_g, T_eff, M_H, of stars that serve no calibration.

    ``sigma`` (n, 3): what a model says of its errors, in whose units it is then.
    """
    n_cells = len(true) // MIN_STARS
    n_M_H = int(np.clip(n_cells, 1, CELLS[1]))
    n_T_eff = int(np.clip(n_cells // n_M_H, 1, CELLS[0]))
    edges = [np.quantile(predicted[:, t], np.arange(1, n) / n) for t, n in ((1, n_T_eff), (2, n_M_H))]
    scale = Scale(*edges, np.empty((n_T_eff, n_M_H, true.shape[1])))
    residuals, of_star = np.abs(predicted - true) / sigma, np.ravel_multi_index(scale.cell(predicted), (n_T_eff, n_M_H))
    overall = np.median(residuals, axis=0)
    for cell in range(n_T_eff * n_M_H):
        kept = residuals[of_star == cell]
        # T_eff and M_H are not independent in every sample: a cell may have few stars
        size = np.median(kept, axis=0) if len(kept) >= MIN_STARS // 3 else overall
        scale.size[np.unravel_index(cell, (n_T_eff, n_M_H))] = np.where(size > 0, size, 1.0)
    return scale
