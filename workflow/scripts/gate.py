"""A gate trained on the squared error of the mixture: ``mlp`` or ``linear``."""

import pandas as pd

from gravispec.data.files import atomic
from gravispec.device import choose_device
from gravispec.models.gate_data import GateData
from gravispec.models.gates import fit_gate, n_parameters, save
from workflow.scripts.lib.job import job

with job(snakemake):
    device = choose_device(snakemake.resources.device, gpu=snakemake.resources.gpu)
    data = GateData.read(
        stars=snakemake.input.stars,
        features=snakemake.input.features,
        experts=snakemake.input.experts,
        **snakemake.params.data,
    )
    gate, curve = fit_gate(
        snakemake.wildcards.gate,
        data.mixture_set("gate_fit"),
        data.mixture_set("gate_stop"),
        mean=data.mean,
        scale=data.scale,
        seed=snakemake.params.seed,
        device=device,
        **snakemake.params.training,
    )
    curve = pd.DataFrame(curve, columns=["epoch", "fit_mse", "stop_mse"])
    best = curve.loc[curve["stop_mse"].idxmin()]
    print(f"{device}: {n_parameters(gate)} parameters, {len(curve)} epochs, best {best.to_dict()}")
    with atomic(snakemake.output.gate, snakemake.output.curve) as (gate_path, curve_path):
        save(gate, gate_path)
        curve.to_csv(curve_path, index=False)
