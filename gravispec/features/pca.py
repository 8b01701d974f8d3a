"""Family F1 ``pca``: scores of the principal components of the noisy training flux."""

import numpy as np

from gravispec.models.pca import N_COMPONENTS, Pca

DEFINITION = f"scores of the first {N_COMPONENTS} principal components of the noisy training flux"
UNIT = "flux / median"
NAMES = tuple(f"PC{i + 1}" for i in range(N_COMPONENTS))


def features(flux: np.ndarray, pca: Pca) -> np.ndarray:
    """(m, 96) scores of flux (m, P)."""
    return pca.leading(N_COMPONENTS).transform(flux)
