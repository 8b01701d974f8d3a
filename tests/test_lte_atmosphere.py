"""Physics of the gas: equation of state, continuous opacity, atmosphere, radiative transfer. Runs anywhere."""

from importlib.resources import files
from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy.constants import Stefan_Boltzmann
from scipy.special import expn

from gravispec.spectra.lte.atmosphere import (
    depth_scale,
    hydrostatic_gas,
    model_atmosphere,
    temperature,
)
from gravispec.spectra.lte.constants import (
    BOLTZMANN,
    ELECTRON_MASS,
    ELECTRON_VOLT,
    LIGHT_SPEED,
    PLANCK,
)
from gravispec.spectra.lte.elements import abundances, load_elements, partition_functions
from gravispec.spectra.lte.eos import saha, solve_gas
from gravispec.spectra.lte.opacity import continuous_opacity, h_minus_bound_free, h_minus_free_free
from gravispec.spectra.lte.transfer import emergent_flux, exponential_integrals, optical_depth, planck

TAU = depth_scale()
STEFAN_BOLTZMANN = Stefan_Boltzmann * 1e3  # erg s-1 cm-2 K-4


def gas_at(T, P_gas, abundance=None):
    return solve_gas(np.atleast_1d(T), np.atleast_1d(P_gas), abundances(0.0) if abundance is None else abundance)


# --- gas ---------------------------------------------------------------------------------------------------------


def test_partition_functions_of_irwin_and_gray():
    # Gray (2005), table D.2, log U at 5040 K
    log_u = np.log10(partition_functions(np.array([5040.0]))[..., 0])
    names = load_elements().names
    published = {
        "Fe": (1.446, 1.638),
        "Ca": (0.073, 0.344),
        "Ti": (1.480, 1.746),
        "Si": (0.976, 0.755),
        "H": (0.301, 0),
    }
    for name, expected in published.items():
        np.testing.assert_allclose(log_u[names.index(name)], expected, atol=0.012)


def test_pure_hydrogen_has_the_textbook_ionisation():
    T, P = np.array([8000.0, 10000.0, 12000.0]), np.array([10.0, 100.0, 1e4])
    pure = np.zeros(len(load_elements().names))
    pure[0] = 1.0
    gas = solve_gas(T, P, pure)
    x = gas.ionised[0]
    np.testing.assert_allclose(x**2 / (1.0 - x**2), saha(T)[0] / P, rtol=1e-3)  # Saha for a hydrogen gas; no H2 here


@pytest.mark.parametrize("M_H", [-2.5, 0.0, 0.75])
def test_charge_and_pressure_balance(M_H):
    T = np.array([2600.0, 3500.0, 5000.0, 6500.0, 9500.0])
    P = np.array([1e4, 1e2, 1e5, 1e3, 1e5])
    abundance = abundances(M_H)
    gas = solve_gas(T, P, abundance)
    n_HII = gas.n_H - gas.n_HI - 2.0 * gas.n_H2
    n_e = n_HII + gas.n_H * (abundance[1:, None] * gas.ionised[1:]).sum(axis=0)
    np.testing.assert_allclose(gas.P_e, n_e * BOLTZMANN * T, rtol=1e-6)
    n_total = gas.n_HI + n_HII + gas.n_H2 + gas.n_H * abundance[1:].sum() + n_e
    np.testing.assert_allclose(P, n_total * BOLTZMANN * T, rtol=1e-8)


def test_hydrogen_is_molecular_when_cool_and_dense_and_atomic_when_hot():
    gas = gas_at([2200.0, 5800.0], [1e6, 1e5])
    share = 2.0 * gas.n_H2 / gas.n_H
    assert share[0] > 0.8
    assert share[1] < 1e-2


def test_metals_free_the_electrons_of_cool_gas():
    poor, rich = (gas_at(4500.0, 1e4, abundances(M_H)).P_e[0] for M_H in (-1.0, 0.0))
    assert 5.0 < rich / poor < 11.0  # P_e follows the metals nearly in proportion


def test_alpha_and_carbon_abundances():
    names = load_elements().names
    change = np.log10(abundances(-0.5, 0.3, 0.2) / abundances(0.0))
    expected = {"H": 0.0, "He": 0.0, "Fe": -0.5, "Na": -0.5, "Ca": -0.2, "O": -0.2, "C": -0.3}
    for name, value in expected.items():
        assert change[names.index(name)] == pytest.approx(value)


# --- continuous opacity --------------------------------------------------------------------------------------------


