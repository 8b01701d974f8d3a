"""Ridge with 5-fold cross-validation over 13 penalties, from float32 spectra on disk, in float64.

Imports and reading count. Agreement: the largest difference of a coefficient from gravispec's, in units of the largest
coefficient, and whether the same alpha was chosen.
"""

import numpy as np

from benchmarks.measure import in_turn
from benchmarks.patterns import SEED, read_patterns, write_patterns

FOLDS = 5
ALPHAS = np.logspace(-3, 5, 13)


def measure(folder, *, quick):
    n, P = (400, 120) if quick else (9000, 4096)
    data = write_patterns(folder / "ridge", n, P)
    rows = []
    for threads in (1, 2):
        contenders = {name: (fit, data) for name, fit in CONTENDERS.items() if threads == 2 or name not in SLOW}
        runs = in_turn(contenders, threads=threads, quick=quick)
        for name, run in runs.items():
            row = {"what": name, "size": f"{n} x {P}", "threads": threads}
            rows.append(row | ({"agreement": run} if isinstance(run, str) else compared(run, runs["gravispec"])))
    return rows


def compared(run, own):
    alpha, coef = run.result
    difference = np.abs(coef - own.result[1]).max() / np.abs(own.result[1]).max()
    same = "same alpha" if np.isclose(alpha, own.result[0]) else f"alpha {alpha:g}, not {own.result[0]:g}"
    return {
        **run.costs(own),
        "agreement": "" if run is own else f"{difference:.0e}, {same}",
    }


def fit_gravispec(folder):
    from gravispec.data.arrays import blocks
    from gravispec.models.ridge import ridge_cv

    flux, y = read_patterns(folder)
    chunks = ((flux[lo:hi], y[lo:hi]) for lo, hi in blocks(0, len(y)))
    fit = ridge_cv(chunks, len(y), alphas=ALPHAS, n_folds=FOLDS, seed=SEED)
    return fit.alpha, fit.coef


def fit_grid_search(folder):
    from sklearn.linear_model import Ridge
    from sklearn.model_selection import GridSearchCV

    model = GridSearchCV(
        Ridge(solver="cholesky"), {"alpha": ALPHAS}, scoring="neg_mean_squared_error", cv=_folds()
    ).fit(*_arrays(folder))
    return model.best_params_["alpha"], model.best_estimator_.coef_


def fit_ridge_cv(folder):
    from sklearn.linear_model import RidgeCV

    model = RidgeCV(ALPHAS, scoring="neg_mean_squared_error", cv=_folds()).fit(*_arrays(folder))
    return model.alpha_, model.coef_


def fit_himalaya(folder):
    from himalaya.ridge import RidgeCV

    model = RidgeCV(ALPHAS, fit_intercept=True, cv=_folds()).fit(*_arrays(folder))
    return float(model.best_alphas_[0]), model.coef_


def fit_cvmatrix(folder):
    """CVMatrix gives the matrices of every fold; Cholesky a fold and alpha is what its user would add."""
    from cvmatrix import CVMatrix
    from scipy.linalg import solve

    X, y = _arrays(folder)
    matrices = CVMatrix(scale_X=False, scale_Y=False)
    matrices.fit(X=X, Y=y[:, None])
    mse = np.zeros(len(ALPHAS))

    def coefficients(A, B, alpha):
        return solve(A + alpha * np.eye(len(A)), B, assume_a="pos")

    for _, held_out in _folds().split(X):
        (A, B), (mean_x, _, mean_y, _) = matrices.training_XTX_XTY(held_out)
        for i, alpha in enumerate(ALPHAS):
            residual = y[held_out, None] - mean_y - (X[held_out] - mean_x) @ coefficients(A, B, alpha)
            mse[i] += np.mean(residual**2) / FOLDS
    alpha = ALPHAS[mse.argmin()]
    x, y = X - X.mean(axis=0), y - y.mean()
    return alpha, coefficients(x.T @ x, x.T @ y, alpha)


CONTENDERS = {
    "gravispec": fit_gravispec,
    "GridSearchCV(Ridge)": fit_grid_search,
    "RidgeCV(cv=5)": fit_ridge_cv,
    "CVMatrix": fit_cvmatrix,
    "himalaya RidgeCV": fit_himalaya,
}
SLOW = ("RidgeCV(cv=5)", "himalaya RidgeCV")  # minutes each: on two threads alone


def _folds():
    from sklearn.model_selection import KFold

    return KFold(FOLDS, shuffle=True, random_state=SEED)


def _arrays(folder):
    """X (n, P) and y (n,), float64."""
    flux, y = read_patterns(folder)
    return flux[:].astype(float), y
