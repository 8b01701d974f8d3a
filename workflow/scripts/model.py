"""A model: fitted, where its file is an output, and its predictions, where they are; named in the parameters."""

from importlib import import_module

from gravispec.device import choose_device
from gravispec.models import model
from gravispec.models.bins import Bins
from gravispec.models.given import StoredStars, fit_inputs
from gravispec.models.inference import predictions_table
from gravispec.plugins.models import families_of, plugin
from workflow.scripts.lib.job import job

with job(snakemake) as paths:
    params, given, place = snakemake.params, dict(snakemake.input.items()), snakemake.wildcards
    module, options = params.model["module"], params.model["options"]
    level = float(place.level) if place.get("level") else None  # a model for all levels is fitted at none
    stored = StoredStars(given, families=families_of(options), noise_level=level)
    if "fitted" in given:
        fitted = model.load(given["fitted"])
    else:
        context = {
            "seed": params.seed,
            "bins": Bins(**params.edges),
            "threads": snakemake.threads,
            "device": choose_device(snakemake.resources.device, gpu=snakemake.resources.gpu),
        }
        inputs = fit_inputs(
            plugin(module).fit, stored, n_train=int(place.n_train), validation=params.validation, context=context
        )
        fitted = import_module(f"gravispec.models.{module}").fit(**inputs, **options)
    about = {name: value for name, value in getattr(fitted, "about", {}).items() if name != "curve"}
    print(f"{place.model}: {about}", flush=True)
    paths = dict(zip(snakemake.output.keys(), paths if isinstance(paths, tuple) else [paths], strict=True))
    if "model" in paths:
        model.save(fitted, paths["model"])
    if "predictions" in paths:
        predictions_table(fitted, module, stored).to_parquet(paths["predictions"])
