"""No leakage: what the models may not see tells them nothing, and nothing fitted depends on it."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import RidgeCV
from sklearn.metrics import r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from gravispec.models.ridge import ridge_cv
from tests.conftest import Checkout

pytestmark = pytest.mark.slow
ALPHAS = np.geomspace(1e-3, 1e5, 9)


@pytest.fixture(scope="module")
def data(smoke):
    folder = smoke.path / "results"
    stars = pd.read_parquet(folder / "spectra/smoke/stars.parquet")
    arrays = {
        "error": smoke.error(),
        "noisy": smoke.flux(),
    }
    return stars, arrays


def fit_and_score(model, features, stars):
    train, test = (stars["split"] == s for s in ("train", "test"))
    model.fit(features[train], stars.loc[train, "log_g"])
    return r2_score(stars.loc[test, "log_g"], model.predict(features[test]))


def planned_jobs(checkout, *runs):
    """``(rule, inputs, outputs)`` of all jobs of the runs, as Snakemake plans them."""
    for path in (checkout.path / "workflow/rules").glob("*.smk"):
        # without its message a job prints its files
        path.write_text(re.sub(r'    message:\n        ".*"\n', "", path.read_text()))
    plan = checkout.snakemake("-n", "--", *(f"results/{run}/summary.csv" for run in runs)).stdout
    jobs = re.findall(r"^(?:local)?rule (\w+):\n    input: (.*)\n    output: (.*)$", plan, re.M)
    assert len(jobs) > 30
    return [(rule, set(inputs.split(", ")), set(outputs.split(", "))) for rule, inputs, outputs in jobs]


def readers(checkout, *runs):
    """``{file: rules that read it}`` over all jobs of the runs."""
    found = {}
    for rule, inputs, _ in planned_jobs(checkout, *runs):
        for name in inputs:
            found.setdefault(name, set()).add(rule)
    return found


def descendants(jobs, rule):
    """Rules whose jobs read, directly or through others, what ``rule`` makes."""
    made, found = {name for job, _, outputs in jobs if job == rule for name in outputs}, set()
    for _ in jobs:
        for job, inputs, outputs in jobs:
            if inputs & made:
                made |= outputs
                found.add(job)
    return found


def opened(script):
    """Names of the inputs that a script opens."""
    return set(re.findall(r"(?:snakemake\.input|files)\.(\w+)", script))


def rules_that_read(folder, found):
    """``{file: rules}`` of the files in a folder."""
    return {name.removeprefix(folder): rules for name, rules in found.items() if name.startswith(folder)}


def test_only_noise_and_stress_read_clean_flux_in_the_whole_dag(tmp_path):
    checkout = Checkout(tmp_path)
    rules = readers(checkout, "moe_100k")
    shards = {"train_0.npy", "train_1.npy", "val_0.npy", "test_0.npy"}
    clean = rules_that_read("results/spectra/lte/flux/", rules)
    # of the test stars also the stress table and a figure of three stars, and nothing comes from them (tests below)
    assert clean == {shard: {"noisy"} for shard in shards} | {"test_0.npy": {"noisy", "stress", "figure_spectra"}}
    # no model reads the error array either; quality is S/N and χ² for a catalogue, and shape is its flags
    errors = rules_that_read("results/spectra/lte/error/", rules)
    of_test = {"noisy", "feature", "stress", "figure_spectra"}
    assert errors == {shard: {"noisy", "feature", "shape"} for shard in shards} | {"test_0.npy": of_test}
    # the walk sees a leak: the published bug, planted
    experts = checkout.path / "workflow/rules/experts.smk"
    experts.write_text(experts.read_text().replace("of_run(NOISY)", "of_run(CLEAN)", 1))
    leaking = rules_that_read("results/spectra/lte/flux/", readers(checkout, "moe_100k"))
    assert leaking == {name: found | {"expert"} for name, found in clean.items()}


def test_a_shard_of_features_is_of_its_own_stars_alone(tmp_path):
    jobs = planned_jobs(Checkout(tmp_path), "moe_100k")
    of_shards = [(inputs, *outputs) for rule, inputs, outputs in jobs if rule == "feature"]
    names = ["train_0", "train_1", "val_0", "test_0"]
    assert sorted(Path(made).parts[-2:] for _, made in of_shards) == sorted(
        (family, f"{name}.npy") for family in ("window", "quality") for name in names
    )
    for inputs, made in of_shards:
        read = {path for path in inputs if path.startswith(("results/noisy", "results/spectra"))}
        assert {Path(path).name for path in read} == {Path(made).name, "wave.npy"}, made


def test_nothing_comes_from_the_stress_table(tmp_path):
    checkout = Checkout(tmp_path)
    jobs = planned_jobs(checkout, "moe_100k", "moe_smoke")
    made = {tuple(outputs) for rule, _, outputs in jobs if rule == "stress"}
    assert made == {(f"results/{run}/stress.csv",) for run in ("moe_100k", "moe_smoke")}
    # the figure of clean and noisy spectra, too: the summary waits for it and does not open it
    assert descendants(jobs, "figure_spectra") == {"summary"}
    # it ends the DAG: the table is checked, and the summary waits for it and does not open it
    assert descendants(jobs, "stress") == {"validate", "summary"}
    assert opened(checkout.read("workflow/scripts/summary.py")) == {"predictions", "samples"}
    # whereas nearly everything comes from the noisy flux, and the walk sees a reader of the table
    assert {"expert", "gate", "stress", "summary"} <= descendants(jobs, "noisy")
    evaluation = checkout.path / "workflow/rules/evaluation.smk"
    line = '        bootstrap="results/{run}/bootstrap.csv",\n'
    evaluation.write_text(evaluation.read_text().replace(line, line + line.replace("bootstrap", "stress"), 1))
    assert descendants(planned_jobs(checkout, "moe_smoke"), "stress") == {"hypotheses", "validate", "summary"}


def test_only_noise_reads_clean_flux_for_towers_and_the_leak_is_refused(tmp_path):
    checkout = Checkout(tmp_path)
    clean = "results/spectra/lte/flux/"
    rules = readers(checkout, "global_32k", "leak_demo")
    assert list(rules_that_read(clean, rules).values()) == [{"noisy"}] * 4
    # family error, and nothing but it, reads the errors
    assert list(rules_that_read("results/spectra/lte/error/", rules).values()) == [{"noisy", "feature"}] * 4
    # the demonstration of the leak goes through the noise rule, at level 0, under its own name
    # (the summary reads files for their checksums alone)
    at_zero = rules_that_read("results/noisy/lte/noise_0.0/", rules)
    assert list(at_zero.values()) == [{"moments", "feature", "tower_summary"}] * 4
    honest = readers(checkout, "global_32k")
    assert not [name for name in honest if "noise_0.0" in name]
    # a feature rule that reads clean flux, the published mistake, does not get past the walk
    features = checkout.path / "workflow/rules/common_features.smk"
    features.write_text(features.read_text().replace("flux=NOISY", "flux=CLEAN", 1))
    assert list(rules_that_read(clean, readers(checkout, "global_32k")).values()) == [{"noisy", "feature"}] * 4


@pytest.mark.parametrize("model", ["ridge", "trees"])
def test_errors_magnitude_and_snr_do_not_tell_log_g(data, model):
    stars, arrays = data
    features = np.column_stack([np.log(arrays["error"]), stars["mag"], stars["snr"]])
    if model == "trees":
        # every 20th pixel: neighbours carry the same smoothed flux
        features = np.column_stack([features[:, :-2:20], stars["mag"], stars["snr"]])
        regressor = HistGradientBoostingRegressor(random_state=0)
    else:
        regressor = make_pipeline(StandardScaler(), RidgeCV(alphas=np.geomspace(1e-2, 1e6, 9)))
    assert fit_and_score(regressor, features, stars) < 0.05


def test_the_other_labels_do_not_tell_log_g(data):
    stars, _ = data
    labels = stars[["T_eff", "M_H", "mag", "seeing", "zenith_angle", "field_angle"]].to_numpy()
    assert fit_and_score(HistGradientBoostingRegressor(random_state=0), labels, stars) < 0.05


def test_shuffled_training_labels_predict_nothing(data):
    stars, arrays = data
    train, test = ((stars["split"] == s).to_numpy() for s in ("train", "test"))
    log_g = stars["log_g"].to_numpy()
    shuffled = np.random.default_rng(3).permutation(log_g[train])
    honest, absurd = (
        ridge_cv([(arrays["noisy"][train], y)], int(train.sum()), alphas=ALPHAS, seed=1)
        for y in (log_g[train], shuffled)
    )
    scores = [r2_score(log_g[test], fit.predict(arrays["noisy"][test])) for fit in (honest, absurd)]
    assert scores[0] > 0.5
    assert scores[1] < 0.05


def test_no_star_is_in_two_splits(data):
    stars, arrays = data
    assert not stars["star_id"].duplicated().any()
    assert stars.groupby("split").size().to_dict() == {"train": 2400, "val": 600, "test": 600}
    # nor two stars with the same labels or the same noise
    assert not stars[["T_eff", "log_g", "M_H"]].duplicated().any()
    assert len(np.unique(arrays["noisy"][:, 100:103], axis=0)) == len(stars)
