"""A model: fitted, where its file is an output, and its predictions, where they are; named in the parameters."""

from importlib import import_module

from gravispec.data.provenance import hash_of
from gravispec.device import choose_device
from gravispec.models import model
from gravispec.models.bins import Bins
from gravispec.models.checkpoint import Checkpoint
from gravispec.models.flags import FEW_DRAWS
from gravispec.models.given import StoredStars, fit_inputs
from gravispec.models.inference import predictions_table
from gravispec.plugins.models import families_of, plugin
from gravispec.spectra.forward import ForwardModel
from gravispec.spectra.grid import GridInterpolator
from workflow.scripts.lib.job import job

with job(snakemake) as paths:
    params, given, place = snakemake.params, dict(snakemake.input.items()), snakemake.wildcards
    module, options = params.model["module"], params.model["options"]
    stored, checkpoint = StoredStars(given, families=families_of(options)), None
    if "fitted" in given:
        fitted = model.load(given["fitted"])
    else:
        context = {
            "seed": params.seed,
            "bins": Bins(**params.edges),
            "threads": snakemake.threads,
            "device": choose_device(snakemake.resources.device, gpu=snakemake.resources.gpu),
        }
        if "checkpoint" in plugin(module).fit:
            key = hash_of({**dict(params.items()), **dict(place)})
            checkpoint = context["checkpoint"] = Checkpoint(f"{snakemake.output.model}.part", key)
        if params.priors:
            grid = GridInterpolator.load(given["grid"])
            context["forward"] = ForwardModel(grid, seed=params.seed, **params.priors)
        n_train = int(place.n_train)
        inputs = fit_inputs(plugin(module).fit, stored, n_train=n_train, validation=params.validation, context=context)
        fitted = import_module(f"gravispec.models.{module}").fit(**inputs, **options)
    about = {name: value for name, value in getattr(fitted, "about", {}).items() if name != "curve"}
    print(f"{place.model}: {about}", flush=True)
    paths = dict(zip(snakemake.output.keys(), paths if isinstance(paths, tuple) else [paths], strict=True))
    if "model" in paths:
        model.save(fitted, paths["model"])
    if "predictions" in paths:
        table = predictions_table(fitted, module, stored)
        table.to_parquet(paths["predictions"])
        if "ess" in table:
            few = table.loc[table["ess"] < FEW_DRAWS, "star_id"].tolist()
            print(
                f"{len(few)} of {len(table)} stars have fewer than {FEW_DRAWS} effective draws", *few[:20], flush=True
            )
    if checkpoint:
        checkpoint.remove()
