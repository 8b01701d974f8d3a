"""Family F3 ``topk``: mean noisy flux of 24 groups of the pixels that the global Ridge weighs most."""

import numpy as np

from gravispec.errors import InputError
from gravispec.models.ridge import RidgeFit

N_PIXELS = 512
N_SEGMENTS = 24
DEFINITION = (
    f"the {N_PIXELS} pixels with the largest absolute coefficient of the global Ridge, in the order of wavelength, "
    f"cut into {N_SEGMENTS} segments; mean noisy flux of each"
)
UNIT = "flux / median"
NAMES = tuple(f"segment_{i:02d}" for i in range(N_SEGMENTS))


def features(flux: np.ndarray, ridge: RidgeFit) -> np.ndarray:
    """(m, 24) from flux (m, P)."""
    return np.stack([flux[:, pixels].mean(axis=1, dtype=np.float64) for pixels in segments(ridge.first().coef)], axis=1)


def segments(coef: np.ndarray) -> list[np.ndarray]:
    """Pixels of each segment, increasing, from the coefficients (P,); the first segments have one more if need be."""
    if len(coef) < N_PIXELS:
        raise InputError(f"topk: {N_PIXELS} pixels are chosen, the spectra have {len(coef)}; leave this family out")
    chosen = np.argsort(-np.abs(coef), kind="stable")[:N_PIXELS]
    return np.array_split(np.sort(chosen), N_SEGMENTS)
