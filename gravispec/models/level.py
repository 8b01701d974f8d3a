"""What a trained run knows at one noise level, and labels of spectra by it."""

import dataclasses
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gravispec.features import quality
from gravispec.features.shape import NAMES, Shape
from gravispec.labels import LABELS
from gravispec.models.filling import LITTLE, References, bridged, fill, short_gaps
from gravispec.models.flags import BITS, COST_LIMIT, FEW_DRAWS, MASKED_LIMIT, combine, within
from gravispec.models.inference import Fits, Spectra
from gravispec.models.intervals import CONFIDENCES
from gravispec.plugins.models import plugin
from gravispec.spectra.observation import divisor

OF_SHAPE = np.int16(sum(BITS[name] for name in NAMES))
#: columns that models with a posterior have beside their labels
OF_POSTERIOR = ("sigma_", "cov_", "q025_", "q16_", "q50_", "q84_", "q975_", "ess", "misfit")


@dataclass(frozen=True)
class Level:
    """What a run knows at one noise level.

    about : noise_level, n_train, continuum, shown (names of models), snr_range, snr_median, chi2_limit, misfit_limits
        of models, label_range, bins, for JSON
    models : ``{name: Fitted}``, those shown and those that they need
    intervals : ``{name: (Scale, Intervals)}``
    shape, references : tests of the shape of a spectrum; spectra to fill masked pixels by
    """

    about: dict
    fits: Fits
    models: dict
    intervals: dict
    shape: Shape
    references: References

    def only(self, names):
        """The same with these models alone shown."""
        return dataclasses.replace(self, about={**self.about, "shown": list(names)})

    def predict(self, flux, sigma, name, measured=None):
        """Labels by the model ``name`` with intervals, log g by others that are not slow, S/N, χ² and flags: m rows.

        flux (m, P) has the median 1, sigma (m, P) is its 1σ error. Both are divided by the running continuum of flux
        where the run was trained so. Pixels that are not ``measured`` (m, P) bool hold a fill from their neighbours
        (``spectra.neighbours``), which stays where it may cost little, and intervals are widened by what a fill may
        cost. A model that knows of gaps is told of them instead.
        """
        normalised, sigma = self._normalised(flux, sigma)
        snr = quality.snr(normalised, sigma, measured)
        cost = np.zeros((len(flux), len(LABELS), len(CONFIDENCES)))
        filled = measured is not None and not self.models[name].model.knows_gaps
        masked = np.flatnonzero(~measured.all(axis=1) & measured.any(axis=1)) if filled else []
        if len(masked):
            cost[masked] = bridged(measured[masked], snr[masked], self.fits.ridge.coef, self.references)
        table = self._rows(normalised, sigma, name, measured, snr, cost)
        if len(masked):
            dear = masked[(table["fill_cost"][masked] > LITTLE) | ~short_gaps(measured[masked])]
            if len(dear):
                of_dear = [values[dear] for values in (flux, sigma, measured, snr)]
                filled, cost = self._filled(*of_dear, name)
                again = self._rows(filled, of_dear[1], name, *of_dear[2:], cost).set_index(dear)
                table = pd.concat([table.drop(index=dear), again]).sort_index()
        return table

    def _rows(self, flux, sigma, name, measured, snr, cost):
        """The table of normalised flux without gaps."""
        spectra = Spectra(flux, sigma, self.fits, self.models, measured)
        found = self._of_spectrum(spectra, snr, measured)
        if measured is not None and self.models[name].model.knows_gaps:
            self._of_parts(found, flux, sigma, measured)
        table = self._table(spectra, name, found, cost)
        slow = {other for other, fitted in self.models.items() if "slow" in plugin(fitted.module).declares}
        others = [other for other in self.about["shown"] if other != name and other not in slow]
        columns = {f"log_g_{other}": spectra.columns(other)["log_g"] for other in others}
        weights = spectra.columns(name).get("w", np.empty((len(flux), 0)))
        columns |= {f"weight_{k}": w for k, w in enumerate(weights.T)}
        return pd.concat([table, pd.DataFrame(columns)], axis=1)

    def tables(self, flux, sigma, names):
        """``{name: labels with intervals, S/N, χ² and flags}`` by these models, of spectra without masked pixels."""
        spectra = Spectra(*self._normalised(flux, sigma), self.fits, self.models)
        snr = quality.snr(spectra.flux, spectra.sigma)
        found, cost = self._of_spectrum(spectra, snr), np.zeros((len(flux), len(LABELS), len(CONFIDENCES)))
        return {name: self._table(spectra, name, found, cost) for name in names}

    def _of_parts(self, found, flux, sigma, measured):
        """χ² of spectra with wide gaps, in place; a guess there has no shape."""
        rows = np.flatnonzero(measured.mean(axis=1) < 1 - MASKED_LIMIT)
        chi2 = quality.chi2_of_part(flux[rows], sigma[rows], self.fits.pca, measured[rows])
        found["chi2"][rows] = chi2
        found["flags"][rows] &= ~(OF_SHAPE | np.int16(BITS["UNLIKE_TRAINING"]))
        found["flags"][rows] |= combine(UNLIKE_TRAINING=~(chi2 <= self.about["chi2_limit"]))

    def _of_spectrum(self, spectra, snr, measured=None):
        """S/N, χ² and the flags that no model has a part in."""
        flux, sigma = spectra.flux, spectra.sigma
        chi2 = quality.chi2(np.asarray(flux, np.float64), sigma, self.fits.pca, measured)
        flags = combine(
            SNR=~within(snr, self.about["snr_range"]),
            UNLIKE_TRAINING=~(chi2 <= self.about["chi2_limit"]),
            **self.shape.flags(flux, sigma, spectra.ridge[:, 1], spectra.ridge[:, 2]),
        )
        return {"snr": snr, "chi2": chi2, "flags": flags}

    def _table(self, spectra, name, of_spectrum, cost):
        found = spectra.columns(name)
        scale, intervals = self.intervals[name]
        own = intervals(of_spectrum["snr"]) * (scale(_labels(found)) * _sigma(found))[:, :, None]
        fill_cost, half_width = (cost / own)[:, :, 0].max(axis=1), np.hypot(own, cost)
        columns = {}
        for t, label in enumerate(LABELS):
            columns[label] = found[label]
            for c, confidence in enumerate(CONFIDENCES):
                columns[f"{label}_lo{confidence * 100:.0f}"] = found[label] - half_width[:, t, c]
                columns[f"{label}_hi{confidence * 100:.0f}"] = found[label] + half_width[:, t, c]
        columns |= {column: found[column] for column in found if column.startswith(OF_POSTERIOR)}
        never = np.zeros(len(fill_cost))
        inside = [within(found[label], limits) for label, limits in self.about["label_range"].items()]
        in_bins = [within(found[label], limits) for label, limits in self.about["bins"].items()]
        flags = combine(
            OUTSIDE_LABELS=~np.all(in_bins, axis=0),
            EXTRAPOLATED=~np.all(inside, axis=0),
            MASKED=fill_cost > COST_LIMIT,
            MISFIT=found.get("misfit", never) > self.about["misfit_limits"].get(name, np.inf),
            FEW_DRAWS=found.get("ess", np.inf + never) < FEW_DRAWS,
        )
        columns |= {**of_spectrum, "fill_cost": fill_cost, "flags": of_spectrum["flags"] | flags}
        return pd.DataFrame(columns)

    def _normalised(self, flux, sigma):
        if not self.about["continuum"]:
            return flux, sigma
        by = divisor(flux, self.fits.wave, self.about["continuum"])
        return flux / by, sigma / by

    def _filled(self, flux, sigma, measured, snr, name):
        """Flux (m, P) normalised as in training with its fill, and what that may cost (m, T, C)."""
        return fill(
            flux, sigma, measured, snr,
            pca=self.fits.pca,
            references=self.references,
            divisor=lambda rows: divisor(rows, self.fits.wave, self.about["continuum"]),
            likeness=self.fits.ridge.predict,
            labels=lambda rows, sigma: _labels(Spectra(rows, sigma, self.fits, self.models).columns(name)),
        )  # fmt: skip


def _labels(columns):
    """(m, T)."""
    return np.stack([columns[label] for label in LABELS], axis=1)


def _sigma(columns):
    """(m, T) standard deviations that a model gives, 1 where it gives none."""
    return np.stack([columns.get(f"sigma_{label}", np.ones_like(columns[label])) for label in LABELS], axis=1)
