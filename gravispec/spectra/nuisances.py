"""What observations have that says nothing of the star: slopes, dust, errors of velocity, widths of lines, gaps.

Stars of a data set with ``nuisances:`` have a draw of each, put on their clean flux before the noise comes. Network and
posterior marginalise them by a series (method.md section 9): with D the derivative by velocity, x from -1 to 1 over the
pixels and C, 1 in the cores of Ca II and 0 elsewhere, flux f of median 1 becomes

    (1 + s₁ x + s₂ x²) (F + κ C (1 - F) + h),    F = exp(-v D + b D² + q D⁴) f,

with b half the change of the variance of the lines, km² s⁻², from a given ``Width``, and q a 24th of that of their
fourth cumulant. Orders up to D⁴ are kept. Dust is part of the polynomial; h is a constant, of scattered light or sky.
"""

from dataclasses import dataclass
from itertools import pairwise
from math import factorial

import numpy as np

from gravispec.spectra import stress
from gravispec.spectra.instrument import FWHM_PER_SIGMA
from gravispec.spectra.streams import generator, stream_entropy

#: what is drawn, and what a value is made of, ``scale`` times a normal deviate; the others are that product
KINDS = {
    "slope": None,
    "curvature": None,
    "E_BV": None,
    "velocity": None,
    "v_sin_i": np.abs,
    "resolution": np.exp,
    "constant": None,
    "core": None,
    "error_factor": np.exp,
}
MOST = 3.0  # standard deviations, beyond which deviates are cut
POWERS, ORDERS = 3, 5  # of x, of D
TERMS = tuple((k, n) for k in range(POWERS) for n in range(ORDERS))  # xᵏ Dⁿ
BENT = ("slope", "curvature")  # factors of x, x²
CONSTANTS = ("constant", "constant x", "constant x²")
PRODUCTS = (*TERMS, "core", *CONSTANTS)  # whose factors `Series.terms` gives
#: of stars whose lines are much wider: v sin i, km/s, uniform within the edges, or the resolution over the
#: spectrograph's, log-uniform; within a cell the series is that around its middle
WIDE_ROTATION = (10.0, 25.0, 36.0, 48.0, 62.0, 80.0, 100.0, 120.0)
WIDE_RESOLUTION = (0.9, 0.76, 0.64, 0.54, 0.45, 0.38)
# variance of the rotation profile over (v sin i)², for linear limb darkening (Gray 2005, eq. 18.14)
_DISC, _DARK = 1 - stress.LIMB_DARKENING, 2 / 3 * stress.LIMB_DARKENING
ROTATION = (_DISC / 4 + _DARK / 5) / (_DISC + _DARK)
# its fourth cumulant over (v sin i)⁴, over 24
ROTATION_4 = ((_DISC / 8 + _DARK * 3 / 35) / (_DISC + _DARK) - 3 * ROTATION**2) / 24


@dataclass(frozen=True)
class Width:
    """Lines as wide as rotation of ``v_sin_i``, km/s, and ``resolution`` over the spectrograph's make them.

    share : of the stars, of which the ``low`` to ``high`` value of ``name`` is uniform, or its logarithm
    """

    v_sin_i: float = 0.0
    resolution: float = 1.0
    name: str = ""
    low: float = 0.0
    high: float = 0.0
    share: float = 1.0

    def value(self, uniform):
        """Of ``name``, from uniform numbers (n,)."""
        if self.name == "v_sin_i":
            return self.low + (self.high - self.low) * uniform
        return self.low * (self.high / self.low) ** uniform

    def of(self, flux, wave, fwhm):
        """Flux (m, P) as wide."""
        flux = stress.rotated(flux, wave, self.v_sin_i) if self.v_sin_i else flux
        return stress.resolved(flux, wave, fwhm, self.resolution) if self.resolution != 1 else flux


