# What is checked before the first job, and what is printed while jobs run and when one fails.
import psutil
from snakemake.logging import logger

from workflow.costs import shortage
from workflow.scripts.lib.folder import remember_locks
from workflow.scripts.lib.progress import Progress
from workflow.seam import benchmarks, planned_jobs, runs_here
from workflow.verify import incomplete

progress = Progress(benchmarks(workflow))
logger.addHandler(progress)


# intermediate files that are gone are no reason for Snakemake to do anything
if workflow.is_main_process:
    for line in incomplete(settings.runs):
        print(line, file=sys.stderr)


def check_needs():
    """Stop where the planned jobs need more than this machine has; `snakemake --no-hooks` goes on in spite of it."""
    jobs = planned_jobs(workflow)
    if not jobs:
        return
    here = runs_here(workflow)
    os.makedirs("results", exist_ok=True)
    line, problem = shortage(
        costs,
        jobs,
        disk=shutil.disk_usage("results").free,
        memory=psutil.virtual_memory().available / 1e6 if here else float("inf"),
    )
    networks = any(plan.trains_network(rule, wildcards) for rule, wildcards, _ in jobs)
    if here and networks and settings.device == "cuda" and not shutil.which("nvidia-smi"):
        problem = "device: cuda is wanted, but this machine has no GPU: use device: auto, or cpu"
    if problem:
        sys.exit(f"error: {problem}; snakemake --no-hooks starts in spite of it")
    print(f"Planned: {line}", file=sys.stderr)


onstart:
    remember_locks(locks_before)
    check_needs()
    progress.start()


onsuccess:
    if "smoke" in progress.planned:
        print(
            "The smoke run is in results/moe_smoke. The others: snakemake -c8 results/RUN/summary.csv with RUN one of "
            + ", ".join(settings.runs),
            file=sys.stderr,
        )
