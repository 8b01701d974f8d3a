"""The bins in T_eff and M_H, one expert each, and labels of experts by their weights."""

from dataclasses import dataclass

import numpy as np

from gravispec.labels import LABELS

UNCOVERED = -1


@dataclass(frozen=True)
class Bins:
    """Edges in T_eff (K) and M_H (dex); intervals are half-open, the last one closed (method.md section 6)."""

    T_eff: tuple
    M_H: tuple

    def __len__(self):
        return (len(self.T_eff) - 1) * (len(self.M_H) - 1)

    def of(self, T_eff, M_H):
        """Bin of each star (N,) int from its labels (N,): ``n_M_H · (index in T_eff) + (index in M_H)``, -1 outside."""
        i, j = _interval(T_eff, self.T_eff), _interval(M_H, self.M_H)
        return np.where((i >= 0) & (j >= 0), i * (len(self.M_H) - 1) + j, UNCOVERED)


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
