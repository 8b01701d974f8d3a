"""What a catalogue says of every label: the model it comes from, chosen on stars that fitted the gates, and intervals
from calibration stars that served nothing else.
"""

import numpy as np
from sklearn.metrics import root_mean_squared_error

from gravispec.data.stars import LABELS
from gravispec.models.filling import N_REFERENCES, References
from gravispec.models.intervals import CONFIDENCES, Intervals, calibrate
from gravispec.models.residual_scale import Scale, fit_scale

#: where T_eff and M_H can come from; log g comes from the mlp gate
SOURCES = ("global_ridge", "classify")


def predicted(predictions, source):
    """Labels (N, T) of a catalogue, from the table of predictions."""
    columns = ["mlp", *(f"{label}_{source[label]}" for label in LABELS[1:])]
    return predictions[columns].to_numpy()


def calibration(predictions):
    """``source`` of each label, its RMSE there, and the fields of ``Scale`` and ``Intervals`` as lists, for JSON."""
    fit = predictions[predictions["part"] == "gate_fit"]
    rmse = {
        label: {s: root_mean_squared_error(fit[label], fit[f"{label}_{s}"]) for s in SOURCES} for label in LABELS[1:]
    }
    source = {"log_g": "mlp"} | {label: min(errors, key=errors.get) for label, errors in rmse.items()}
    scale = fit_scale(predicted(fit, source), fit[list(LABELS)].to_numpy())
    kept = predictions[predictions["part"] == "calibration"]
    given = predicted(kept, source)
    unit = scale(given)
    fitted = calibrate(given / unit, kept[list(LABELS)].to_numpy() / unit, kept["snr_measured"].to_numpy())
    return {
        "source": source,
        "rmse_gate_fit": rmse,
        "labels": LABELS,
        "confidences": CONFIDENCES,
        "scale": {name: values.tolist() for name, values in vars(scale).items()},
        "intervals": {name: values.tolist() for name, values in vars(fitted).items()},
    }


def fitted(calibration):
    """``Scale`` and ``Intervals``, whose half-widths are in its units, from what ``calibration`` returned."""
    return tuple(
        kind(**{name: np.array(values) for name, values in calibration[key].items()})
        for kind, key in ((Scale, "scale"), (Intervals, "intervals"))
    )


def references(validation, source, flux):
    """``References``: the first stars of the gates; predictions of, and a reader of the noisy flux (n_val, P) of, all
    validation stars."""
    rows = np.flatnonzero(validation["part"] == "gate_fit")[:N_REFERENCES]
    chosen = validation.iloc[rows]
    return References(flux[rows], predicted(chosen, source), chosen["snr_measured"].to_numpy())
