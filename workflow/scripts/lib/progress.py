"""What Snakemake does not say on a long run: time gone and left, what runs, why a job failed, how to repeat it.

A handler of Snakemake's log records; `event` and the other attributes of a record are those of its logger plugins.
"""

import csv
import logging
import re
import sys
import time
from collections import Counter
from pathlib import Path

NEWEST = 5  # benchmark files that say how long a job of a rule takes
LAST_LINES = 15  # of a failed job's log
SLURM_SAYS = re.compile(r"^(?:slurmstepd|srun)\S*: error: (.*)")


class Progress(logging.Handler):
    """Print to ``stream`` after every job; silent until ``start()``. ``benchmarks``: rule to pattern of its files."""

    def __init__(self, benchmarks, stream=None):
        super().__init__()
        self.benchmarks = benchmarks
        self.stream = stream
        self.started = None
        self.planned, self.done = Counter(), Counter()
        self.jobs, self.running = {}, set()

    def start(self):
        """From here on time is counted and lines are printed."""
        self.started = time.monotonic()

    def emit(self, record):
        match str(getattr(record, "event", None)):
            case "run_info":
                self.planned = Counter({rule: n for rule, n in record.stats.items() if rule != "total"})
            case "job_info":
                self.jobs[record.jobid] = (record.rule_name, record.wildcards)
                self.running.add(record.jobid)
            case "job_finished":
                self.running.discard(record.job_id)
                if record.job_id in self.jobs:
                    self.done[self.jobs[record.job_id][0]] += 1
            case "progress":
                self._tell()
            case "job_error":
                self.running.discard(record.jobid)
                if not record.indent:
                    self._report(vars(record), record.log)
            case "group_error":
                failed = [job for job in record.job_error_info if any(unfinished(log) for log in job["log"])]
                for job in failed or record.job_error_info:
                    self._report(job, job["log"] + record.aux_logs)

    def _tell(self):
        elapsed = time.monotonic() - self.started if self.started else 0
        line = f"{minutes(elapsed)} so far"
        left, complete = remaining(self.planned, self.done, self.benchmarks, elapsed)
        if left:
            line += f", {'about' if complete else 'more than'} {minutes(left)} left"
        if self.running:
            now = Counter(self.jobs[job][0] for job in self.running)
            line += "; now: " + ", ".join(f"{n} × {rule}" if n > 1 else rule for rule, n in sorted(now.items()))
        self._print(line)

    def _report(self, job, logs):
        rule, wildcards = self.jobs.get(job["jobid"], (job["rule_name"], {}))
        values = ", ".join(f"{name}={value}" for name, value in (wildcards or {}).items())
        lines = [f"{rule} ({values}) failed" if values else f"{rule} failed", *slurm_errors(logs)]
        for log in logs[:1]:
            lines += [f"last lines of {log}:", *(f"    {line}" for line in read(log)[-LAST_LINES:])]
        lines += [f"this job alone: snakemake -c1 {output}" for output in job["output"][:1]]
        self._print("\n".join(lines))

    def _print(self, text):
        if self.started is not None:
            print(text, file=self.stream or sys.stderr, flush=True)


def remaining(planned, done, benchmarks, elapsed):
    """Seconds left: time gone × work left / work done; and whether the work of every rule is known.

    Work is counted in seconds of benchmark files. None before any work of known length is done.
    """
    seconds = {rule: typical_seconds(benchmarks[rule]) for rule in planned if rule in benchmarks}
    known = {rule: s for rule, s in seconds.items() if s is not None}
    worked = sum(done[rule] * s for rule, s in known.items())
    left = sum((planned[rule] - done[rule]) * s for rule, s in known.items())
    return (elapsed * left / worked if worked else None), set(known) == set(seconds)


def typical_seconds(pattern):
    """Mean seconds in the newest benchmark files of a rule, whose path has wildcards; None without a file."""
    files = sorted(Path().glob(re.sub(r"\{.*?\}", "*", pattern)), key=lambda file: file.stat().st_mtime)
    rows = [row for file in files[-NEWEST:] for row in csv.DictReader(file.open(), delimiter="\t")]
    return sum(float(row["s"]) for row in rows) / len(rows) if rows else None


def unfinished(log):
    """Whether a job wrote this log and did not come to its end (workflow/scripts/lib/job.py)."""
    lines = read(log)
    return bool(lines) and not lines[-1].startswith("done in")


def slurm_errors(logs):
    """What Slurm says about the end of a job, in the logs of its jobs."""
    said = [match[1] for log in logs for line in read(log) if (match := SLURM_SAYS.match(line))]
    return list(dict.fromkeys(said))


def read(log):
    """Lines of a log; none where there is no file."""
    try:
        return Path(log).read_text(errors="replace").splitlines()
    except OSError:
        return []


def minutes(seconds):
    """Such as 45 s or 3 min."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