def test_h_minus_bound_free_is_saha_times_the_published_cross_section():
    T, wave = 5500.0, np.array([8500.0])
    gas = gas_at(T, 1e5)
    # Saha for H- (binding 0.7542 eV, statistical weights 1 : 2 x 2) and sigma = 3.95e-17 cm2 (Wishart 1979)
    states = (PLANCK**2 / (2.0 * np.pi * ELECTRON_MASS * BOLTZMANN * T)) ** 1.5
    n_minus = 0.25 * gas.n_HI * gas.P_e / (BOLTZMANN * T) * states * np.exp(0.7542 * ELECTRON_VOLT / (BOLTZMANN * T))
    stimulated = -np.expm1(-PLANCK * LIGHT_SPEED / (8500e-8 * BOLTZMANN * T))
    np.testing.assert_allclose(h_minus_bound_free(gas, wave)[0], n_minus * 3.95e-17 * stimulated, rtol=0.02)
    assert h_minus_bound_free(gas, np.array([16420.0]))[0, 0] == 0.0


@pytest.mark.parametrize(
    ("wave", "theta", "published"), [(7595.0, 1.0, 0.409), (9113.0, 1.0, 0.576), (9113.0, 1.4, 0.777)]
)
def test_h_minus_free_free_of_bell_and_berrington(wave, theta, published):
    # Bell & Berrington 1987 (J. Phys. B 20, 801), table 1, 1e-26 cm4 dyn-1
    gas = gas_at(5040.0 / theta, 1e5)
    per_atom = h_minus_free_free(gas, np.array([wave]))[0, 0] / (gas.n_HI * gas.P_e)[0]
    assert per_atom / 1e-26 == pytest.approx(published, rel=0.03)


# --- atmosphere ----------------------------------------------------------------------------------------------------


def test_solar_pressures_of_the_marcs_model():
    # MARCS solar model (Gustafsson et al. 2008): log tau_5000, P_gas, P_e
    published = np.array([(-2.0379, 1.1763e4, 0.92301), (-1.0711, 4.0385e4, 3.4525), (-0.0099, 1.2677e5, 62.545)])
    gas = hydrostatic_gas(temperature(5777.0, 4.44, 0.0, TAU), 4.44, abundances(0.0), TAU)
    for column, quantity in ((1, gas.P_gas), (2, gas.P_e)):
        ours = np.exp(np.interp(published[:, 0], np.log10(TAU), np.log(quantity)))
        np.testing.assert_allclose(ours, published[:, column], rtol=0.2)


@pytest.mark.parametrize("labels", [(4500.0, 1.5, 0.0), (5777.0, 4.44, 0.0), (6000.0, 4.0, -2.0)])
def test_hydrostatic_equilibrium(labels):
    tau = depth_scale(240)
    gas = model_atmosphere(*labels, 0.0, 0.0, 0.0, tau)
    kappa = continuous_opacity(gas, np.array([5000.0]))[:, 0] / gas.density
    gradient = np.gradient(np.log(gas.P_gas), np.log(tau))
    np.testing.assert_allclose(gradient[1:-1], (10.0 ** labels[1] * tau / (kappa * gas.P_gas))[1:-1], rtol=0.005)


def test_solar_temperatures_of_the_marcs_model():
    # Gustafsson et al. 2008; an independent code, other opacities (ATLAS9's 5750/4.5/0, scaled, is 3 % hotter at -0.1)
    log_tau = np.array([-3.0049, -2.0379, -1.0711, -0.4944, -0.1071, 0.1838])
    published = np.array([4504.9, 4729.9, 5088.6, 5597.1, 6235.2, 6983.3])
    np.testing.assert_allclose(temperature(5777.0, 4.44, 0.0, 10.0**log_tau), published, rtol=0.025)


@pytest.mark.parametrize(
    ("labels", "mass", "published"),
    [
        ((5500.0, 4.5, -1.0), (0.0441, 0.6961, 3.1622, 6.1624, 9.0298, 10.972), (4107, 4490, 4802, 5316, 6122, 7046)),
        ((4500.0, 1.5, 0.0), (0.3440, 3.2001, 14.973, 40.087, 69.611, 123.47), (2912, 3422, 3768, 4107, 4495, 5208)),
        ((4250.0, 2.0, -0.5), (0.7252, 3.9818, 20.745, 52.708, 94.938, 152.37), (2922, 3275, 3573, 3890, 4398, 5160)),
        ((6500.0, 4.0, 0.0), (0.0910, 0.3502, 1.1323, 2.4813, 3.6386, 4.2433), (4927, 5227, 5545, 6063, 7050, 7762)),
        ((4000.0, 0.5, -0.5), (0.7176, 4.9945, 51.617, 176.79, 364.57, 672.65), (2520, 2758, 3234, 3520, 3949, 4674)),
    ],
)
def test_temperatures_of_atlas_models_between_those_of_the_table(labels, mass, published):
    np.testing.assert_allclose(temperature_at_mass(labels, mass), published, rtol=0.03)


