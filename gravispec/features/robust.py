"""Family ``robust``: what a gate can read of a star at any noise level, labels by the global Ridge and the S/N.

At noise level 1 the depths and widths of single lines (family ``window``) tell one star's kind in four; T_eff and [M/H]
by a Ridge, which come from all pixels at once, still do in four of five (docs/mixture.md).
"""

import numpy as np

from gravispec.features.quality import snr
from gravispec.labels import LABELS
from gravispec.models.ridge import RidgeFit

DEFINITION = "log g, T_eff and [M/H] by the global Ridge, in-sample; ln of the median flux / error"
UNIT = "dex, K, dex; 1"
NAMES = (*LABELS, "ln_snr")
LEAST_SNR = 0.1  # of noise alone the median may be negative


def features(flux: np.ndarray, sigma: np.ndarray, ridge: RidgeFit) -> np.ndarray:
    """(m, 4) from flux and its 1σ errors (m, P)."""
    return np.column_stack([ridge.predict(flux), np.log(np.maximum(snr(flux, sigma), LEAST_SNR))])
