"""The mixture of experts as a user of scikit-learn would write it, for comparison: nothing of gravispec but the lines.

    python -m benchmarks.naive_moe --n-train 100000 [--folder FOLDER]

Reads stars.parquet, wave.npy and flux.npy (N, P), noisy spectra of train, val and test stars, which are made in FOLDER
where they are not there (100,000 stars: 1.9 GB of disk, 10 GB of memory for the global Ridge). Prints R² on the covered
test stars and the seconds from the first read.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

ALPHAS = np.logspace(-3, 5, 13)
T_EFF, M_H = [3750, 4500, 5250, 6000], [-2, -1, 0, 0.5]
SEED = 1


def ridge(X, y):
    from sklearn.linear_model import Ridge
    from sklearn.model_selection import GridSearchCV, KFold

    folds = KFold(5, shuffle=True, random_state=SEED)
    search = GridSearchCV(Ridge(solver="cholesky"), {"alpha": ALPHAS}, scoring="neg_mean_squared_error", cv=folds)
    return search.fit(X.astype(float), y).best_estimator_


def train_mlp(features, experts, log_g, stop):
    """A softmax gate on the squared error of the mixture, as in the PyTorch tutorials."""
    import torch

    torch.manual_seed(SEED)
    net = torch.nn.Sequential(torch.nn.Linear(features.shape[1], 64), torch.nn.ReLU(), torch.nn.Linear(64, 9))
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-3)
    data = torch.utils.data.TensorDataset(*(torch.tensor(a, dtype=torch.float32) for a in (features, experts, log_g)))
    stop = [torch.tensor(a, dtype=torch.float32) for a in stop]

    def loss_of(x, predictions, truth):
        return torch.mean(((torch.softmax(net(x), 1) * predictions).sum(1) - truth) ** 2)

    best, best_state, waited = np.inf, None, 0
    for _ in range(100):
        for batch in torch.utils.data.DataLoader(data, batch_size=64, shuffle=True):
            optimiser.zero_grad()
            loss_of(*batch).backward()
            optimiser.step()
        with torch.no_grad():
            loss = loss_of(*stop).item()
        waited += 1
        if loss < best:
            best, best_state, waited = loss, {k: v.clone() for k, v in net.state_dict().items()}, 0
        if waited == 10:
            break
    net.load_state_dict(best_state)
    return lambda x: torch.softmax(net(torch.tensor(x, dtype=torch.float32)), 1).detach().numpy()


def naive(folder):
    """R² of every model on the covered test stars: ``{model: R²}``."""
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import r2_score
    from sklearn.preprocessing import StandardScaler

    from gravispec.features.window import line_features  # the 9 line measurements: a page of no interest here

    stars = pd.read_parquet(folder / "stars.parquet")
    flux, wave = (np.load(folder / f"{name}.npy", allow_pickle=False) for name in ("flux", "wave"))
    log_g = stars["log_g"].to_numpy()
    i = pd.cut(stars["T_eff"], T_EFF, right=False, labels=False)
    j = pd.cut(stars["M_H"], M_H, right=False, labels=False)
    bins = (3 * i + j).fillna(-1).astype(int).to_numpy()
    train, val, test = ((stars["split"] == split).to_numpy() for split in ("train", "val", "test"))

    global_ridge = ridge(flux[train], log_g[train])
    experts = [ridge(flux[train & (bins == k)], log_g[train & (bins == k)]) for k in range(9)]

    pca = PCA(4, random_state=SEED).fit(flux[train])
    features = np.hstack([line_features(wave, flux), pca.transform(flux)])
    features = StandardScaler().fit(features[train]).transform(features)
    kept = val | test
    predictions = np.zeros((len(stars), 9))
    predictions[kept] = np.stack([expert.predict(flux[kept]) for expert in experts], axis=1)

    covered = np.flatnonzero(val)
    fit, stop = covered[: round(0.7 * len(covered))], covered[round(0.7 * len(covered)) : round(0.8 * len(covered))]
    fit, stop = fit[bins[fit] >= 0], stop[bins[stop] >= 0]
    classify = LogisticRegression(max_iter=1000).fit(features[fit], bins[fit])
    weights_of = train_mlp(
        features[fit], predictions[fit], log_g[fit], [a[stop] for a in (features, predictions, log_g)]
    )

    test = test & (bins >= 0)
    classify_weights = np.zeros((test.sum(), 9))
    classify_weights[:, classify.classes_] = classify.predict_proba(features[test])
    models = {
        "global_ridge": global_ridge.predict(flux[test]),
        "oracle": predictions[test, bins[test]],
        "classify": (classify_weights * predictions[test]).sum(axis=1),
        "mlp": (weights_of(features[test]) * predictions[test]).sum(axis=1),
    }
    return {name: float(r2_score(log_g[test], predicted)) for name, predicted in models.items()}


def main():
    from benchmarks.spectra import write_data_set
    from benchmarks.target import checked

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n-train", type=int, default=20_000)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    if options.folder and options.folder.is_dir():
        for name in ("stars.parquet", "wave.npy", "flux.npy"):  # foreign ones are not replaced
            checked(options.folder / name, overwrite=(options.folder / "done.json").is_file())
    with tempfile.TemporaryDirectory() as temporary:
        folder = write_data_set(options.folder or Path(temporary), options.n_train)
        start, cpu = time.perf_counter(), time.process_time()
        for name, r2 in naive(folder).items():
            print(f"{name:12} R² {r2:.6f}")
        print(f"{time.perf_counter() - start:.0f} s, {time.process_time() - cpu:.0f} CPU s")


if __name__ == "__main__":
    main()
