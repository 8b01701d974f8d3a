"""Family F4 ``error``: how noisy the spectrum of a star is."""

import numpy as np

DEFINITION = "mean, standard deviation, maximum, 25th and 75th percentile over the pixels of the 1σ of the flux"
UNIT = "flux / median"
NAMES = ("mean", "std", "max", "percentile_25", "percentile_75")


def features(sigma: np.ndarray) -> np.ndarray:
    """(m, 5) from the 1σ of the flux (m, P)."""
    low, high = np.percentile(sigma, [25, 75], axis=1)
    spread = sigma.std(axis=1, dtype=np.float64)
    return np.stack([sigma.mean(axis=1, dtype=np.float64), spread, sigma.max(axis=1), low, high], axis=1)