@pytest.mark.parametrize(
    ("labels", "mass", "published"),
    [
        ((6500.0, 4.5, 0.0), (0.0556, 0.2164, 0.7112, 1.6000, 2.4226, 2.8544), (4926, 5223, 5541, 6050, 7065, 7793)),
        ((6500.0, 3.0, -1.0), (0.2402, 0.9673, 2.8708, 7.1631, 9.1697, 11.041), (5026, 5269, 5465, 6045, 6772, 7682)),
        ((4750.0, 0.5, -1.0), (0.7695, 4.9225, 64.071, 228.62, 476.18, 616.28), (3118, 3503, 3937, 4226, 4817, 5359)),
        ((3750.0, 0.5, 0.0), (0.7709, 5.1850, 40.399, 147.39, 286.26, 408.96), (2588, 2801, 3068, 3336, 3741, 4236)),
        ((5250.0, 0.5, -1.0), (0.2013, 1.9450, 20.138, 127.03, 224.95, 309.19), (3588, 3849, 4225, 4591, 5034, 5642)),
        ((5250.0, 3.0, 0.0), (0.1065, 0.4462, 1.8143, 6.2372, 13.400, 21.562), (3786, 4048, 4316, 4665, 5170, 6021)),
        ((5250.0, 4.5, -2.5), (0.1060, 0.7341, 3.2333, 9.2231, 14.027, 17.879), (4126, 4284, 4379, 4595, 5174, 5568)),
    ],
)
def test_temperatures_of_atlas_models_of_the_table(labels, mass, published):
    # log tau -4 to 0.2
    np.testing.assert_allclose(temperature_at_mass(labels, mass), published, rtol=0.005)


@pytest.mark.parametrize(
    ("labels", "mass", "published"),
    [
        ((5000.0, 0.5, -1.0), (0.2640, 2.3021, 25.504, 148.30, 284.93, 438.13), (3278, 3635, 4023, 4347, 4656, 5402)),
        ((5000.0, 2.5, 0.0), (0.1220, 0.8012, 3.1856, 10.774, 23.014, 38.932), (3478, 3840, 4112, 4457, 4940, 5760)),
        ((5500.0, 3.5, -0.5), (0.1125, 0.4653, 1.8655, 6.2973, 12.419, 16.893), (4072, 4312, 4542, 4869, 5411, 6181)),
        ((5750.0, 4.5, 0.0), (0.0356, 0.3667, 1.4708, 2.6653, 4.0959, 5.9793), (4266, 4713, 5159, 5634, 6535, 8698)),
    ],
)
def test_temperatures_of_atlas_models_between_4750_and_6000(labels, mass, published):
    # log tau -4 to 0 (the dwarf 0.9)
    np.testing.assert_allclose(temperature_at_mass(labels, mass), published, rtol=0.015)


def test_deep_temperatures_of_an_atlas_supergiant():
    # log tau 0 to 0.9; radiation carries up to 4 % of the weight
    published = np.array([(67.766, 6966), (71.142, 8773), (72.051, 9369)]).T
    np.testing.assert_allclose(temperature_at_mass((6000.0, 1.0, 0.0), published[0]), published[1], rtol=0.03)


def temperature_at_mass(labels, mass):
    """T (K) of our atmosphere where `mass` (g cm-2) lies above."""
    gas = model_atmosphere(*labels, 0.0, 0.0, 0.0, depth_scale(200))
    return np.exp(np.interp(np.log(mass) + labels[1] * np.log(10.0), np.log(gas.P_gas), np.log(gas.T)))


def test_the_table_has_a_row_at_every_node_and_rises_inwards():
    table = pd.read_csv(files("gravispec.spectra.lte") / "temperature.csv", comment="#")
    nodes = list(table[["T_eff", "log_g", "M_H"]].itertuples(index=False, name=None))
    assert nodes == list(product(*(sorted(set(axis)) for axis in zip(*nodes, strict=True))))
    ratio = table.iloc[:, 3:].to_numpy()
    assert ((ratio > 0.4) & (ratio < 2.7)).all()  # false of nan
    # the uppermost layers of 3750/0.5/-2.5 have one temperature
    assert (np.diff(ratio) >= 0).all()
    assert (np.diff(ratio) > 0).sum() == ratio[:, 1:].size - 3


