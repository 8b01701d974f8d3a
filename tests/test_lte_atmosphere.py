"""Physics of the gas: equation of state, continuous opacity, atmosphere, radiative transfer. Runs anywhere."""

import numpy as np
import pytest
from scipy.special import expn

from gravispec.spectra.lte.atmosphere import (
    blocked_share,
    continuum_flux,
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
    STEFAN_BOLTZMANN,
)
from gravispec.spectra.lte.elements import abundances, load_elements, partition_functions
from gravispec.spectra.lte.eos import saha, solve_gas
from gravispec.spectra.lte.opacity import continuous_opacity, h_minus_bound_free, h_minus_free_free
from gravispec.spectra.lte.synthesis import synthesize
from gravispec.spectra.lte.transfer import emergent_flux, expn4, optical_depth, planck

TAU = depth_scale()


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
    gas = hydrostatic_gas(temperature(5777.0, TAU), 4.44, abundances(0.0), TAU)
    for column, quantity in ((1, gas.P_gas), (2, gas.P_e)):
        ours = np.exp(np.interp(published[:, 0], np.log10(TAU), np.log(quantity)))
        np.testing.assert_allclose(ours, published[:, column], rtol=0.15)


@pytest.mark.parametrize("labels", [(4500.0, 1.5, 0.0), (5777.0, 4.44, 0.0), (6000.0, 4.0, -2.0)])
def test_hydrostatic_equilibrium(labels):
    tau = depth_scale(240)
    gas = model_atmosphere(*labels, 0.0, 0.0, tau)
    kappa = continuous_opacity(gas, np.array([5000.0]))[:, 0] / gas.density
    gradient = np.gradient(np.log(gas.P_gas), np.log(tau))
    np.testing.assert_allclose(gradient[1:-1], (10.0 ** labels[1] * tau / (kappa * gas.P_gas))[1:-1], rtol=0.005)


@pytest.mark.parametrize("labels", [(3750.0, 5.0, 0.5), (5777.0, 4.44, 0.0), (5000.0, 1.0, -2.5)])
def test_total_flux_is_that_of_T_eff(labels):
    gas = model_atmosphere(*labels, 0.0, 0.0, TAU)
    emitted = continuum_flux(gas, TAU) * (1.0 - blocked_share(labels[2]))
    assert emitted == pytest.approx(STEFAN_BOLTZMANN * labels[0] ** 4, rel=2e-4)


def test_scaled_sun_is_the_sun():
    gas = model_atmosphere(5777.0, 4.44, 0.0, 0.0, 0.0, TAU)
    np.testing.assert_allclose(gas.T, temperature(5777.0, TAU), rtol=0.003)


def test_blocked_share_follows_our_own_atomic_lines():
    wave = np.arange(7110.0, 8840.0, 0.06)
    for T_eff, log_g in ((5777.0, 4.44), (4500.0, 2.0)):
        blocked = []
        for M_H in (-1.0, 0.0):
            flux, continuum = synthesize(T_eff, log_g, M_H, wave=wave, bands=())
            blocked.append((1.0 - flux / continuum).mean())
        slope = np.log10(blocked[1] / blocked[0])
        assert slope == pytest.approx(np.log10(blocked_share(0.0) / blocked_share(-1.0)), abs=0.1)


# --- radiative transfer --------------------------------------------------------------------------------------------


def test_planck_integrates_to_stefan_boltzmann():
    wave = np.geomspace(500.0, 2e6, 3000)
    assert np.pi * np.trapezoid(planck(wave, np.array([5000.0]))[0], wave) == pytest.approx(
        STEFAN_BOLTZMANN * 5000.0**4, rel=1e-4
    )


def test_e4_by_quadrature():
    tau = np.concatenate([[0.0], np.geomspace(1e-6, 30.0, 200)])
    np.testing.assert_allclose(expn4(tau), expn(4, tau), atol=2e-4)


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
