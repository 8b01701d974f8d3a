"""What is printed while jobs run and when one fails."""

import io
import logging
from collections import Counter

import pytest

from workflow.scripts.lib.progress import Progress, minutes, remaining

PATTERN = "results/{run}/benchmarks/fit_{bin}.tsv"


def benchmark(path, seconds):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"s\th:m:s\tmax_rss\n{seconds}\t0:00:00\t100\n")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working directory: three benchmark files of rule ``fit``, one of ``plot``."""
    monkeypatch.chdir(tmp_path)
    for name, seconds in (("one/benchmarks/fit_0", 10), ("one/benchmarks/fit_1", 20), ("two/benchmarks/fit_0", 30)):
        benchmark(tmp_path / "results" / f"{name}.tsv", seconds)
    benchmark(tmp_path / "results/one/benchmarks/plot.tsv", 5)
    return tmp_path


class Watched:
    """A started ``Progress`` and what it prints."""

    def __init__(self):
        self.out = io.StringIO()
        self.progress = Progress({"fit": PATTERN, "plot": "results/{run}/benchmarks/plot.tsv"}, self.out)
        self.progress.start()

    def tell(self, event, **content):
        self.progress.handle(logging.makeLogRecord({"event": event, **content}))

    def begin(self, jobid, rule, **wildcards):
        self.tell("job_info", jobid=jobid, rule_name=rule, wildcards=wildcards)


def error(jobid, rule, log, **other):
    return dict(jobid=jobid, rule_name=rule, output=["results/one/fit.npz"], log=[str(log)], indent=False, **other)


def test_time_left_is_time_gone_in_proportion_to_work(folder):
    patterns = {"fit": PATTERN, "plot": "results/{run}/benchmarks/plot.tsv"}
    # a fit takes (10 + 20 + 30) / 3 = 20 s: done 2 · 20 = 40, left 1 · 20 + 2 · 5 = 30
    planned, done = Counter(fit=3, plot=2), Counter(fit=2)
    assert remaining(planned, done, patterns, elapsed=80.0) == (pytest.approx(60.0), True)
    assert remaining(planned, Counter(), patterns, elapsed=80.0) == (None, True)
    unknown = {**patterns, "new": "results/{run}/benchmarks/new.tsv"}
    assert remaining(planned + Counter(new=1), done, unknown, elapsed=80.0) == (pytest.approx(60.0), False)


def test_after_a_job_time_and_running_jobs_are_printed(folder):
    watched = Watched()
    watched.tell("run_info", stats={"fit": 4, "plot": 1, "total": 5})
    for jobid in (1, 2, 3):
        watched.begin(jobid, "fit", bin=str(jobid))
    watched.tell("job_finished", job_id=1)
    watched.progress.started -= 100
    watched.tell("progress", done=1, total=5)
    # 1 · 20 s of work took 100 s; 3 · 20 + 5 are left
    assert watched.out.getvalue() == "2 min so far, about 5 min left; now: 2 × fit\n"


def test_nothing_is_printed_before_the_run_starts():
    out = io.StringIO()
    progress = Progress({}, out)
    progress.handle(logging.makeLogRecord({"event": "progress", "done": 1, "total": 2}))
    progress.handle(logging.makeLogRecord({"msg": "of no event"}))
    assert out.getvalue() == ""


def test_a_failed_job_shows_its_log_wildcards_and_how_to_repeat_it(folder):
    watched = Watched()
    log = folder / "fit.log"
    log.write_text("".join(f"line {i}\n" for i in range(100)))
    watched.begin(7, "fit", run="one", bin="3")
    watched.tell("job_error", **error(7, "fit", log))
    lines = watched.out.getvalue().splitlines()
    assert lines[0] == "fit (run=one, bin=3) failed"
    assert lines[1] == f"last lines of {log}:"
    assert lines[2:17] == [f"    line {i}" for i in range(85, 100)]
    assert lines[17:] == ["this job alone: snakemake -c1 results/one/fit.npz"]


def test_of_a_failed_group_the_job_that_did_not_end_is_named_with_what_slurm_says(folder):
    watched = Watched()
    (folder / "good.log").write_text("fit\ndone in 1.0 s\n")
    (folder / "bad.log").write_text("fit\n")
    (folder / "slurm.log").write_text("Building DAG\nslurmstepd-n1: error: Exceeded job memory limit\nmore\n")
    for jobid, name in ((1, "good"), (2, "bad")):
        watched.begin(jobid, "fit", bin=name)
    jobs = [error(1, "fit", folder / "good.log"), error(2, "fit", folder / "bad.log")]
    watched.tell("group_error", job_error_info=jobs, aux_logs=[str(folder / "slurm.log")])
    lines = watched.out.getvalue().splitlines()
    assert lines[:2] == ["fit (bin=bad) failed", "Exceeded job memory limit"]
    assert "good" not in watched.out.getvalue()


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0 s"), (89, "89 s"), (120, "2 min"), (5400, "90 min")])
def test_times_are_short(seconds, text):
    assert minutes(seconds) == text