def test_temperature_beyond_the_table_is_that_of_its_edge():
    for beyond, edge in (((3500.0, 4.0, 0.0), (3750.0, 4.0, 0.0)), ((5000.0, 5.5, -3.0), (5000.0, 5.0, -2.5))):
        np.testing.assert_allclose(temperature(*beyond, TAU) / beyond[0], temperature(*edge, TAU) / edge[0])
    rich, solar, poor = (temperature(4750.0, 3.0, M_H, TAU) for M_H in (0.5, 0.0, -0.5))
    np.testing.assert_allclose(rich - solar, solar - poor, rtol=0.05)


@pytest.mark.parametrize("T_eff", [3500.0, 4000.0, 5000.0, 6500.0])
@pytest.mark.parametrize("log_g", [0.5, 3.0, 5.5])
@pytest.mark.parametrize("M_H", [-3.0, 0.0, 1.0])
def test_temperature_rises_inwards(T_eff, log_g, M_H):
    T = temperature(T_eff, log_g, M_H, TAU)
    assert (np.diff(T) >= 0).all()
    assert 0.4 * T_eff < T[0] < 0.85 * T_eff


def test_the_continuum_carries_what_the_lines_block_beside_the_total_flux():
    wave = np.geomspace(3000.0, 1e5, 60)
    for T_eff, log_g in ((4500.0, 2.0), (5777.0, 4.44)):
        blocked = []
        for M_H in (-2.0, -1.0, 0.0):
            gas = model_atmosphere(T_eff, log_g, M_H, 0.0, 0.0, 0.0, TAU)
            ratio = continuous_opacity(gas, wave) / continuous_opacity(gas, np.array([5000.0]))
            flux = np.trapezoid(emergent_flux(optical_depth(ratio, TAU), planck(wave, gas.T)), wave)
            blocked.append(1.0 - STEFAN_BOLTZMANN * T_eff**4 / flux)
        assert -0.03 < blocked[0] < blocked[1] < blocked[2] < 0.2
        assert blocked[2] > 0.1


# --- radiative transfer --------------------------------------------------------------------------------------------


def test_planck_integrates_to_stefan_boltzmann():
    wave = np.geomspace(500.0, 2e6, 3000)
    assert np.pi * np.trapezoid(planck(wave, np.array([5000.0]))[0], wave) == pytest.approx(
        STEFAN_BOLTZMANN * 5000.0**4, rel=1e-4
    )


def test_exponential_integrals_by_quadrature():
    tau = np.concatenate([[0.0], np.geomspace(1e-6, 30.0, 200)])
    E3, E4 = exponential_integrals(tau)
    np.testing.assert_allclose(E3, expn(3, tau), atol=2e-3)
    np.testing.assert_allclose(E4, expn(4, tau), atol=2e-4)


def test_flux_in_single_precision_is_that_in_double():
    """At the small optical depths of a giant's top, too, where differences of E4 are rounded away."""
    rng = np.random.default_rng(3)
    tau = np.geomspace(1e-7, 50.0, 60)[:, None] * 10.0 ** rng.uniform(0.0, 3.0, 200)
    source = (1.0 + np.linspace(0.0, 3.0, 60) ** 2)[:, None] * rng.uniform(1.0, 1.1, 200)
    single = emergent_flux(tau.astype(np.float32), source.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, emergent_flux(tau, source), rtol=5e-6)


def test_source_between_nodes_in_wavelength_is_linear():
    rng = np.random.default_rng(4)
    tau = TAU[:, None] * rng.uniform(0.5, 2.0, 9)
    source = np.linspace(1.0, 4.0, 60)[:, None] * [1.0, 1.3]
    share = np.stack([np.linspace(1.0, 0.0, 9), np.linspace(0.0, 1.0, 9)])
    np.testing.assert_allclose(emergent_flux(tau, source, share), emergent_flux(tau, source @ share), rtol=1e-12)


@pytest.mark.parametrize("n_depths", [3, 60])
def test_eddington_barbier(n_depths):
    tau = np.geomspace(1e-8, 100.0, n_depths)[:, None]
    a, b = 2.0, 3.0
    np.testing.assert_allclose(emergent_flux(tau, a + b * tau), np.pi * (a + 2.0 / 3.0 * b), rtol=2e-4)


def test_very_opaque_atmosphere_shines_with_its_surface():
    tau = optical_depth(np.full((60, 2), [1.0, 1e9]), TAU)
    source = np.repeat(np.linspace(1.0, 5.0, 60)[:, None], 2, axis=1)
    flux = emergent_flux(tau, source)
    assert flux[1] == pytest.approx(np.pi * source[0, 1], rel=1e-4)
    assert flux[0] > flux[1]