def widths(wide):
    """``Width`` of stars as the spectrograph has them, and of all cells, where a share ``wide`` of the stars is."""
    found, v, R = [Width(share=1 - wide)], WIDE_ROTATION, WIDE_RESOLUTION
    if wide:
        for low, high in pairwise(v):
            middle = np.sqrt((low**2 + low * high + high**2) / 3)  # rms
            found.append(Width(middle, 1.0, "v_sin_i", low, high, wide / 2 * (high - low) / (v[-1] - v[0])))
        for high, low in pairwise(R):
            share = wide / 2 * np.log(high / low) / np.log(R[0] / R[-1])
            found.append(Width(0.0, np.sqrt(low * high), "resolution", low, high, share))
    return found


def values_of(unit, scales):
    """``{name: (n,)}`` of `KINDS` from normal deviates (n, 9) and the ``scales`` of the configuration."""
    found = {}
    for deviate, (name, function) in zip(np.clip(unit, -MOST, MOST).T, KINDS.items(), strict=True):
        value = scales[name] * deviate
        found[name] = function(value) if function else value
    return found


def drawn(n, scales, *, split, seed, first=0):
    """``{column: (n - first,)}`` of the stars of a split: `KINDS`, and of every window whether it is missing, bool.

    Every column has a stream of its own, as labels have.
    """

    def stream(name):
        return generator(stream_entropy(seed=seed, keys=("nuisances", split, name)))

    values = values_of(np.stack([stream(name).standard_normal(n)[first:] for name in KINDS], axis=1), scales)
    if scales["wide"]:
        cells = widths(scales["wide"])
        cell = stream("wide").choice(len(cells), n, p=[width.share for width in cells])[first:]
        uniform = stream("width").random(n)[first:]
        for k, width in enumerate(cells[1:], start=1):
            values[width.name] = np.where(cell == k, width.value(uniform), values[width.name])
    windows = window_columns(scales["windows"])
    return values | {column: stream(column).random(n)[first:] < scales["missing"] for column in windows}


def window_columns(windows):
    """Names of the columns of the windows (low, high), Å: ``missing_7160_7345``."""
    return [f"missing_{low:g}_{high:g}" for low, high in windows]


def measured_pixels(stars, wave):
    """(m, P) bool of a table of stars: False within the windows that are missing."""
    measured = np.ones((len(stars), len(wave)), bool)
    for column in stars.columns:
        if column.startswith("missing_"):
            low, high = map(float, column.split("_")[1:])
            measured[np.ix_(stars[column].to_numpy(), within(wave, low, high))] = False
    return measured


def within(wave, low, high):
    """(P,) bool."""
    return (wave >= low) & (wave <= high)


