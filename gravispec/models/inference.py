"""Prediction, the same for tables, stress and new spectra: from what a model reads to its columns."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from gravispec.errors import InputError
from gravispec.features import family
from gravispec.labels import LABELS
from gravispec.models.model import Model
from gravispec.models.pca import Pca
from gravispec.models.ridge import RidgeFit
from gravispec.plugins.models import families_of, plugin


def columns(model, module, given):
    """``{column: (m,) or (m, K)}`` of a fitted model: all labels, by the global Ridge where it has none of its own.

    ``given``: what ``plugin(module).asked`` says, for m stars.
    """
    found = model.predict(**{name: given[name] for name in plugin(module).predict})
    lent = {label: given["ridge"][:, t] for t, label in enumerate(LABELS) if label not in found}
    return {**{label: (lent if label in lent else found)[label] for label in LABELS}, **found}


def posterior_columns(mean, covariance):
    """``{column: (...,)}`` of means (..., T), covariances (..., T, T): labels, ``sigma_{label}``, ``cov_{a}_{b}``."""
    found = {label: mean[..., t] for t, label in enumerate(LABELS)}
    found |= {f"sigma_{label}": np.sqrt(covariance[..., t, t]) for t, label in enumerate(LABELS)}
    for i, j in zip(*np.triu_indices(len(LABELS), 1), strict=True):
        found[f"cov_{LABELS[i]}_{LABELS[j]}"] = covariance[..., i, j]
    return found


def predictions_table(fitted, module, stored):
    """Table of star_id, split and the columns of a fitted model, for validation and test stars in file order.

    ``stored``: ``gravispec.models.given.StoredStars``. Raises ``InputError`` where log g is not finite, unless the
    model reads true labels.
    """
    others = (stored.stars["split"] != "train").to_numpy()
    parts = [columns(fitted, module, given) for given in stored.blocks(plugin(module).asked, others)]
    table = {}
    for name in parts[0]:
        values = np.concatenate([part[name] for part in parts])
        table |= {name: values} if values.ndim == 1 else {f"{name}_{k}": v for k, v in enumerate(values.T)}
    table = stored.stars.loc[others, ["star_id", "split"]].reset_index(drop=True).join(pd.DataFrame(table))
    unpredicted = ~np.isfinite(table["log_g"].to_numpy())
    if unpredicted.any() and "truth" not in plugin(module).declares:
        raise InputError(f"model {module}: log g of {table['star_id'][unpredicted.argmax()]} is not finite")
    return table


@dataclass(frozen=True)
class Fits:
    """What models share, all of one data set, noise level and number of training stars.

    wave (P,) Å; pca; ridge, of T labels; experts, a ``RidgeFit`` a bin; families, ``{name: what its fit returned}``.
    """

    wave: np.ndarray
    pca: Pca
    ridge: RidgeFit
    experts: tuple = ()
    families: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Fitted:
    """A model as the configuration names it: its module and options, and what fit returned."""

    module: str
    options: dict
    model: Model


class Spectra:
    """m spectra on the model's pixels, and what can be computed of them, each once.

    flux, sigma : (m, P), divided by the same number, so that the median of flux is 1
    measured : (m, P) bool, of pixels that hold no fill; by default all
    """

    def __init__(self, flux, sigma, fits, models, measured=None):
        self.flux, self.sigma, self.fits, self.models = flux, sigma, fits, models
        self.measured = np.ones(flux.shape, bool) if measured is None else measured
        self._families, self._columns = {}, {}

    def columns(self, name):
        """Columns of the model ``name`` (``columns``)."""
        if name not in self._columns:
            fitted = self.models[name]
            given = {asked: self._given(asked, fitted.options) for asked in plugin(fitted.module).asked}
            self._columns[name] = columns(fitted.model, fitted.module, given)
        return self._columns[name]

    def _given(self, asked, options):
        if asked == "features":
            return np.hstack([self.family(name) for name in families_of(options)])
        if asked == "other":
            return self.columns(options["of"])
        return self.fits.wave if asked == "wave" else getattr(self, asked)

    def family(self, name):
        """Features (m, D) float32 of a family."""
        if name not in self._families:
            fits = self.fits
            given = {"flux": self.flux, "sigma": self.sigma, "wave": fits.wave, "pca": fits.pca, "ridge": fits.ridge}
            self._families[name] = family.of_spectra(name, given | {"fitted": fits.families.get(name)})
        return self._families[name]

    @cached_property
    def ridge(self):
        """Labels (m, T) by the global Ridge."""
        return self.fits.ridge.predict(self.flux)

    @cached_property
    def experts(self):
        """Labels (m, K, T) by every expert."""
        experts = self.fits.experts
        found = np.asarray(self.flux, np.float64) @ np.concatenate([fit.coef for fit in experts], axis=1)
        shape = len(found), len(experts), experts[0].coef.shape[1]  # also where there is no star
        return found.reshape(shape) + np.stack([fit.intercept for fit in experts])
