"""Spectra of a catalogue that are kept for its page: the extremes of every file, while it is read."""

import numpy as np
import pandas as pd

from gravispec.models.flags import MASKED_LIMIT
from gravispec.spectra.observation import divisor

#: column, how many rows, and whether the largest; why a spectrum is kept
NOTABLE = {
    "largest χ²": ("chi2", 2, True),
    "highest S/N": ("snr", 2, True),
    "lowest S/N": ("snr", 1, False),
    "largest log g": ("log_g", 1, True),
    "smallest log g": ("log_g", 1, False),
}


def notable(table):
    """The rows at both ends of what ``NOTABLE`` names, each once, with the column ``why``."""
    found = {}
    for why, (column, n, largest) in NOTABLE.items():
        for row in (table[column].nlargest(n) if largest else table[column].nsmallest(n)).index:
            found.setdefault(row, why)
    return table.loc[list(found)].assign(why=list(found.values()))


def reconstruction(chosen, flux, sigma, measured):
    """Flux and sigma (1, P) normalised as in training, and the reconstruction that χ² compares the flux with."""
    level, pca = chosen.level, chosen.level.fits.pca
    if level.about["continuum"]:
        by = divisor(flux, level.fits.wave, level.about["continuum"])
        flux, sigma = flux / by, sigma / by
    if chosen.knows_gaps and measured.mean() < 1 - MASKED_LIMIT:  # as quality.chi2_of_part
        pixels, basis = measured[0], np.vstack([pca.mean, pca.components])
        prior = np.diag(np.concatenate([[0], 1 / pca.explained_variance]))
        scaled, of_star = basis[:, pixels] / sigma[0, pixels], flux[0, pixels] / sigma[0, pixels]
        return flux, sigma, (np.linalg.solve(scaled @ scaled.T + prior, scaled @ of_star) @ basis)[None]
    return flux, sigma, pca.mean + pca.transform(flux) @ pca.components


class Kept:
    """``add`` batches; ``table`` has the notable spectra of all of them."""

    def __init__(self, runs):
        self.runs, self.table = runs, pd.DataFrame()

    def add(self, spectra, rows):
        """A batch of ``Prepared`` spectra and its rows of the catalogue; flux (P,) and what χ² compares it with."""
        rows = notable(rows[rows["problem"] == ""])
        at = {(one.run.about["run"], one.level.about["noise_level"]): one for one in self.runs}
        arrays = []
        for row, run, level in zip(rows.index, rows["run"], rows["noise_level"], strict=True):
            one = at[run, level]
            measured = ~spectra.filled[[row]]
            found = reconstruction(one, spectra.flux[[row]], spectra.error[[row]], measured)
            flux, sigma, model = (values[0].astype(np.float32) for values in found)
            sigma = np.where(measured[0], sigma, np.float32(np.nan))
            arrays.append({"wave": one.level.fits.wave, "flux": flux, "sigma": sigma, "reconstruction": model})
        rows = pd.concat([rows.reset_index(drop=True), pd.DataFrame(arrays)], axis=1)
        table = pd.concat([self.table, rows], ignore_index=True)
        self.table = notable(table).reset_index(drop=True) if len(table) else table
