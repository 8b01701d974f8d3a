"""Bits of the column ``flags`` of a catalogue. 0 means that nothing was found."""

import numpy as np

MASKED_LIMIT = 0.1  # share of pixels that were filled
COST_LIMIT = 0.5  # of the half-width of a 68 % interval, which then grows by 12 %
FEW_DRAWS = 50
OFFSET_LIMIT = 1.0  # pixels: of a single spectrum the offset is measured to 0.3 pixel or so at low S/N

#: bit, name, meaning
FLAGS = (
    (1, "OUTSIDE_LABELS", "predicted T_eff or M_H lies outside the bins of the experts"),
    (2, "EXTRAPOLATED", "predicted log_g, T_eff or M_H lies outside the range of the training labels"),
    (4, "SNR", "S/N lies outside the range of the validation spectra"),
    (8, "UNLIKE_TRAINING", "chi2 is above the 99.5 % quantile of the validation spectra"),
    (
        16,
        "MASKED",
        f"more than {MASKED_LIMIT:.0%} of the pixels were filled, or what the fill may cost a label exceeds "
        f"{COST_LIMIT:.0%} of its 68 % interval's half-width; not for models that know of gaps",
    ),
    (32, "OFFSET", f"wavelengths differ from the model's by more than {OFFSET_LIMIT:g} pixel"),
    (64, "UNUSABLE", "no prediction: see the column problem"),
    (128, "LINE_WIDTH", "lines are wider or narrower than those of training spectra: resolution, rotation"),
    (256, "LINE_CORE", "cores of Ca II are shallower or deeper than the rest of the spectrum says: emission, sky"),
    (512, "LINE_DEPTH", "all lines are shallower or deeper than the shape of the spectrum says: an added constant"),
    (1024, "SLOPE", "the flux is steeper or flatter than the lines say: flux calibration, dust"),
    (2048, "MISFIT", "misfit of the posterior is above the 99.5 % quantile of the validation spectra"),
    (4096, "FEW_DRAWS", f"fewer than {FEW_DRAWS} effective draws: mean and covariance of the posterior are rough"),
    (8192, "WIDTH", "the given width of the lines is larger than the model knows of, or no number"),
    (16384, "VELOCITY", "no velocity is given, and none was found: 0 was taken"),
)
#: for the header of a catalogue: what moves labels and is in no interval
NOT_FLAGGED = (
    "not marginalised, flagged in part, less at low S/N (rates: docs/calibration.md): flux slope (5 % moves log g "
    "by -0.5 dex; 75 % have a flag), dust (E(B-V) 0.1: -0.6; 82 %), an added constant (0.2 of the flux: -0.3; 93 %), "
    "filled cores of Ca II (10 %: +0.2; 72 %), rotation (100 km/s: +0.4; 100 %; 30 km/s: +0.1; 69 %), resolution "
    "(R 2000: +0.4; 100 %). Not marginalised, not flagged: rotation below 20 km/s, small values of all these; not "
    "measured: [a/M], [C/M], microturbulence. Built-in spectra at noise level 0.2; 19 % have a flag without any of it"
)
#: the same for runs on spectra with nuisances, by models that marginalise them
MARGINALISED = (
    "marginalised, within their priors (docs/nuisances.md): flux slope and curvature, dust, velocity, rotation, "
    "resolution, a constant, filled cores of Ca II, errors wrong by a factor, missing pixels; not measured: [a/M], "
    "[C/M], [N/M], microturbulence"
)
BITS = {name: bit for bit, name, _ in FLAGS}
#: those that flux and errors alone can set; the others are of files
OF_SPECTRUM = [name for name in BITS if name not in ("MASKED", "OFFSET", "UNUSABLE", "WIDTH", "VELOCITY")]


def combine(**found):
    """(n,) int16 from ``{name: (n,) bool}``."""
    flags = np.zeros(len(next(iter(found.values()))), np.int16)
    for name, rows in found.items():
        flags[np.asarray(rows)] |= BITS[name]
    return flags


def within(values, limits):
    """False for NaN, too."""
    return (values >= limits[0]) & (values <= limits[1])
