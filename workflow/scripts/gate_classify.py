"""The classify gate: multinomial logistic regression on the bin."""

from gravispec.data.files import atomic
from gravispec.models.gate_data import GateData
from gravispec.models.gates import fit_classify, save
from workflow.scripts.lib.job import job

with job(snakemake):
    data = GateData.read(
        stars=snakemake.input.stars,
        features=snakemake.input.features,
        experts=snakemake.input.experts,
        **snakemake.params.data,
    )
    rows, kept = data.covered("gate_fit"), data.covered("gate_stop")
    gate = fit_classify(
        data.features[rows],
        data.bins[rows],
        mean=data.mean,
        scale=data.scale,
        n_experts=data.experts.shape[1],
        seed=snakemake.params.seed,
    )
    right = (gate.weights(data.features[kept]).argmax(axis=1) == data.bins[kept]).mean()
    print(f"fitted on {len(rows)} stars; the likeliest bin is the true one for {right:.3f} of {len(kept)} others")
    with atomic(snakemake.output.gate) as path:
        save(gate, path)
