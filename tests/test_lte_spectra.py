"""Physics of the spectrum: line profiles and strengths, gravity response, the whole synthesis. Runs anywhere."""

import numpy as np
import pytest
from scipy.special import wofz

from gravispec.errors import InputError
from gravispec.spectra.lte import synthesis
from gravispec.spectra.lte.atmosphere import (
    depth_scale,
    hydrostatic_gas,
    model_atmosphere,
    temperature,
)
from gravispec.spectra.lte.chemistry import equilibrium
from gravispec.spectra.lte.constants import (
    BOLTZMANN,
    ELECTRON_VOLT,
    LIGHT_SPEED,
    PLANCK,
)
from gravispec.spectra.lte.elements import abundances, load_elements
from gravispec.spectra.lte.eos import solve_gas
from gravispec.spectra.lte.lines import LineProfiles, half_windows, line_opacity, line_profiles, load_lines
from gravispec.spectra.lte.opacity import continuous_opacity
from gravispec.spectra.lte.synthesis import columns, interpolate, smooth_grid, synthesize
from gravispec.spectra.lte.transfer import planck
from gravispec.spectra.lte.voigt import CORE, voigt
from gravispec.spectra.wavelength import air_to_vacuum

TAU = depth_scale()
CA_TRIPLET = (8498.023, 8542.091, 8662.141)  # air


def gas_at(T, P_gas, abundance=None):
    return solve_gas(np.atleast_1d(T), np.atleast_1d(P_gas), abundances(0.0) if abundance is None else abundance)


def lines_at(*waves):
    lines = load_lines()
    return lines[[any(abs(wave - w) < 0.01 for w in waves) for wave in lines["wave_air"]]]


def equivalent_width(labels, line_list, wave, **options):
    flux, _ = synthesize(*labels, wave=wave, line_list=line_list, bands=(), **options)
    without, _ = synthesize(*labels, wave=wave, line_list=line_list.iloc[:0], bands=(), **options)  # leaves hydrogen
    return np.trapezoid(1.0 - flux / without, wave)


# --- lines ---------------------------------------------------------------------------------------------------------


def test_voigt_function_against_scipy():
    a, v = np.meshgrid(np.geomspace(1e-3, 1.0, 7), np.linspace(-CORE, CORE, 300), indexing="ij")
    H = voigt(a.astype(np.float32), v.astype(np.float32))
    assert H.dtype == np.float32
    np.testing.assert_allclose(H, wofz(v + 1j * a).real, atol=1e-5)


@pytest.mark.parametrize("damping", [1e-3, 0.01, 0.1, 0.5])
def test_core_and_wings_of_a_line_against_scipy(damping):
    """Wings begin at `CORE` Doppler widths of the depth that has the largest."""
    wave = np.arange(8500.0, 8540.0, 0.013)
    doppler = np.array([[0.05, 0.06, 0.08]])
    profiles = LineProfiles(np.array([8520.0]), doppler, doppler, np.full_like(doppler, damping))
    opacity = line_opacity(profiles, np.array([15.0]), wave)
    v = (wave - 8520.0) / doppler.T
    expected = wofz(v + 1j * damping).real / np.sqrt(np.pi) * (np.abs(wave - 8520.0) <= 15.0)
    np.testing.assert_allclose(opacity, expected, rtol=0.01, atol=5e-6)
    far = np.abs(wave - 8520.0) > CORE * doppler.max()
    np.testing.assert_allclose(opacity[:, far], expected[:, far], rtol=0.004)


def test_line_opacity_integrates_to_its_strength():
    gas = gas_at([4500.0, 6500.0], [1e4, 1e5])
    wave = np.arange(8350.0, 8750.0, 0.01)
    profiles = line_profiles(lines_at(8542.091), gas, 2.0)
    opacity = line_opacity(profiles, np.array([150.0]), wave)
    np.testing.assert_allclose(np.trapezoid(opacity, wave, axis=1), profiles.strength[0], rtol=2e-3)


def test_strength_from_oscillator_strength():
    gas = gas_at(5000.0, 1e5)
    line = lines_at(8542.091)
    Ca = load_elements().names.index("Ca")
    n_CaII = gas.n_H * gas.abundance[Ca] * gas.ionised[Ca]
    lower = n_CaII * 10**-0.463 / gas.partition[Ca, 1] * np.exp(-1.700 * ELECTRON_VOLT / (BOLTZMANN * 5000.0))
    cm = air_to_vacuum(8542.091) * 1e-8
    stimulated = -np.expm1(-PLANCK * LIGHT_SPEED / (cm * BOLTZMANN * 5000.0))
    expected = 8.8528e-13 * cm**2 * lower * stimulated * 1e8  # pi e^2 / (m c^2) in cm
    np.testing.assert_allclose(line_profiles(line, gas, 1.0).strength[0], expected, rtol=1e-3)


