"""Keys of configurations written for version 0.1: what to write instead."""

_RUN = {
    "kind": "every run is a list of models now: take kind away, and name them under models",
    "noise_levels": "write noise_level: [0.1, 0.2, ...]",
    "towers": "define each under models: as {module: tower, families: [...]}, and name it in the run's models",
    "ridge_modes": "it is an option of a tower: models: {my_tower: {module: tower, ridge_mode: in_sample}}",
    "ridge_mode": "it is an option of a tower: models: {my_tower: {module: tower, ridge_mode: cross_fit}}",
    "families": "it is an option of a tower: models: {my_tower: {module: tower, families: [...]}}",
    "baselines": "name them among the run's models",
}
_TOP = {
    "baselines": "define them under models:, as {module: lightgbm, max_bin: 63}, options beside module",
    "baseline_comparisons": "write comparisons: {name: [run:model, other_run:model]}, the first is the reference",
    "gates": "fit and stop are in validation:, the others options of a model: models: {mlp: {module: mixture}}",
    "tower": "its keys are options of a model: models: {tower: {module: tower, hidden: [256, 64]}}",
    "n_val": "write validation: {n_val: ...}",
}


def refuse_old_keys(raw):
    """Raise ``ValueError`` for the first key that had another place."""
    for key, remedy in _TOP.items():
        if key in raw:
            raise ValueError(f"{key}: a key of version 0.1; {remedy}")
    runs = raw.get("runs")
    for name, run in runs.items() if isinstance(runs, dict) else ():
        for key in run if isinstance(run, dict) else ():
            if key in _RUN:
                raise ValueError(f"runs.{name}.{key}: a key of version 0.1; {_RUN[key]}")