def with_nuisances(flux, wave, fwhm, values):
    """Clean flux (m, P) with the nuisances ``values``, ``{name: (m,)}``, of a spectrograph of ``fwhm``, Å; float64."""
    of = {name: np.asarray(values[name], float)[:, None] for name in KINDS}

    def moved_and_rotated(frequency):
        shift = np.exp(-2j * np.pi * frequency * np.log1p(of["velocity"] / stress.LIGHT))
        return shift * stress.rotation_transfer(frequency, of["v_sin_i"])

    flux = stress.filtered(flux, np.log(wave), moved_and_rotated)
    flux = stress.resolved(flux, wave, fwhm, of["resolution"])
    flux = stress.filled(flux, stress.core_pixels(wave), of["core"]) + of["constant"]
    dust = stress.reddened(np.ones((1, len(wave))), wave, of["E_BV"])
    x = positions(len(wave))
    polynomial = 1 + sum(of[name] * x**k for k, name in enumerate(BENT, start=1))
    return flux * dust / dust[:, [len(wave) // 2]] * polynomial


def positions(n):
    """(n,) x of the pixels."""
    return np.linspace(-1, 1, n)


class Series:
    """The series above, for pixels ``wave`` (P,), Å, and a line spread function of ``fwhm``, Å."""

    def __init__(self, wave, fwhm):
        self.wave, self.x = wave, positions(len(wave))
        self.core = stress.core_pixels(wave).astype(float)
        self._to_powers = np.linalg.pinv(np.stack([self.x**k for k in range(POWERS)], axis=1))  # (3, P)
        self._high = self._to_powers @ np.stack([self.x**k for k in range(2 * POWERS - 1)], axis=1)  # of x⁰ ... x⁴
        extinction = 0.4 * np.log(10) * stress.R_V * stress.extinction(wave)
        extinction = extinction - extinction[len(wave) // 2]
        self._dust = [self._to_powers @ ((-extinction) ** j / factorial(j)) for j in range(4)]
        middle = wave[len(wave) // 2]
        self.variance = (fwhm / FWHM_PER_SIGMA / middle * stress.LIGHT) ** 2  # km² s⁻² of the lines, by the instrument
        self._chromatic = (self._to_powers @ (middle / wave) ** 2)[1]  # it is constant in Å, not in velocity
        self._at_cores = np.average(self.x, weights=self.core) if self.core.any() else 0.0

    def polynomial(self, values):
        """(n, 3) coefficients of 1, x, x²: slope, curvature and dust."""
        dust = sum(np.power(values["E_BV"], j)[:, None] * of_power for j, of_power in enumerate(self._dust))
        own = np.stack([np.ones_like(values["slope"]), *(values[name] for name in BENT)], axis=1)
        product = np.zeros((len(own), 2 * POWERS - 1))
        for i in range(POWERS):
            product[:, i : i + POWERS] += own[:, i, None] * dust
        return product @ self._high.T

    def terms(self, values, width=Width()):
        """(n, 19) factors of the operators, beside lines as wide as ``width`` says: of `TERMS`, core, constant."""
        v, polynomial = values["velocity"], self.polynomial(values)
        instrument = self.variance / 2 * (values["resolution"] ** -2.0 - width.resolution**-2.0)
        b = ROTATION / 2 * (values["v_sin_i"] ** 2 - width.v_sin_i**2) + instrument
        q = ROTATION_4 * (values["v_sin_i"] ** 4 - width.v_sin_i**4)
        fourth = v**4 / 24 + v**2 * b / 2 + b**2 / 2 + q
        of_orders = [np.ones_like(v), -v, v**2 / 2 + b, -(v**3) / 6 - v * b, fourth]
        found = np.stack([polynomial[:, k] * of_orders[n] for k, n in TERMS], axis=1)
        found[:, TERMS.index((1, 2))] += self._chromatic * instrument
        core = values["core"] * (polynomial @ self._at_cores ** np.arange(POWERS))
        return np.column_stack([found, core, polynomial * values["constant"][:, None]])

    def operators(self, basis):
        """(16 K + 4, P) float32, of which a sum is the flux of a star of coefficients (K,) of a basis (K, P).

        What `product` gives of `PRODUCTS` without what is zero: of `TERMS` and core first, then what is added.
        """
        parts = [self.product(basis, name) for name in PRODUCTS]
        products = [products for products, _ in parts[: len(TERMS) + 1]]
        return np.concatenate([*products, *(added[None] for _, added in parts[len(TERMS) :])]).astype(np.float32)

    def product(self, basis, name):
        """What one factor multiplies: (K, P), a product of a basis (K, P), and (P,), what is added to its sum."""
        if name == "core":
            return -self.core * basis, self.core
        if name in CONSTANTS:
            return np.zeros_like(basis), self.x ** CONSTANTS.index(name)
        k, n = name
        return self.x**k * self.derivative(basis, n), np.zeros_like(self.x)

    def derivative(self, flux, n):
        """Dⁿ of flux (m, P), per (km/s)ⁿ."""
        if n == 0:
            return flux
        return stress.filtered(flux, np.log(self.wave), lambda frequency: (2j * np.pi * frequency / stress.LIGHT) ** n)
