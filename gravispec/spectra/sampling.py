"""Stars of a built-in data set: labels, magnitudes and observing conditions, drawn from scaled Beta distributions."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from gravispec.spectra.nuisances import drawn
from gravispec.spectra.priors import is_related, related
from gravispec.spectra.streams import generator, stream_entropy


class ScaledBeta(NamedTuple):
    """low + (high − low) · Beta(a, b). a = b = 1 is uniform; low = high is a constant."""

    low: float
    high: float
    a: float = 1.0
    b: float = 1.0


# Beta(1.2, 1.2) puts 81.6 % of the stars inside the nine expert bins, as in the published test set.
LABELS = ("T_eff", "log_g", "M_H", "a_M", "C_M")
STAR_PRIORS: Mapping[str, ScaledBeta] = {
    "T_eff": ScaledBeta(3750.0, 6000.0, 1.2, 1.2),  # K
    "log_g": ScaledBeta(1.0, 5.0, 1.2, 1.2),  # dex, cgs
    "M_H": ScaledBeta(-2.5, 0.75, 1.2, 1.2),  # dex
    "a_M": ScaledBeta(0.0, 0.0),  # dex
    "C_M": ScaledBeta(0.0, 0.0),  # dex
    "mag": ScaledBeta(20.5, 22.5),  # HSC i, AB mag
    "seeing": ScaledBeta(0.5, 1.5),  # arcsec, FWHM
    "zenith_angle": ScaledBeta(0.0, 45.0),  # degree
    "field_angle": ScaledBeta(0.0, 0.65),  # degree from the centre of the field
}


def sample_stars(
    n: int, *, split: str, seed: int, priors: Mapping[str, ScaledBeta] = STAR_PRIORS, first: int = 0
) -> pd.DataFrame:
    """The first `n` stars of a split, those before `first` left out.

    Columns are star_id, split, row and one float64 column for each of `STAR_PRIORS`.

    Every column of every split has a random stream of its own, read from its start: the first m rows are the same for
    any n ≥ m, columns are independent of each other, and a changed prior changes its own column only.

    Args:
        n: number of stars, ≥ 1.
        split: name of the split; star_id is f"{split}_{row:07d}", unique over splits.
        seed: seed of the data set, shared by its splits.
        priors: distributions that replace those of `STAR_PRIORS`, by column.
        first: row of the first star that is returned; those before are drawn, too, one column at a time.
    """
    row, columns = np.arange(first, n), {}
    for name, prior in {**STAR_PRIORS, **priors}.items():
        rng = generator(stream_entropy(seed=seed, keys=("stars", split, name)))
        columns[name] = prior.low + (prior.high - prior.low) * rng.beta(prior.a, prior.b, size=n)[first:]
    return pd.DataFrame({"star_id": [f"{split}_{i:07d}" for i in row], "split": split, "row": row, **columns})


def drawn_stars(n, *, labels, names, split, seed, first=0, nuisances=None):
    """`sample_stars` with the priors of a data set: its ``labels`` as in the configuration, ``names`` of its grid's.

    ``nuisances``: None, or priors as in the configuration; columns of their values come last.
    """
    of_beta = [name for name in names if not is_related(labels[name])]
    priors = {name: ScaledBeta(**labels[name], a=labels["beta"], b=labels["beta"]) for name in of_beta}
    priors |= {"mag": ScaledBeta(**labels["mag"])}
    stars = sample_stars(n, split=split, seed=seed, priors=priors, first=first)
    for name in names:
        if is_related(labels[name]):
            rng = generator(stream_entropy(seed=seed, keys=("stars", split, name)))
            stars[name] = related(labels[name], stars, rng.random(n)[first:])
    if "C_O" in names:
        stars["C_M"] = stars["a_M"] + stars["C_O"]
    return stars.assign(**drawn(n, nuisances, split=split, seed=seed, first=first)) if nuisances else stars
