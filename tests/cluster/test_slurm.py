"""On a real Slurm: the local result, GPU jobs on GPU nodes, failed jobs reported and sent again, nothing done twice."""

import contextlib
import re
from pathlib import Path

import pytest

from tests.cluster.one_node_slurm import OneNodeSlurm, missing

TARGET = "results/moe_smoke/summary.csv"
JOBS = {"grid_shard": 2, "spectra": 3, "noisy": 3, "moments": 5, "expert": 9, "model": 7}  # else 1
JOBS |= {"feature": 6, "feature_table": 2}


def rules_finished(log):
    return re.findall(r"Finished jobid: \d+ \(Rule: (\w+)\)", log)


def test_the_summary_is_that_of_the_local_run(killed_and_resumed, smoke):
    _, run = killed_and_resumed
    assert run.returncode == 0, run.log[-5000:]
    assert (run.checkout.path / TARGET).read_bytes() == (smoke.path / TARGET).read_bytes()


def test_gpu_jobs_and_only_they_are_on_the_gpu_partition_with_a_gpu(killed_and_resumed):
    _, run = killed_and_resumed
    done = [job for job in run.jobs if job["JobState"] == "COMPLETED"]
    gates = [job for job in done if "TresPerJob" in job]
    assert {job["Comment"].rpartition("_")[2] for job in gates} == {"classify", "linear", "mlp"}
    for job in gates:
        assert job["Comment"].startswith("rule_model_wildcards")
        assert job["Partition"] == "gpu"
        assert job["TresPerJob"] == "gres:gpu:1"
    assert {job["Partition"] for job in done if job not in gates} == {"cpu"}


def test_short_jobs_are_sent_together(killed_and_resumed):
    before, _ = killed_and_resumed
    assert sum(job["Comment"] == "rule_experts_expert" for job in before.jobs) <= 3


def test_after_kill_9_no_finished_job_runs_again(killed_and_resumed):
    before, after = killed_and_resumed
    assert before.returncode == -9
    assert "RUNNING" in {job["JobState"] for job in before.jobs}
    finished, again = rules_finished(before.log), rules_finished(after.log)
    assert {"grid_shard", "grid", "spectra", "noisy", "expert"} <= set(finished)
    assert not [rule for rule in finished if finished.count(rule) + again.count(rule) > JOBS.get(rule, 1)]
    same = {name for name, written in before.files.items() if after.files.get(name) == written}
    assert {"grids/smoke/grid.npz", "spectra/smoke/flux/train_0.npy", "noisy/smoke/noise_0.2/train_0.npy"} <= same
    experts = [name for name in same if name.startswith("features/smoke/noise_0.2/train_2400/experts/")]
    assert len(experts) >= finished.count("expert")


@pytest.mark.parametrize(
    ("shard", "state", "reason"),
    [
        (0, "FAILED", r"Exceeded job memory limit"),
        (1, "TIMEOUT", r"DUE TO TIME LIMIT"),
        (2, "CANCELLED", r"CANCELLED AT"),
    ],
)
def test_a_killed_job_is_reported_with_its_log_and_sent_again(with_faults, shard, state, reason):
    run = with_faults
    assert run.returncode == 0, run.log[-5000:]
    reports = re.split(r"\n(?=\[[^\n]*\]\n    message: Error in group)", run.log)[1:]
    (report,) = [
        text for text in reports if f"output: results/grids/smoke/shards/{shard}.npz" in text.split("Logfile")[0]
    ]
    assert re.search(reason, report)
    assert f"grid_shard (grid=smoke, shard={shard}) failed" in report
    assert f"this job alone: snakemake -c1 results/grids/smoke/shards/{shard}.npz" in report
    job_id = re.search(r"/(\d+)\.log \(check log file", report)[1]
    assert {job["JobId"]: job["JobState"] for job in run.jobs}[job_id] == state


def test_the_next_attempt_has_twice_the_memory_and_time(with_faults):
    shards = [job for job in with_faults.jobs if "shard" in job["Comment"]]
    asked = [(job["JobState"] == "COMPLETED", job["MinMemoryNode"], job["TimeLimit"]) for job in shards]
    assert sorted(asked) == [(False, "500M", "00:01:00")] * 3 + [(True, "1000M", "00:02:00")] * 3


def test_the_test_cluster_leaves_no_process_behind(tmp_path):
    if reason := missing():
        pytest.skip(reason)
    with OneNodeSlurm(tmp_path) as node:
        node.command("sbatch", "--wrap", "sleep 600.125", "--output", "/dev/null")
        node.wait(lambda: processes("sleep 600.125"))
        assert processes(str(tmp_path))
    assert processes("sleep 600.125") == processes(str(tmp_path)) == []


def processes(text):
    """Processes with this text in their command line."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found += [path.parent.name] * (text in path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return found
