"""Models that a published grid does not have, filled from their neighbours."""

from collections.abc import Mapping

import numpy as np
from scipy.interpolate import make_interp_spline

from gravispec.errors import InputError


def fill_missing(
    axes: Mapping[str, np.ndarray], flux: np.ndarray, names: list[str]
) -> tuple[np.ndarray, dict[int, list[str]]]:
    """Flux with the models of missing nodes interpolated.

    Along every axis on which a missing node lies between others, a spline (cubic where there are four or more nodes)
    through the log flux of all others on that line; the mean over those axes.

    Args:
        axes: name -> node values.
        flux: (n_models, P) at `grid.nodes(axes)`, above 0; rows of NaN where the model is missing.
        names: of the models, for messages.

    Returns:
        flux (n_models, P), and for each filled row the names of the axes that it was interpolated along.

    Raises:
        InputError: names the nodes that lie between others on no axis.
    """
    axes = {name: np.asarray(positions, dtype=np.float64) for name, positions in axes.items()}
    shape = tuple(len(positions) for positions in axes.values())
    missing = np.isnan(flux).all(axis=1)
    log_flux = np.log(flux).reshape(*shape, -1)
    filled, along, hopeless = flux.copy(), {}, []
    for row in np.flatnonzero(missing):
        index = np.unravel_index(row, shape)
        estimates = {}
        for i, (axis, positions) in enumerate(axes.items()):
            line = log_flux[tuple(slice(None) if j == i else k for j, k in enumerate(index))]  # (n_nodes, P)
            there = np.flatnonzero(np.isfinite(line).all(axis=1))
            if (there < index[i]).any() and (there > index[i]).any():
                spline = make_interp_spline(positions[there], line[there], k=3 if len(there) > 3 else 1)
                estimates[axis] = spline(positions[index[i]])
        if estimates:
            filled[row] = np.exp(np.mean(list(estimates.values()), axis=0))
            along[int(row)] = list(estimates)
        else:
            hopeless.append(names[row])
    if hopeless:
        raise InputError(
            f"missing: interpolate: {len(hopeless)} missing models have no neighbours on both sides along any axis: "
            f"{', '.join(hopeless)}; narrow the axes of the grid"
        )
    return filled, along
