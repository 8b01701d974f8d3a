"""What a family of features fits before they are computed: once for a data set, noise level and training size."""

from importlib import import_module

from gravispec.device import choose_device
from gravispec.models import model
from gravispec.models.given import StoredStars, fit_inputs
from gravispec.plugins.families import fit_inputs_of
from workflow.scripts.lib.job import job

with job(snakemake) as path:
    params, family = snakemake.params, snakemake.wildcards.family
    stored = StoredStars(dict(snakemake.input.items()), noise_level=params.noise_level)
    device = choose_device(snakemake.resources.device, gpu=snakemake.resources.gpu)
    inputs = fit_inputs(
        fit_inputs_of(family),
        stored,
        n_train=params.n_train,
        validation=params.validation,
        context={"seed": params.seed, "threads": snakemake.threads, "device": device},
    )
    fitted = import_module(f"gravispec.features.{family}").fit(**inputs)
    print(f"{family}: {getattr(fitted, 'about', {})}", flush=True)
    model.save(fitted, path)
