import sys
from glob import glob

from snakemake.utils import min_version

min_version("9.17")

sys.path.insert(0, str(workflow.current_basedir))  # where this is a module of another workflow

from gravispec.config.text import end_unless_readable

if workflow.is_main_process:
    end_unless_readable([*glob("config/config.yaml"), *workflow.configfiles])


configfile: "config/config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/common_grids.smk"
include: "workflow/rules/common_catalogue.smk"
include: "workflow/rules/common_report.smk"
include: "workflow/rules/grid.smk"
include: "workflow/rules/bosz.smk"
include: "workflow/rules/spectra.smk"
include: "workflow/rules/shared_fits.smk"
include: "workflow/rules/features.smk"
include: "workflow/rules/models.smk"
include: "workflow/rules/evaluation.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/catalogue.smk"
include: "workflow/rules/page.smk"
include: "workflow/rules/progress.smk"


localrules:
    smoke,


rule smoke:
    """Without a target: the smoke run, every stage of the pipeline on a small data set."""
    default_target: True
    input:
        "results/moe_smoke/summary.csv",
