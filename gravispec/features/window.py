"""Gate features: depths and equivalent widths of gravity-sensitive lines, and the leading principal components."""

import numpy as np

from gravispec.device import like, namespace
from gravispec.errors import InputError
from gravispec.models.pca import Pca
from gravispec.spectra.normalise import row_median

#: line windows, Å, on the data set's own vacuum wavelengths (method.md section 6)
WINDOWS = {
    "CaII8498": (8490.0, 8510.0),
    "CaII8542": (8530.0, 8555.0),
    "CaII8662": (8650.0, 8675.0),
    "NaI8190": (8180.0, 8200.0),
}
SIDEBAND = 15.0  # Å, on either side of a window
N_COMPONENTS = 4
#: flux is normalised by its median; a lower local continuum is noise, and dividing by it would make outliers
CONTINUUM_FLOOR = 0.05


DEFINITION = "line depths, equivalent widths and leading principal components of the noisy flux"
UNIT = "depths: 1; equivalent widths: Å; scores: flux / median"
NAMES = (
    *(f"{kind}_{line}" for line in WINDOWS for kind in ("depth", "EW")),
    "EW_CaT",
    *(f"PC{i + 1}" for i in range(N_COMPONENTS)),
)


def line_features(wave, flux):
    """Depth ``1 - min(f/c)`` and equivalent width ``sum(1 - f/c) dλ`` of each window, then EW_CaT.

    c is the median flux of the two sidebands, 15 Å each, just outside the window.

    Parameters: ``wave`` (P,) Å; ``flux`` (N, P), which may be a tensor. Returns (N, 9) float64; widths in Å.
    Raises ``InputError`` where the pixels do not cover a window and its sidebands.
    """
    xp, widths, columns = namespace(flux), np.gradient(np.asarray(wave, np.float64)), []

    def pixels(keep):
        return xp.asarray(flux[:, like(np.flatnonzero(keep), flux)], dtype=xp.float64)

    for line, (low, high) in WINDOWS.items():
        if wave[0] > low - SIDEBAND or wave[-1] < high + SIDEBAND:
            raise InputError(
                f"pixels {wave[0]:.1f}..{wave[-1]:.1f} Å do not cover {line} with its sidebands "
                f"({low - SIDEBAND:.0f}..{high + SIDEBAND:.0f} Å), which the gate features need"
            )
        inside = (wave >= low) & (wave <= high)
        beside = (wave >= low - SIDEBAND) & (wave <= high + SIDEBAND) & ~inside
        continuum = xp.clip(row_median(pixels(beside)), CONTINUUM_FLOOR, None)[:, None]
        absorbed = 1.0 - pixels(inside) / continuum
        columns += [xp.amax(absorbed, axis=1), absorbed @ like(widths[inside], absorbed)]
    ew_cat = columns[1] + columns[3] + columns[5]
    return xp.stack([*columns, ew_cat], axis=1)


def features(flux: np.ndarray, wave: np.ndarray, pca: Pca) -> np.ndarray:
    """(m, 13) gate features of noisy flux (m, P); ``pca`` was fitted on the noisy training flux."""
    scores = pca.leading(N_COMPONENTS).transform(flux)
    return namespace(flux).concatenate([line_features(wave, flux), scores], axis=1)
