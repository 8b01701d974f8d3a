"""Rectilinear grid of model spectra and its smooth interpolation on a compressed basis, for any number of axes."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gravispec.device import like, namespace, on_device
from gravispec.errors import InputError
from gravispec.spectra.splines import Axes, Expansion, Others, nodes


def shard(n_models: int, i: int, n_shards: int) -> range:
    """Rows of shard `i` of `n_shards`: contiguous, of equal size to within one, together 0..n_models-1."""
    return range(i * n_models // n_shards, (i + 1) * n_models // n_shards)


@dataclass(frozen=True)
class Basis:
    """log flux ≈ mean + coefficients @ components: the truncated singular value decomposition of a grid."""

    mean: np.ndarray  # (P,) mean log flux over the models
    components: np.ndarray  # (K, P), orthonormal rows
    coefficients: np.ndarray  # (n_models, K)


def fit_basis(
    flux: np.ndarray, others: Others | None = None, *, tolerance: float = 1e-4, overwrite: bool = False
) -> Basis:
    """Compressed basis of the log flux of all models, with as few components as the tolerance allows.

    The log is interpolated because it makes the continuum nearly linear in the labels, bounds the flux from below by 0
    and turns a rms residual into a relative error of the flux. Memory: the models once (or twice, without `overwrite`)
    in float64, and five matrices of min(n_models, P)².

    Args:
        flux: (n_models, P) surface flux, erg s⁻¹ cm⁻² Å⁻¹, at `splines.models`.
        others: labels beside the axes; in the place of the models of their design are the coefficients of polynomials.
        tolerance: largest rms over the pixels, of any model, of the log flux that the basis leaves out.
        overwrite: work in the memory of `flux`, float64, which is of no use afterwards.

    Raises:
        InputError: names a model with a flux that is not finite and positive.
    """
    bad = np.array([not ((model > 0) & np.isfinite(model)).all() for model in flux])
    if bad.any():
        raise InputError(f"grid: model {int(np.argmax(bad))} has flux that is not finite and above 0; make it again")
    variation = np.log(flux, dtype=np.float64, out=flux if overwrite else None)
    if others is not None:
        main = len(flux) - len(nodes(others.axes)) * (1 + others.models)
        mean = variation[:main].mean(axis=0)
        of_others = others.fitted(variation[main:]).reshape(-1, len(mean))
        variation = np.concatenate([variation[:main] - mean, of_others])
    else:
        mean = variation.mean(axis=0)
        variation -= mean
    n_models, n_pixels = variation.shape
    # Eigenvectors of the smaller Gram matrix cost a tenth of a singular value decomposition. They lose singular values
    # below 1e-8 of the largest, which are far below any useful tolerance.
    by_model = n_models <= n_pixels
    eigenvalues, vectors = np.linalg.eigh(variation @ variation.T if by_model else variation.T @ variation)
    eigenvalues, vectors = np.maximum(eigenvalues[::-1], 0), vectors[:, ::-1]
    # components that leave out less than the tolerance in all models together leave out less in each
    beyond = np.cumsum(eigenvalues[::-1])[::-1]
    vectors = vectors[:, : max(1, np.count_nonzero(beyond > n_pixels * tolerance**2))]
    singular = np.sqrt(eigenvalues[: vectors.shape[1]])
    coefficients = vectors * singular if by_model else variation @ vectors
    # left_out[i, k]: sum of squares in model i that the first k components do not carry
    squares = np.einsum("ij,ij->i", variation, variation)
    left_out = squares[:, None] - np.cumsum(coefficients**2, axis=1) + coefficients**2
    K = max(1, int(np.count_nonzero(left_out.max(axis=0) > n_pixels * tolerance**2)))
    components = (vectors[:, :K] / singular[:K]).T @ variation if by_model else vectors[:, :K].T
    return Basis(mean=mean, components=components, coefficients=coefficients[:, :K])


class GridInterpolator:
    """Surface flux at any labels inside a rectilinear grid, from splines in the coefficients of a compressed basis.

    Attributes:
        axes: name -> node values.
        others: labels beside them, None where there are none.
        names: of the columns of the labels: the axes, then the others.
        wave: (P,) wavelength of the pixels, Å, vacuum.
        basis: `Basis` of the models at `nodes(axes)`, and of the polynomials in the others.

    With a `device` the flux is a tensor there; coefficients are NumPy's, 2 µs a star without others.
    """

    def __init__(
        self, axes: Axes, basis: Basis, *, wave: np.ndarray, others: Others | None = None, device: str | None = None
    ):
        self.axes = {name: np.asarray(positions, dtype=np.float64) for name, positions in axes.items()}
        self.wave, self.others = np.asarray(wave, dtype=np.float64), others
        self.basis = basis
        self._expansion = Expansion.through(self.axes, basis.coefficients, others)
        self._components = on_device(basis.components.astype(np.float32), device)
        self._mean = on_device(basis.mean.astype(np.float32), device)

    @property
    def names(self) -> list[str]:
        return self._expansion.names

    @property
    def ranges(self) -> dict[str, tuple[float, float]]:
        """name -> lowest and highest value."""
        of_axes = {name: (positions[0], positions[-1]) for name, positions in self.axes.items()}
        return of_axes | dict(self.others.ranges if self.others else {})

    def coefficients(self, labels: np.ndarray) -> np.ndarray:
        """Basis coefficients (N, K) float64 at `labels` (N, n_labels).

        Raises:
            InputError: names the first row and label outside its range, with the range.
        """
        labels = np.asarray(labels, dtype=np.float64)
        if labels.ndim != 2 or labels.shape[1] != len(self.names):
            raise InputError(f"labels {labels.shape}: need one column for each of {', '.join(self.names)}")
        for i, (name, (low, high)) in enumerate(self.ranges.items()):
            outside = ~((labels[:, i] >= low) & (labels[:, i] <= high))
            if outside.any():
                row = int(np.argmax(outside))
                raise InputError(
                    f"star {row}: {name} = {labels[row, i]} is outside the grid, {low} to {high}; "
                    "narrow the labels or widen the grid"
                )
        return self._expansion(labels)

    def __call__(self, labels: np.ndarray) -> np.ndarray:
        """Surface flux (N, P) float32, erg s⁻¹ cm⁻² Å⁻¹, at `labels` (N, n_labels); see `coefficients` for errors.

        The rows of a call change by at most 1e-5 (relative, float32 products) with the number of rows in the call.
        """
        log_flux = like(self.coefficients(labels).astype(np.float32), self._components) @ self._components
        log_flux += self._mean
        return namespace(log_flux).exp(log_flux, out=log_flux)

    def save(self, path: Path) -> None:
        """Write the grid as an npz file without pickled objects."""
        found = {
            "axis_names": np.array(list(self.axes)),
            "wave": self.wave,
            "mean": self.basis.mean,
            "components": self.basis.components,
            "coefficients": self.basis.coefficients,
        }
        found |= {f"axis_{name}": positions for name, positions in self.axes.items()}
        if self.others:
            found |= {f"fewer_{name}": positions for name, positions in self.others.axes.items()}
            found |= {f"range_{name}": ends for name, ends in self.others.ranges.items()}
            found["polynomial"] = np.array([self.others.degree, self.others.models])
            found["other_names"] = np.array(list(self.others.ranges))
        np.savez(path, **found)

    @classmethod
    def load(cls, path: Path, *, device: str | None = None) -> "GridInterpolator":
        """Read a grid that `save` wrote."""
        with np.load(path, allow_pickle=False) as stored:
            names, others = [str(name) for name in stored["axis_names"]], None
            if "other_names" in stored:
                ranges = {str(name): tuple(stored[f"range_{name}"]) for name in stored["other_names"]}
                degree, models = stored["polynomial"].tolist()
                others = Others(ranges, degree, {name: stored[f"fewer_{name}"] for name in names}, models)
            basis = Basis(stored["mean"], stored["components"], stored["coefficients"])
            axes = {name: stored[f"axis_{name}"] for name in names}
            return cls(axes, basis, wave=stored["wave"], others=others, device=device)
