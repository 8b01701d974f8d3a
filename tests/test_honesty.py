"""No leakage: what the models may not see tells them nothing, and nothing fitted depends on it."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import RidgeCV
from sklearn.metrics import r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from gravispec.config import load
from gravispec.data.stars import part_of_stars
from gravispec.models.given import StoredStars, fit_inputs
from gravispec.models.ridge import ridge_cv
from gravispec.models.trained import TrainedRun
from gravispec.plugins.models import INPUTS
from gravispec.plugins.models import STARS as STAR_INPUTS
from tests.conftest import REPO, Checkout
from tests.planned_jobs import jobs_of
from workflow.plan import FILES, NOISY, SIGMA, STARS, TRAINED

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


CONFIG = load(yaml.safe_load((REPO / "config/config.yaml").read_text()))
RUNS = list(CONFIG.runs)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    return Checkout(tmp_path_factory.mktemp("planned"))


@pytest.fixture(scope="module")
def jobs(checkout):
    """All jobs of all runs of the configuration: ``{outputs: (rule, inputs)}``."""
    found = jobs_of(checkout, *(f"results/{run}/summary.csv" for run in RUNS))
    assert {path for made in found for path in made} >= {f"results/{run}/summary.csv" for run in RUNS}
    return found


def readers(jobs, folder):
    """``{file: rules that read it}`` of the files in a folder of results/spectra, of all data sets."""
    found = {}
    for rule, inputs in jobs.values():
        for name in inputs:
            if re.match(rf"results/spectra/\w+/{folder}/", name):
                found.setdefault(name, set()).add(rule)
    return found


def descendants(jobs, made):
    """``{outputs: rule}`` of the jobs that read, directly or through others, one of the files ``made``."""
    found, made = {}, set(made)
    while new := {outputs: rule for outputs, (rule, read) in jobs.items() if outputs not in found and read & made}:
        found |= new
        made |= {name for outputs in new for name in outputs}
    return found


def outputs_of(jobs, rule):
    return {name for outputs, (maker, _) in jobs.items() if maker == rule for name in outputs}


def opened(script):
    """Names of the inputs that a script opens."""
    return set(re.findall(r"(?:snakemake\.input|files)\.(\w+)", script))


def test_only_noise_stress_and_a_figure_read_clean_flux_in_the_whole_dag(checkout, jobs):
    clean = readers(jobs, "flux")
    assert {name.split("/")[2] for name in clean} == {run.dataset for run in CONFIG.runs.values()}
    of_test = {"noisy", "stress", "figure_spectra"}
    # of the test stars also the stress table and a figure of three stars, and nothing comes from them (test below)
    assert {name: of_test if "/test_" in name else {"noisy"} for name in clean} == clean
    # errors at level 1, too, are read by no other: all else reads sigma, divided as the flux is
    assert {name.replace("/error/", "/flux/"): rules for name, rules in readers(jobs, "error").items()} == clean
    # the walk sees a leak: the published bug, planted
    rules = checkout.path / "workflow/rules/shared_fits.smk"
    text = rules.read_text()
    rules.write_text(text.replace("sharded(NOISY)", "sharded(CLEAN)", 1))
    try:
        leaking = readers(jobs_of(checkout, "results/features/smoke/noise_0.2/train_2400/ridge.npz"), "flux")
    finally:
        rules.write_text(text)
    assert "moments" in leaking["results/spectra/smoke/flux/test_0.npy"]


def test_a_model_cannot_ask_for_clean_flux(jobs):
    assert not {"clean", "clean_flux"} & set(INPUTS)
    made = outputs_of(jobs, "model") | outputs_of(jobs, "predictions_of_level")
    for outputs, (rule, read) in jobs.items():
        if outputs & made:
            assert not [name for name in read if re.match(r"results/spectra/\w+/flux/", name)], rule


def test_a_shard_of_features_is_of_its_own_stars_alone(jobs):
    of_shards = [(inputs, *outputs) for outputs, (rule, inputs) in jobs.items() if rule == "feature"]
    assert len(of_shards) > 30
    for inputs, made in of_shards:
        read = {path for path in inputs if path.startswith(("results/noisy", "results/spectra"))}
        assert {Path(path).name for path in read} <= {Path(made).name, "wave.npy"}, made


def test_nothing_comes_from_the_stress_table_and_the_figure_of_clean_spectra(checkout, jobs):
    stress, figure = outputs_of(jobs, "stress"), outputs_of(jobs, "figure_spectra")
    assert {name.split("/")[1] for name in stress} == set(RUNS)
    # both end the DAG: the table is checked and shown, and the summary waits for them and opens neither
    assert set(descendants(jobs, figure).values()) == {"summary"}
    assert set(descendants(jobs, stress).values()) == {"stress_table", "page", "validate", "summary"}
    assert opened(checkout.read("workflow/scripts/summary.py")) == {"predictions", "samples", "models"}
    # whereas nearly everything comes from the noisy flux
    follow = set(descendants(jobs, outputs_of(jobs, "noisy")).values())
    assert {"expert", "model", "predictions", "stress", "summary"} <= follow


def test_the_demonstration_of_the_leak_stays_under_its_own_name(jobs):
    at_zero = {name for name in outputs_of(jobs, "noisy") if "/noise_0.0/" in name}
    assert at_zero
    follow = {path.split("/")[1] for outputs in descendants(jobs, at_zero) for path in outputs}
    assert follow & set(RUNS) == {"leak_demo"}


class Poisoned(StoredStars):
    """Of test stars, and of those that calibrate, nothing is finite; nor of training stars beyond the first."""

    def poison(self, validation, n_train):
        part = part_of_stars(self.stars, fit=validation["fit"], stop=validation["stop"])
        self.hidden = np.isin(part, ("calibration", "test"))
        self.hidden[np.flatnonzero(part == "train")[n_train:]] = True

    def _all(self, name):
        values = super()._all(name)
        if name == "stars":
            return values.mask(pd.Series(self.hidden))
        values = np.array(values[:], np.float64)
        values[self.hidden] = np.nan
        return values


def test_no_model_sees_calibration_stars_or_test_stars(smoke):
    """All that a ``fit`` can ask for, but for the experts of training stars, of which nobody has any."""
    at = {"dataset": "smoke", "level": "0.2", "n_train": 2400}
    paths = {name: path for name, path in FILES.items() if name not in ("sigma", "flux")}
    files = {name: str(smoke.path / path.format(**at)) for name, path in paths.items()}
    shards = [f"{split}_0" for split in ("train", "val", "test")]
    files["flux"] = [str(smoke.path / NOISY.format(shard=shard, **at)) for shard in shards]
    files["sigma"] = [str(smoke.path / SIGMA.format(shard=shard, **at)) for shard in shards]
    files["features"] = [str(smoke.path / TRAINED.format(**at) / "window.parquet")]
    files["stars"] = str(smoke.path / STARS.format(**at))
    validation = {"fit": 0.7, "stop": 0.1, "n_val": 450}
    stored = Poisoned(files, families=["window"])
    stored.poison(validation, 2000)
    given = fit_inputs(STAR_INPUTS, stored, n_train=2000, validation=validation, context={})
    sizes = {"train": 2000, "fit": 420, "stop": 60, "val": 450}
    for name, parts in given.items():
        for part, n in sizes.items():
            values = getattr(parts, part)
            assert len(values) == n
            if isinstance(values, pd.DataFrame):
                values = values[["log_g", "T_eff", "M_H", "snr"]].to_numpy(float)
            elif name in ("flux", "sigma"):
                values = np.concatenate(list(values))
            if (name, part) != ("experts", "train"):
                assert np.isfinite(values).all(), (name, part)


def test_shuffled_test_stars_have_the_labels_that_they_had(smoke):
    """A star's labels depend on its own spectrum alone."""
    (level,) = TrainedRun.load(smoke.path / "results/moe_smoke/model.safetensors").levels
    flux, sigma = smoke.flux(splits=["test"])[:200], smoke.sigma(splits=["test"])[:200]
    order = np.random.default_rng(4).permutation(len(flux))[:150]
    whole, shuffled = (level.predict(flux[rows], sigma[rows], "mlp") for rows in (np.arange(len(flux)), order))
    numbers = whole.select_dtypes("number").columns
    pd.testing.assert_frame_equal(
        whole.loc[order, numbers].reset_index(drop=True), shuffled[numbers], rtol=1e-5, atol=1e-5, check_exact=False
    )


@pytest.mark.parametrize("model", ["ridge", "trees"])
def test_errors_magnitude_and_snr_do_not_tell_log_g(data, model):
    stars, arrays = data
    step = {"ridge": 10, "trees": 40}[model]  # neighbours carry the same smoothed flux
    features = np.column_stack([np.log(arrays["error"][:, ::step]), stars["mag"], stars["snr"]])
    if model == "trees":
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
    flux = arrays["noisy"][:, ::2]
    honest, absurd = (
        ridge_cv([(flux[train], y)], int(train.sum()), alphas=ALPHAS, seed=1) for y in (log_g[train], shuffled)
    )
    scores = [r2_score(log_g[test], fit.predict(flux[test])) for fit in (honest, absurd)]
    assert scores[0] > 0.5
    assert scores[1] < 0.05


def test_no_star_is_in_two_splits(data):
    stars, arrays = data
    assert not stars["star_id"].duplicated().any()
    assert stars.groupby("split").size().to_dict() == {"train": 2400, "val": 600, "test": 600}
    # nor two stars with the same labels or the same noise
    assert not stars[["T_eff", "log_g", "M_H"]].duplicated().any()
    assert len(np.unique(arrays["noisy"][:, 100:103], axis=0)) == len(stars)
