"""Amortised posterior: one network for all noise levels, from spectra to mean and covariance of log g, T_eff, [M/H].

It learns from as many noise realisations as there are steps: a spectrum is projected to a hundred numbers, where noise
is exactly Gaussian and costs one product (``gravispec.models.projection``), and every step draws another; of a data set
with nuisances other nuisances, gaps and widths of lines, too (``gravispec.models.simulation``). The network and its
loss are in ``gravispec.models.posterior_net``.
"""

import math
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from gravispec.labels import LABELS
from gravispec.models.inference import posterior_columns
from gravispec.models.model import Model
from gravispec.models.posterior_net import PosteriorNet, density_loss, loss_of
from gravispec.models.projection import N_BASIS, Projection, fit_projection
from gravispec.models.simulation import ObservedStars, Stars, Views, clean_basis, gaps, renewed
from gravispec.models.training import arrays_of, load_arrays, n_parameters, seeded, shuffles, train
from gravispec.options import Count, Positive, Rate
from gravispec.spectra.model_error import model_sigma, smooth_errors
from gravispec.spectra.nuisances import MOST

DECLARES = ("all_levels", "curve", "posterior")
COST = {"seconds": 60, "ms": 10, "MB": 1600}
OWN = ("centre", "unit", "model_sigma", "smooth")  # arrays of a ``Network`` beside those of its parts
N_STOP = 8192  # stars that stop the training, of a stream of their own, and so are their noise and levels


@dataclass
class Network(Model):
    """The network, the projection before it, centre and unit (T,) of the labels.

    error_factor : 1σ of ln of what errors may be wrong by; above 0, noise is measured where the projection says nothing
    model_sigma (P,), smooth (P, R) : what model spectra are wrong by, of the median flux
    """

    net: PosteriorNet
    projection: Projection
    centre: np.ndarray
    unit: np.ndarray
    error_factor: float
    model_sigma: np.ndarray
    smooth: np.ndarray
    about: dict

    @property
    def knows_gaps(self):
        return self.net.shape["gaps"]

    def predict(self, flux, sigma, measured=None):
        """Labels (m,), their standard deviations ``sigma_{label}`` and covariances ``cov_{label}_{label}``."""
        if self.knows_gaps:
            given = self._by_gaps(flux, sigma, np.ones(flux.shape, bool) if measured is None else measured)
        else:
            z, s = self.projection(flux, sigma)
            given = z, np.abs(s)  # of noise alone the mean may be negative
        with torch.no_grad():
            mean, factor = self.net(*(torch.from_numpy(values.astype(np.float32)) for values in given))
            inverse = torch.linalg.inv(factor.double()).numpy()
        mean = self.centre + self.unit * mean.numpy()
        covariance = np.einsum("bji,bjk->bik", inverse, inverse) * np.outer(self.unit, self.unit)
        return posterior_columns(mean, covariance)

    def _by_gaps(self, flux, sigma, measured):
        """ẑ (m, K), s (m,), r (m, K); spectra with the same gaps at once."""
        spread, n = self.net.spread.numpy().astype(np.float64), len(flux)
        found = np.empty((n, len(spread))), np.empty(n), np.empty((n, len(spread)))
        patterns, of_row = np.unique(np.packbits(measured, axis=1), axis=0, return_inverse=True)
        for k in range(len(patterns)):
            rows = np.flatnonzero(of_row.ravel() == k)
            view = self.projection.view(measured[rows[0]], spread)
            y, s = view(flux[rows], sigma[rows])
            s = np.abs(s)  # of noise alone the mean may be negative
            z, r = view.filled(y, s)
            if self.error_factor:
                limit = MOST * self.error_factor
                smooth = self.smooth if self.smooth.any() else None
                noise, of_model = view.noise(flux[rows], z, r, smooth), view(flux[rows], self.model_sigma[None])[1]
                seen = np.maximum(noise**2 - of_model**2, 1e-12 * s**2)
                s = s * np.exp(np.clip(0.5 * np.log(seen / s**2), -limit, limit))
                z, r = view.filled(y, s)
            for values, of_rows in zip(found, (z, s, r), strict=True):
                values[rows] = of_rows
        return found

    def state(self):
        arrays = arrays_of(self.net, "net.") | {f"projection.{k}": v for k, v in vars(self.projection).items()}
        header = {**self.net.shape, "error_factor": self.error_factor}
        own = {name: getattr(self, name) for name in OWN}
        return header, arrays | own

    @classmethod
    def build(cls, header, arrays):
        projection = Projection(*(arrays[f"projection.{name}"] for name in ("rows", "typical", "weight")))
        shape = {name: value for name, value in header.items() if name != "error_factor"}
        net = load_arrays(PosteriorNet(arrays["net.spread"], **shape), arrays, "net.")
        own = {name: arrays[name] for name in OWN}
        return cls(net=net, projection=projection, error_factor=header["error_factor"], about={}, **own)