def test_window_shrinks_with_the_line():
    gas = hydrostatic_gas(temperature(5000.0, 4.0, 0.0, TAU), 4.0, abundances(0.0), TAU)
    profiles = line_profiles(load_lines(), gas, 2.0)
    continuum = np.repeat(continuous_opacity(gas, np.array([8000.0])).T, len(load_lines()), axis=0)
    half = half_windows(profiles, continuum, np.broadcast_to(TAU, continuum.shape))
    strongest = load_lines()["wave_air"].to_numpy()[np.argsort(half)[-2:]]
    assert set(strongest) == {8542.091, 8662.141}
    assert np.median(half) < 1.0
    assert half.max() > 50.0


def test_curve_of_growth_is_linear_for_weak_and_a_square_root_for_damped_lines():
    sun, wave = (5777.0, 4.44, 0.0), np.arange(8300.0, 8790.0, 0.05)
    weak = lines_at(8542.091).assign(species="Fe I", E_low=4.5, log_gf=-3.5)
    assert 0 < equivalent_width(sun, weak, wave) < 5e-3
    double = equivalent_width(sun, weak.assign(log_gf=-3.5 + np.log10(2.0)), wave)
    assert double / equivalent_width(sun, weak, wave) == pytest.approx(2.0, rel=0.02)
    strong = lines_at(8542.091)
    quadruple = equivalent_width(sun, strong.assign(log_gf=strong["log_gf"] + np.log10(4.0)), wave)
    assert quadruple / equivalent_width(sun, strong, wave) == pytest.approx(2.0, rel=0.08)


@pytest.mark.parametrize(("line", "independent"), list(zip(CA_TRIPLET, (1.33, 3.46, 2.65), strict=True)))
def test_solar_calcium_triplet(line, independent):
    # Turbospectrum on an ATLAS9 atmosphere, LTE; observed 1.46, 3.67, 2.60
    wave = np.arange(8400.0, 8780.0, 0.05)
    assert equivalent_width((5777.0, 4.44, 0.0), lines_at(line), wave, v_micro=1.0) == pytest.approx(
        independent, rel=0.10
    )


def window_width(labels, *windows):
    wave = np.arange(8150.0, 8720.0, 0.05)
    flux, continuum = synthesize(*labels, wave=wave)
    inside = np.any([(wave > air_to_vacuum(low)) & (wave < air_to_vacuum(high)) for low, high in windows], axis=0)
    return ((1.0 - flux / continuum) * inside).sum() * 0.05


def test_gravity_response_of_calcium_and_sodium_at_4500_K():
    # Turbospectrum 20 on ATLAS9 atmospheres, blends included; log_g 1 to 5
    triplet = ((8490.0, 8506.0), (8522.0, 8562.0), (8642.0, 8682.0))
    Ca = [window_width((4500.0, log_g, 0.0), *triplet) for log_g in (1, 2, 3, 4, 5)]
    np.testing.assert_allclose(Ca, [19.3, 14.1, 11.2, 10.4, 11.0], rtol=0.12)
    assert Ca[0] > Ca[1] > Ca[2]  # stronger in giants
    assert Ca[4] > Ca[3]  # and wings grow again in dwarfs
    Na = [window_width((4500.0, log_g, 0.0), (8180.0, 8200.0)) for log_g in (1, 2, 3, 4, 5)]
    np.testing.assert_allclose(Na, [2.43, 2.00, 1.70, 1.83, 2.63], rtol=0.12)
    assert min(Na) == Na[2]


def test_wings_are_pressure_broadened_in_dwarfs():
    wave = air_to_vacuum(np.array([8180.0, 8194.82 + 2.5, 8194.82 + 5.0]))
    sodium = lines_at(8194.820)
    depth = []
    for log_g in (3.0, 4.0, 5.0):
        flux, continuum = synthesize(4500.0, log_g, 0.0, wave=wave, line_list=sodium, bands=())
        depth.append(1.0 - (flux / continuum)[1:])
    depth = np.array(depth)
    assert (np.diff(depth, axis=0) > 0).all()
    np.testing.assert_allclose(depth[2, 0] / depth[2, 1], 4.0, rtol=0.15)  # 1 / offset^2


# --- the whole spectrum ----------------------------------------------------------------------------------------------

EDGES = [(T, g, m) for T in (3750.0, 6000.0) for g in (1.0, 5.0) for m in (-2.5, 0.75)]


@pytest.mark.parametrize("labels", EDGES)
def test_edges_of_the_grid_are_finite_and_in_absorption(labels):
    wave = np.arange(8400.0, 8700.0, 0.05)
    flux, continuum = synthesize(*labels, wave=wave)
    assert np.isfinite(flux).all()
    assert (flux > 0).all()
    assert (flux < continuum * (1 + 1e-5)).all()
    assert 0.5 < continuum.mean() / (np.pi * planck(np.array([8550.0]), np.array([labels[0]]))[0, 0]) < 1.5


