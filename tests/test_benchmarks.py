"""The benchmark suite at tiny sizes: contenders agree, tables are written and kept."""

import pandas as pd
import pytest

from benchmarks import measure, overhead, run, runs, scaling
from benchmarks.jobs import job_table, parsed
from gravispec import config
from tests.whole_config import RAW
from tests.workflow_rules import RULES


def _add(a, b):
    return a + b


def _missing():
    import no_such_package_of_anyone  # noqa: F401


def test_contenders_run_in_turn_and_a_missing_one_is_named():
    runs = measure.in_turn({"sum": (_add, 1, 2), "other": (_missing,)}, threads=1, quick=True)
    assert (runs["sum"].result, runs["sum"].n_runs) == (3, 1)
    assert runs["sum"].seconds > 0
    assert runs["other"] == "not installed: no_such_package_of_anyone"


def test_median_is_the_middle_run():
    runs = [measure.Run(seconds, 0.0, 0.0, None) for seconds in (5.0, 1.0, 3.0)]
    assert (measure.median(runs).seconds, measure.median(runs[:1]).n_runs) == (3.0, 1)


def test_ridge_agrees_with_every_contender(tmp_path):
    rows = run.measured(["ridge"], tmp_path, quick=True)
    others = rows[(rows["what"] != "gravispec") & rows["seconds"].notna()]
    assert {"GridSearchCV(Ridge)", "RidgeCV(cv=5)"} <= set(others["what"])
    for text in others["agreement"]:
        difference, alpha = text.split(", ")
        assert (float(difference) < 1e-9, alpha) == (True, "same alpha")


def test_tables_of_other_topics_are_kept(tmp_path):
    def table(topic, seconds):
        return pd.DataFrame([{"topic": topic, "what": "gravispec", "seconds": seconds}], columns=list(run.COLUMNS))

    for topic, seconds in (("pca", 1.0), ("ridge", 2.0), ("pca", 3.0)):
        run.write(table(topic, seconds), tmp_path)
    kept = pd.read_csv(tmp_path / "results.csv")
    assert dict(zip(kept["topic"], kept["seconds"], strict=True)) == {"ridge": 2.0, "pca": 3.0}
    text = (tmp_path / "results.md").read_text()
    assert text.index("## ridge") < text.index("## pca")
    assert "| gravispec | 3.0 |" in text


def test_an_unknown_topic_is_refused(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["run", "--only", "rigde"])
    with pytest.raises(SystemExit):
        run.main()
    assert "--only rigde: the topics are ridge, pca" in capsys.readouterr().err


def write_benchmarks(folder, seconds):
    folder.mkdir(parents=True)
    for name, value in seconds.items():
        (folder / f"{name}.tsv").write_text(f"s\tmax_rss\n{value}\t100\n")


def test_share_of_the_start_up_of_jobs(tmp_path):
    write_benchmarks(tmp_path / "features/benchmarks", {"shape": 8.0, "expert_0": 20.0, "expert_11": 12.0})
    jobs = job_table(tmp_path)
    assert sorted(jobs["rule"]) == ["expert", "expert", "shape"]
    features, everything = overhead.run_rows(jobs, {"shape.py": 2.0, "expert.py": 1.0})
    assert (features["what"], features["seconds"]) == ("features: 3 jobs", 40.0)
    assert features["share"] == everything["share"] == pytest.approx(0.1)
    assert overhead.run_rows(job_table(tmp_path / "none"), {"expert.py": 1.0}) == []


@pytest.mark.parametrize(
    ("file", "rule", "wildcards"),
    [
        ("benchmarks/feature_window_train_0", "feature", {"feature": "window", "shard": "train_0"}),
        ("benchmarks/feature_ridge_in_sample_test_12", "feature", {"feature": "ridge_in_sample", "shard": "test_12"}),
        ("benchmarks/table_ridge_cross_fit", "feature_table", {"feature": "ridge_cross_fit"}),
        ("benchmarks/spectra_val_3", "spectra", {"shard": "val_3"}),
        ("benchmarks/moments_3", "moments", {}),
        ("benchmarks/stress_0.2", "stress", {}),
        ("benchmarks/global_ridge", "global_ridge", {}),
        ("mlp/model", "model", {"model": "mlp"}),
        ("metadata/predictions", "predictions_of_level", {"model": "metadata"}),
    ],
)
def test_benchmark_files_are_jobs_of_their_rules(tmp_path, file, rule, wildcards):
    assert parsed(tmp_path / f"{file}.tsv") == (rule, wildcards)


@pytest.mark.slow
def test_rules_of_a_finished_run_are_known_by_their_benchmark_files(smoke):
    found = set(job_table(smoke.path / "results")["rule"])
    assert {"model", "feature_table", "stress", "trained_run"} <= found
    assert found <= RULES.keys() | {"figures"}  # a rule a group of them


def test_costs_are_compared_with_the_jobs_of_a_run_alone(tmp_path):
    """Other runs have their features and models in the same folders."""
    settings = config.load(RAW)
    features, models = (tmp_path / f"{kind}/lte/noise_0.2/train_50000" for kind in ("features", "models"))
    own = dict.fromkeys(("feature_window_train_0", "feature_quality_test_0", "table_window", "moments_3"), 2.0)
    others = dict.fromkeys(("feature_pca_train_0", "table_pca", "feature_ridge_cross_fit_val_0"), 9.0)
    write_benchmarks(features / "benchmarks", own | others)
    for model, seconds in (("mlp", 2.0), ("classify", 2.0), ("lightgbm", 9.0)):
        write_benchmarks(models / model, {"model": seconds})
    write_benchmarks(tmp_path / "noisy/lte/noise_1.0/benchmarks", {"noisy_val_0": 9.0})
    jobs = scaling.jobs_of(tmp_path, settings, "half")
    assert sorted(jobs["rule"]) == ["feature", "feature", "feature_table", "model", "model", "moments"]
    assert {about.get("shard") for about in jobs.query("rule == 'feature'")["wildcards"]} == {"train_0", "test_0"}
    assert jobs["s"].sum() == 12
    memory, seconds = scaling.measured(tmp_path, settings, ["half"])
    assert seconds.loc["model", ("half", "all")] == 4
    assert (memory[("half", "model")] > 0).all()


def test_hours_of_a_larger_run_follow_from_its_stars_and_cores():
    sizes = ((10**5, 2), (10**7, 2), (10**7, 320))
    small, large, shared = (scaling.predicted(config.load(RAW), "half", *size) for size in sizes)
    assert large["hours"] > 10 * small["hours"]
    assert shared["hours"] < large["hours"] / 5
    assert large["disk, TB"] > 50 * small["disk, TB"]


def test_a_finished_run_is_a_row_a_rule():
    jobs = pd.DataFrame({"rule": ["expert", "expert", "gate"], "s": [3.0, 5.0, 1.0], "MB": [70.0, 60.0, 90.0]})
    rows = pd.DataFrame(runs.rows_of("moe", jobs)).set_index("what")
    assert rows.loc["moe: expert"].tolist() == ["2 jobs", 8.0, 5.0, 70.0]
    assert rows.loc["moe: all rules"].tolist() == ["3 jobs", 9.0, 5.0, 90.0]
