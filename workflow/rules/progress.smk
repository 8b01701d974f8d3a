# What is printed while jobs run and when one fails.
from snakemake.logging import logger

from workflow.scripts.lib.progress import Progress

progress = Progress(
    {rule.name: str(rule.benchmark) for rule in workflow.rules if rule.benchmark}
)
logger.addHandler(progress)


onstart:
    progress.start()
