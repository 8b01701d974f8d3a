"""A model: fitted, where its file is an output, and its predictions, where they are; named in the parameters."""

from importlib import import_module

import numpy as np
import pandas as pd

from gravispec.data.files import atomic
from gravispec.device import choose_device
from gravispec.errors import InputError
from gravispec.models import model
from gravispec.models.bins import Bins
from gravispec.models.given import StoredStars, fit_inputs
from gravispec.models.inference import columns
from gravispec.plugins.models import families_of, plugin
from workflow.scripts.lib.job import job


def predictions(fitted, module, stored):
    """Table of star_id, split and the columns of a fitted model, for validation and test stars in file order."""
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


with job(snakemake):
    params, given, made = snakemake.params, dict(snakemake.input.items()), snakemake.output
    module, options = params.about["module"], params.about["options"]
    stored = StoredStars(given, families=families_of(options), noise_level=params.noise_level)
    if "fitted" in given:
        fitted = model.load(given["fitted"])
    else:
        context = {
            "seed": params.given["seed"],
            "bins": Bins(**params.given["edges"]),
            "threads": snakemake.threads,
            "device": choose_device(snakemake.resources.device, gpu=snakemake.resources.gpu),
        }
        inputs = fit_inputs(
            plugin(module).fit, stored, n_train=params.n_train, validation=params.given["validation"], context=context
        )
        fitted = import_module(f"gravispec.models.{module}").fit(**inputs, **options)
    about = {name: value for name, value in getattr(fitted, "about", {}).items() if name != "curve"}
    print(f"{snakemake.wildcards.model}: {about}", flush=True)
    with atomic(*made) as paths:
        paths = dict(zip(made.keys(), paths if isinstance(paths, tuple) else [paths], strict=True))
        if "model" in paths:
            model.save(fitted, paths["model"])
        if "predictions" in paths:
            predictions(fitted, module, stored).to_parquet(paths["predictions"])
