"""What a catalogue says of its errors: intervals of every model's labels, in units of the scale of the kind of star.

For models that give a standard deviation of every star the unit is this times the scale.

The scale is of validation stars that models may be fitted to, the intervals of those that no model has seen.
"""

import numpy as np

from gravispec.evaluation.cells import labels_of, largest, sigma_of, usable
from gravispec.labels import LABELS
from gravispec.models.intervals import CONFIDENCES, Intervals, calibrate
from gravispec.models.residual_scale import Scale, fit_scale


def calibration(predictions, deployed):
    """``{"labels", "confidences", "models": {name: {"scale", "intervals"}}}``, lists for JSON.

    predictions : of one noise level; the largest number of training stars counts
    deployed : names of the models that do without true labels; those that are not in the table are left out
    """
    rows, found = largest(predictions), {}
    for model in deployed:
        fit, kept = (usable(rows[rows["part"] == part], model) for part in ("fit", "calibration"))
        if len(kept):
            scale = fit_scale(labels_of(fit, model), fit[list(LABELS)].to_numpy(), sigma_of(fit, model))
            given = labels_of(kept, model)
            unit = scale(given) * sigma_of(kept, model)
            intervals = calibrate(given / unit, kept[list(LABELS)].to_numpy() / unit, kept["snr_measured"].to_numpy())
            found[model] = {"scale": _lists(scale), "intervals": _lists(intervals)}
    return {"labels": LABELS, "confidences": CONFIDENCES, "models": found}


def _lists(record):
    return {name: values.tolist() for name, values in vars(record).items()}


def fitted(calibration, model):
    """``Scale`` and ``Intervals``, whose half-widths are in its units, from what ``calibration`` returned."""
    return tuple(
        kind(**{name: np.array(values) for name, values in calibration["models"][model][key].items()})
        for kind, key in ((Scale, "scale"), (Intervals, "intervals"))
    )
