"""What a ``Posterior`` knows of the forward model of a data set: its emulator, priors of labels and of nuisances."""

import numpy as np

from gravispec.spectra.emulator import emulation_error, fit_emulator
from gravispec.spectra.model_error import model_sigma, smooth_errors
from gravispec.spectra.nuisances import PRODUCTS, Series, drawn, widths

SLOPES = (0.15, 0.04)  # standard deviations of flux slope and curvature, relative to the flux
#: products that nuisances need; further ones of `PRODUCTS` change nothing at S/N 70
FREE = ((0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (0, 2), (0, 3), (0, 4), "core", "constant")
N_PRIOR = 200_000  # draws of nuisances that their prior is measured by
N_CHECKED = 500  # spectra that the emulator is compared with


def emulated(forward, bank, components, degree):
    """What a ``Posterior`` knows of the forward model, ``{field: value}``, with ``bank`` models from the prior."""
    emulator = fit_emulator(forward.grid, components)
    labels = np.ascontiguousarray(forward.stars(max(bank, N_CHECKED), split="bank")[forward.names])
    missed = emulation_error(emulator, forward.grid, labels[:N_CHECKED])
    median, worst = np.quantile(missed, [0.5, 0.95]).tolist()
    print(f"emulator: {len(emulator.control)} nodes, rms {median:.1e} in the median, {worst:.1e} in 95 %", flush=True)
    none = {"wide": 0.0, "error_factor": 0.0, "model_error": 0.0, "core_error": 0.0, "smooth": 0.0}
    nuisances = forward.nuisances or {"scales": none, "fwhm": 1.0}
    products, centres, covariances = _prior_of_products(forward, degree)
    return {
        "basis": emulator.basis,
        "axes": lists(emulator.axes),
        "control": emulator.control.astype(np.float32),
        "others": emulator.others and emulator.others.state(),
        "of_others": emulator.others and emulator.of_others.astype(np.float32),
        "bank": labels[:bank],
        "labels": forward.prior.labels,
        "beta": forward.prior.beta,
        "products": products,
        "centres": centres,
        "covariances": covariances,
        "wide": nuisances["scales"]["wide"],
        "wave": forward.wave,
        "fwhm": nuisances["fwhm"],
        "error_factor": nuisances["scales"]["error_factor"],
        "model_sigma": model_sigma(forward.wave, nuisances["fwhm"], nuisances["scales"]),
        "smooth": smooth_errors(forward.wave, nuisances["scales"]) if nuisances["scales"]["smooth"] else None,
        "about": {"nodes": len(emulator.control), "rms_median": median, "rms_95": worst},
    }


def _prior_of_products(forward, degree):
    """Products, and means and covariances of the factors of all but the first: of nuisances, or of a polynomial."""
    powers = [(k, 0) for k in range(degree + 1)]
    if not forward.nuisances:
        return powers, np.zeros((1, degree)), np.diag(np.square(SLOPES[:degree]))[None]
    scales, series = forward.nuisances["scales"], Series(forward.wave, forward.nuisances["fwhm"])
    values, rng = drawn(N_PRIOR, {**scales, "wide": 0.0}, split="prior", seed=forward.seed), np.random.default_rng(0)
    parts = []
    for width in widths(scales["wide"]):
        own = {width.name: width.value(rng.random(N_PRIOR))} if width.name else {}
        factors = series.terms(values | own, width)
        parts.append(factors / factors[:, :1])
    varies = [at for at in FREE if at in powers or parts[0][:, PRODUCTS.index(at)].std() > 0]
    chosen = [part[:, [PRODUCTS.index(at) for at in varies[1:]]] for part in parts]
    covariances = np.stack([np.atleast_2d(np.cov(part.T)) for part in chosen])
    for k, scale in zip(range(1, degree + 1), SLOPES, strict=False):  # a continuum that is free beside them
        covariances[:, varies.index((k, 0)) - 1, varies.index((k, 0)) - 1] += scale**2
    return varies, np.stack([part.mean(axis=0) for part in chosen]), covariances


def lists(axes):
    """Axes for JSON."""
    return {name: np.asarray(positions).tolist() for name, positions in axes.items()}
