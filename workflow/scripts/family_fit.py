"""What a family of features fits before they are computed: once for a data set, noise level and training size."""

from importlib import import_module

from gravispec.device import choose_device
from gravispec.models import model
from gravispec.models.given import StoredStars, fit_inputs
from gravispec.plugins.families import fit_inputs_of
from workflow.scripts.lib.job import job

with job(snakemake) as path:
    params, place = snakemake.params, snakemake.wildcards
    stored = StoredStars(dict(snakemake.input.items()), noise_level=float(place.level))
    device = choose_device(snakemake.resources.device, gpu=snakemake.resources.gpu)
    inputs = fit_inputs(
        fit_inputs_of(place.family),
        stored,
        n_train=int(place.n_train),
        validation=params.validation,
        context={"seed": params.seed, "threads": snakemake.threads, "device": device},
    )
    fitted = import_module(f"gravispec.features.{place.family}").fit(**inputs)
    print(f"{place.family}: {getattr(fitted, 'about', {})}", flush=True)
    model.save(fitted, path)
