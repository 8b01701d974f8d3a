"""A configuration of its own for tests, which does not change with config/config.yaml: every section has entries."""

import copy

import yaml

from gravispec.config import load
from gravispec.errors import InputError

RAW = yaml.safe_load("""
grids:
  mr: {}
  five:
    axes: {a_M: {start: -0.1, stop: 0.5, n: 3}, C_M: {start: -0.6, stop: 0.0, n: 3}}
  coarse:
    axes:
      T_eff: {start: 3750, stop: 6000, n: 5}
      log_g: {start: 1, stop: 5, n: 5}
      M_H: {start: -2.5, stop: 0.75, n: 4}
  bosz: {kind: bosz, source: archive, medium: air, missing: interpolate}
datasets:
  lte: {kind: lte, grid: mr, n_stars: {train: 100000, val: 10000, test: 5000}}
  large: {kind: lte, grid: mr, n_stars: {train: 1000000, val: 10000, test: 5000}}
  small: {kind: lte, grid: coarse, n_stars: {train: 2400, val: 600, test: 600}}
  five:
    kind: lte
    grid: five
    n_stars: {train: 100000, val: 10000, test: 5000}
    labels: {a_M: {low: -0.1, high: 0.5}, C_M: {low: -0.6, high: 0.0}}
  own: {kind: pfsspec, train: a.h5, val: b.h5, test: c.h5, fwhm: 1.6}
models:
  global_ridge: {module: global_ridge, label: global Ridge, all: global_full}
  oracle: {module: oracle}
  hard: {module: hard, of: classify}
  classify: {module: mixture, gate: classify}
  mlp: {module: mixture}
  fallback: {module: fallback, covered: fallback_covered, all: fallback}
  tower: {module: tower}
  residual_mlp: {module: residual_mlp}
  lightgbm: {module: lightgbm}
  metadata: {module: metadata}
runs:
  mixture:
    dataset: lte
    noise_level: 0.2
    n_train: 100000
    models: [global_ridge, oracle, hard, classify, mlp, fallback]
    reference: classify
    differences: [[mlp, classify], [oracle, global_ridge]]
    rho: [global_ridge, oracle]
    hypotheses:
      H1: {statement: it is good, model: mlp, at_least: 0.93, stars: all, noise_level: 0.2, n_train: 100000}
      H2: {difference: [mlp, classify], above: 0}
      H3: {model: mlp, metric: mae, at_most: 0.3}
    catalogue: mlp
  half: {like: mixture, n_train: 50000}
  large: {like: mixture, dataset: large, n_train: 1000000}
  small: {like: mixture, dataset: small, n_train: 2400, hypotheses: {}}
  sweep:
    dataset: lte
    noise_level: [0.2, 1.0]
    n_train: [10000, 32000]
    models: [global_ridge, tower, lightgbm, {mlp: {noise_level: 0.2, n_train: 32000}}, residual_mlp, metadata]
  five: {dataset: five, noise_level: 0.5, n_train: 1000, models: [tower]}
  leak: {dataset: lte, noise_level: 0, n_train: 1000, models: [tower]}
comparisons:
  sizes: [half, mixture]
  trees: [sweep:lightgbm, mixture:mlp]
catalogues:
  survey: {runs: [mixture, five], files: ["*.fits"], medium: air, velocity: 12.5}
""")
RAW["runs"]["half"]["hypotheses"] = RAW["runs"]["large"]["hypotheses"] = {"H2": {"model": "mlp", "at_least": 0.9}}


def changed(path, value, raw=RAW):
    """The configuration with another value at ``path``, keys in a tuple or a text with dots."""
    raw = copy.deepcopy(raw)
    *parents, key = path.split(".") if isinstance(path, str) else path
    section = raw
    for parent in parents:
        section = section[parent]
    section[key] = value
    return raw


def mistake(raw):
    """What is said of a configuration, in one line of reasonable length; None where it is taken."""
    try:
        load(raw)
    except InputError as error:
        message = str(error)
        assert message.startswith("config: "), message
        assert "\n" not in message
        assert len(message) < 600, message
        return message
    return None