def fit(
    forward,
    n_train,
    *,
    components: Count = 120,
    width: Count = 384,
    blocks: Count = 3,
    learning_rate: Rate = 1.5e-3,
    batch: Count = 2048,
    epochs: Count = 100,
    patience: Count = 15,
    level_low: Positive = 0.08,
    level_high: Positive = 2.5,
    unlimited: bool = False,
    seed,
    device,
    threads,
    checkpoint=None,
):
    """``Network`` from the ``n_train`` training stars of the data set, whose clean spectra are made from the grid.

    Noise and its level, log-uniform from ``level_low`` to ``level_high``, are drawn anew at every step from streams of
    its own; those of the data set's noisy spectra are never seen. AdamW with warm-up and cosine decay; other stars,
    of a stream of their own, stop the training and choose the state that is kept. ``unlimited``: before every epoch a
    tenth of the stars makes room for new ones from the prior.
    """
    torch.set_num_threads(threads)
    basis, nuisances = forward.stars(N_BASIS, split="basis"), forward.nuisances
    projection, spread = fit_projection(forward.observed(basis), N_BASIS, forward.wave, components)
    trained, held = forward.stars(n_train, split="train"), forward.stars(N_STOP, split="network")
    labels = [table[list(LABELS)].to_numpy() for table in (trained, held)]
    centre, unit = labels[0].mean(axis=0), labels[0].std(axis=0)
    y, y_stop = (torch.as_tensor((of - centre) / unit, dtype=torch.float32, device=device) for of in labels)
    if nuisances:
        views = [projection.view(row, spread) for row in gaps(forward.wave, nuisances["scales"])]
        vectors = clean_basis(forward)
        shared = Views(views, vectors, forward, device)
        made = partial(ObservedStars, forward, shared, vectors, device=device)
    else:
        made = partial(Stars, forward, projection, device=device)
    stars, stop = made(trained), made(held)
    spread = spread if nuisances else stars.spread()
    print(f"{device}: {n_train} stars in {components} numbers each", flush=True)
    stream, order = torch.Generator(device).manual_seed(seed), torch.Generator()
    shuffle = shuffles(seed, order)
    if unlimited:
        done = len(((checkpoint and checkpoint.load()) or {"curve": {"epoch": []}})["curve"]["epoch"])
        shuffle = renewed(shuffle, made, forward, stars, y, lambda labels: (labels - centre) / unit, done)
    span = math.log(level_high / level_low)

    def levels(n, stream):
        return level_low * torch.exp(span * torch.rand(n, generator=stream, device=device))

    with seeded(seed, device):
        net = PosteriorNet(spread, width=width, blocks=blocks, gaps=bool(nuisances)).to(device)
        own = torch.Generator(device).manual_seed(seed + 1)
        fixed = stop.noisy(slice(None), levels(N_STOP, own), own)
        optimiser = torch.optim.AdamW(net.parameters(), lr=learning_rate)
        steps = epochs * math.ceil(n_train / batch)
        warm_up = min(200, steps // 5 + 1)

        def rate(step):
            return min((step + 1) / warm_up, 0.5 * (1 + math.cos(math.pi * step / steps)))

        def step_loss(rows):
            level = levels(len(rows), stream)
            return loss_of(*net(*stars.noisy(rows, level, stream)), y[rows], level)

        curve, kept = train(
            net,
            n_train,
            step_loss=step_loss,
            stop_loss=lambda: density_loss(*net(*fixed), y_stop).item(),
            optimiser=optimiser,
            batch=batch,
            epochs=epochs,
            patience=patience,
            shuffle=shuffle,
            schedule=torch.optim.lr_scheduler.LambdaLR(optimiser, rate),
            progress=True,
            checkpoint=checkpoint,
            streams=(stream, order),
        )
    about = {"parameters": n_parameters(net), "components": components, "kept": kept, "curve": curve}
    error_factor, of_model, smooth = 0.0, np.zeros(len(forward.wave)), np.zeros((len(forward.wave), 0))
    if nuisances:
        error_factor = nuisances["scales"]["error_factor"]
        of_model = model_sigma(forward.wave, nuisances["fwhm"], nuisances["scales"])
        smooth = smooth_errors(forward.wave, nuisances["scales"])
    about |= {"loss": "-ln posterior density"}
    return Network(net.cpu(), projection, centre, unit, error_factor, of_model, smooth, about)
