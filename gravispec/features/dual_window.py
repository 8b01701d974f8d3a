"""Family ``dual_window``: the 13 features of ``window`` and ten further ones, for the dual-feature gate.

The source names no more than their number (method.md section 10). Here they are six indices of Paschen lines, TiO, CN,
Mg I and Fe I, each a mean over many pixels, and the four features of family ``robust``. Paschen bands and those beside
them are those of Cenarro et al. (2001, MNRAS 326, 959), in vacuum.
"""

import numpy as np

from gravispec.errors import InputError
from gravispec.features import robust, window
from gravispec.models.pca import Pca
from gravispec.models.ridge import RidgeFit

#: index: its band, and the bands beside it, Å, vacuum
BANDS = {
    "P14": ((8579.4, 8621.4), ((8565.4, 8579.4), (8621.4, 8644.4))),
    "P12": ((8732.4, 8774.4), ((8702.4, 8727.4), (8778.4, 8794.4))),
    "TiO8432": ((8434.0, 8464.0), ((8402.0, 8430.0),)),
    "CN8100": ((8050.0, 8150.0), ((8215.0, 8320.0),)),
    "MgI8809": ((8804.9, 8813.4), ((8783.4, 8790.3), (8834.0, 8837.9))),
    "FeI8691": ((8686.0, 8696.0), ((8678.0, 8686.0), (8700.0, 8710.0))),
}
DEFINITION = (
    f"{window.DEFINITION}; 1 - mean flux of a band / mean flux of the bands beside it: {', '.join(BANDS)}; "
    f"{robust.DEFINITION}"
)
UNIT = f"{window.UNIT}; indices: 1; {robust.UNIT}"
NAMES = (*window.NAMES, *BANDS, *(f"ridge_{label}" for label in robust.LABELS), "ln_snr")


def indices(wave: np.ndarray, flux: np.ndarray) -> np.ndarray:
    """(m, 6) ``1 - mean flux of the band / mean flux of all pixels beside it``, from wave (P,), Å, and flux (m, P).

    Raises ``InputError`` where pixels do not cover a band.
    """
    columns = []
    for name, (band, beside) in BANDS.items():
        low, high = min(band[0], *(b[0] for b in beside)), max(band[1], *(b[1] for b in beside))
        if wave[0] > low or wave[-1] < high:
            raise InputError(
                f"pixels {wave[0]:.1f}..{wave[-1]:.1f} Å do not cover {name} with the bands beside it "
                f"({low:.0f}..{high:.0f} Å), which family dual_window needs; take family window"
            )
        inside, outside = within(wave, [band]), within(wave, beside)
        continuum = np.maximum(flux[:, outside].mean(axis=1, dtype=np.float64), window.CONTINUUM_FLOOR)
        columns.append(1 - flux[:, inside].mean(axis=1, dtype=np.float64) / continuum)
    return np.stack(columns, axis=1)


def within(wave, bands):
    """(P,) bool: pixels in any of the bands (low, high), Å."""
    return np.any([(wave >= low) & (wave <= high) for low, high in bands], axis=0)


def features(flux: np.ndarray, sigma: np.ndarray, wave: np.ndarray, pca: Pca, ridge: RidgeFit) -> np.ndarray:
    """(m, 23) from flux and its 1σ errors (m, P)."""
    parts = window.features(flux, wave, pca), indices(wave, flux), robust.features(flux, sigma, ridge)
    return np.hstack(parts)
