from glob import glob

from snakemake.utils import min_version

from gravispec.config_yaml import end_unless_readable

min_version("9.17")

if workflow.is_main_process:
    end_unless_readable([*glob("config/config.yaml"), *workflow.configfiles])


configfile: "config/config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/common_spectra.smk"
include: "workflow/rules/common_resources.smk"
include: "workflow/rules/common_grids.smk"
include: "workflow/rules/common_features.smk"
include: "workflow/rules/common_towers.smk"
include: "workflow/rules/common_baselines.smk"
include: "workflow/rules/common_benchmark.smk"
include: "workflow/rules/common_model.smk"
include: "workflow/rules/common_catalogue.smk"
include: "workflow/rules/common_tables.smk"
include: "workflow/rules/common_provenance.smk"
include: "workflow/rules/common_validate.smk"
include: "workflow/rules/grid.smk"
include: "workflow/rules/bosz.smk"
include: "workflow/rules/spectra.smk"
include: "workflow/rules/own_spectra.smk"
include: "workflow/rules/global_ridge.smk"
include: "workflow/rules/features.smk"
include: "workflow/rules/experts.smk"
include: "workflow/rules/gates.smk"
include: "workflow/rules/model.smk"
include: "workflow/rules/catalogue.smk"
include: "workflow/rules/tower.smk"
include: "workflow/rules/tower_report.smk"
include: "workflow/rules/baselines.smk"
include: "workflow/rules/evaluation.smk"
include: "workflow/rules/quality.smk"
include: "workflow/rules/validate.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/benchmark.smk"
include: "workflow/rules/progress.smk"


localrules:
    smoke,


rule smoke:
    """Without a target: the smoke run, every stage of the pipeline on a small data set."""
    default_target: True
    input:
        "results/moe_smoke/summary.csv",
    message:
        f"The smoke run is in results/moe_smoke. The others: snakemake -c8 results/RUN/summary.csv with RUN one of {', '.join(config['runs'])}"
