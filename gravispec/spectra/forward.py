"""The forward model of a data set: stars from its priors, their clean spectra from its grid, and their errors.

What a posterior or a network that makes its own training spectra starts from. Labels are drawn as those of the data set
are; the stars of a stream of another name than a split are never those of that split.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gravispec.data.arrays import blocks
from gravispec.device import host
from gravispec.spectra.grid import GridInterpolator
from gravispec.spectra.normalise import median_normalised
from gravispec.spectra.nuisances import with_nuisances
from gravispec.spectra.observing import error_parameters
from gravispec.spectra.priors import LabelPrior
from gravispec.spectra.sampling import drawn_stars


@dataclass(frozen=True)
class ForwardModel:
    """grid : of surface flux; labels : priors as in the configuration of a data set; seed : of its streams.

    nuisances : None, or ``scales`` as in the configuration and ``fwhm``, Å, of the spectrograph
    """

    grid: GridInterpolator
    labels: Mapping
    seed: int
    nuisances: Mapping | None = None

    @property
    def wave(self):
        """(P,) Å, vacuum."""
        return self.grid.wave

    @property
    def names(self):
        """Of the labels that the spectra depend on."""
        return self.grid.names

    @property
    def prior(self):
        """``LabelPrior`` of these labels."""
        return LabelPrior({name: self.labels[name] for name in self.names}, self.labels["beta"])

    def stars(self, n, *, split, first=0) -> pd.DataFrame:
        """Stars ``first`` to n of a stream, with labels, magnitude and conditions; ``train``: those of the data set."""
        priors = {"labels": self.labels, "names": self.names, "nuisances": (self.nuisances or {}).get("scales")}
        return drawn_stars(n, **priors, split=split, seed=self.seed, first=first)

    def spectra(self, stars, *, size=1024):
        """Yield clean flux (m, P) float32 of median 1 and ``error_parameters`` (m, 2) of blocks of stars."""
        for lo, hi in blocks(0, len(stars), size):
            flux = Clean(self.grid, stars)[lo:hi]
            yield flux, error_parameters(self.wave, flux, stars.iloc[lo:hi])

    def observed(self, stars, *, size=1024):
        """The same with the nuisances of the stars, if any."""
        ends = blocks(0, len(stars), size)
        for (lo, hi), (flux, parameters) in zip(ends, self.spectra(stars, size=size), strict=True):
            if self.nuisances:
                flux = with_nuisances(flux, self.wave, self.nuisances["fwhm"], stars.iloc[lo:hi]).astype(np.float32)
            yield flux, parameters


class Clean:
    """Clean flux of ``stars`` by rows, as a reader of files has it, and without nuisances."""

    def __init__(self, grid, stars):
        self.grid, self.labels = grid, stars[grid.names].to_numpy()

    def __getitem__(self, rows):
        return host(median_normalised(self.grid(self.labels[rows])))
