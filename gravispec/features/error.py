"""Family F4 ``error``: how noisy the spectrum of a star is."""

import numpy as np

DEFINITION = "mean, standard deviation, maximum, 25th and 75th percentile over the pixels of error array × noise level"
UNIT = "flux / median"
NAMES = ("mean", "std", "max", "percentile_25", "percentile_75")


def features(error: np.ndarray) -> np.ndarray:
    """(m, 5) from the 1σ noise (m, P)."""
    low, high = np.percentile(error, [25, 75], axis=1)
    spread = error.std(axis=1, dtype=np.float64)
    return np.stack([error.mean(axis=1, dtype=np.float64), spread, error.max(axis=1), low, high], axis=1)
