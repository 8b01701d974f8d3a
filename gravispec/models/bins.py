"""The bins in T_eff and M_H, one expert each, and labels of experts by their weights."""

from dataclasses import dataclass

import numpy as np

from gravispec.labels import LABELS

UNCOVERED = -1


@dataclass(frozen=True)
class Bins:
    """Edges in T_eff (K) and M_H (dex): bin = ``n_M_H · (index in T_eff) + (index in M_H)`` (method.md section 6)."""

    T_eff: tuple
    M_H: tuple

    def __len__(self):
        return (len(self.T_eff) - 1) * (len(self.M_H) - 1)

    def of(self, T_eff, M_H):
        """Bin of each star (N,) int from its labels (N,)."""
        return assign(T_eff, M_H, T_eff_edges=self.T_eff, M_H_edges=self.M_H)


def assign(T_eff, M_H, *, T_eff_edges, M_H_edges):
    """Bin of each star: ``n_M_H · (index in T_eff) + (index in M_H)``, or -1 outside the edges.

    Intervals are half-open, the last one closed (method.md section 6). Labels (N,); returns (N,) int.
    """
    i, j = _interval(T_eff, T_eff_edges), _interval(M_H, M_H_edges)
    covered = (i >= 0) & (j >= 0)
    return np.where(covered, i * (len(M_H_edges) - 1) + j, UNCOVERED)


def _interval(values, edges):
    """Index of the interval that holds each value, -1 outside."""
    values = np.asarray(values, float)
    index = np.searchsorted(edges, values, side="right") - 1
    index = np.where(values == edges[-1], len(edges) - 2, index)
    return np.where((values < edges[0]) | (values > edges[-1]), -1, index)


def one_hot(bins, n_bins):
    """Weights (N, n_bins) of the oracle: 1 in the true bin; all zero for uncovered stars."""
    return (np.asarray(bins)[:, None] == np.arange(n_bins)).astype(float)


def mixed(experts, weights):
    """``{label: (m,)}`` of the weighted sum of the experts' labels (m, K, T), and the weights ``w`` (m, K)."""
    labels = {label: np.sum(experts[:, :, t] * weights, axis=1) for t, label in enumerate(LABELS)}
    return labels | {"w": weights}