def test_labels_do_what_they_say():
    wave = np.arange(7100.0, 8800.0, 0.1)
    base = synthesize(4800.0, 2.5, -1.0, wave=wave, bands=())
    norm = base[0] / base[1]
    for change in ({"a_M": 0.4}, {"v_micro": 3.0}):
        flux, continuum = synthesize(4800.0, 2.5, -1.0, wave=wave, bands=(), **change)
        assert (flux / continuum).mean() < norm.mean() - 1e-3
    carbon = lambda C_M: equivalent_width((6000.0, 4.0, 0.0), lines_at(8335.144), wave, C_M=C_M)  # noqa: E731
    assert carbon(0.4) > 1.2 * carbon(0.0) > 0.0


def test_nitrogen_makes_cn_and_nothing_else():
    """The density of CN goes with that of N where N is free, with its root where it is N2. No other lines."""
    wave = np.arange(7950.0, 8050.0, 0.05)
    for T_eff, power in ((6500.0, 1.0), (3750.0, 0.5)):
        atmospheres = (model_atmosphere(T_eff, 2.5, 0.0, 0.0, 0.0, N_M, TAU) for N_M in (0.0, 0.3))
        poor, rich = (equilibrium(gas)[1]["CN"][20:40] for gas in atmospheres)
        np.testing.assert_allclose(rich / poor, 10 ** (0.3 * power), rtol=0.05)
    flux = {N_M: synthesize(4800.0, 2.5, 0.0, N_M=N_M, wave=wave) for N_M in (0.0, 0.3)}
    depth = [1 - (flux[N_M][0] / flux[N_M][1]).mean() for N_M in flux]
    assert depth[1] > depth[0] + 0.01
    without = [synthesize(4800.0, 2.5, 0.0, N_M=N_M, wave=wave, bands=())[0] for N_M in flux]
    np.testing.assert_allclose(without[1], without[0], rtol=2e-4)


def test_no_lines_leave_the_continuum():
    wave = np.arange(8000.0, 8300.0, 0.5)
    flux, continuum = synthesize(5000.0, 3.0, 0.0, wave=wave, line_list=load_lines().iloc[:0], bands=())
    np.testing.assert_allclose(flux, continuum, rtol=1e-4)


def test_interpolation_is_that_of_numpy_beyond_the_ends_too():
    rng = np.random.default_rng(1)
    x, table = np.sort(rng.random(9)), rng.random((3, 9))
    at = np.sort(np.concatenate([np.linspace(-0.5, 1.5, 40), x]))
    np.testing.assert_allclose(interpolate(x, table, at), [np.interp(at, x, row) for row in table], rtol=1e-13)


def test_weights_of_the_nodes_are_those_of_linear_interpolation():
    wave = np.arange(7080.0, 8875.0, 0.7)
    smooth = smooth_grid()
    table = np.sin(smooth / 30.0)
    flux = np.empty(wave.size)
    for part, at, nodes, share in columns(wave.tobytes(), 100, None):
        np.testing.assert_array_equal(at, wave[part])
        flux[part] = table[nodes] @ share
    np.testing.assert_allclose(flux, np.interp(wave, smooth, table), atol=1e-6)


@pytest.mark.parametrize("labels", [(6000.0, 1.0, 0.0), (6000.0, 4.5, 0.0), (3750.0, 4.5, 0.0)])
def test_what_is_left_out_is_not_seen(labels, monkeypatch):
    wave = np.arange(8200.0, 8700.0, 0.05)
    flux, _ = synthesize(*labels, wave=wave)
    monkeypatch.setattr(synthesis, "DEEPEST", np.inf)
    monkeypatch.setattr(synthesis, "PASCHEN_CUTOFF", 0.0)
    every, _ = synthesize(*labels, wave=wave)
    assert np.abs(flux / every - 1.0).mean() < 1e-5
    np.testing.assert_allclose(flux, every, rtol=3e-4)  # rounding of the Voigt function, as between devices


def test_a_part_of_the_range_is_the_same_as_the_whole():
    wave = 0.05 * np.arange(157000, 166001)
    whole, _ = synthesize(5000.0, 3.0, 0.0, wave=wave)
    part, _ = synthesize(5000.0, 3.0, 0.0, wave=wave[4000:6000])
    np.testing.assert_allclose(part, whole[4000:6000], rtol=1e-5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"T_eff": 9000.0}, "T_eff"),
        ({"log_g": -1.0}, "log_g"),
        ({"M_H": float("nan")}, "M_H"),
        ({"a_M": 3.0}, "a_M"),
        ({"v_micro": -1.0}, "v_micro"),
        ({"wave": np.array([8000.0, 7999.0])}, "wave"),
        ({"wave": np.array([6000.0, 6001.0])}, "wave"),
        ({"line_list": load_lines().head(1).assign(species="Xx I")}, "Xx I"),
    ],
)
def test_bad_input(changes, message):
    good = {"T_eff": 5000.0, "log_g": 3.0, "M_H": 0.0, "wave": np.array([8000.0, 8000.1])}
    with pytest.raises(InputError, match=message):
        synthesize(**(good | changes))
