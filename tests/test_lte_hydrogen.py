"""Physics of hydrogen: occupation probabilities, Stark profiles, Paschen lines and their limit. Runs anywhere."""

from dataclasses import replace

import numpy as np
import pytest

from gravispec.spectra.lte.atmosphere import depth_scale, model_atmosphere
from gravispec.spectra.lte.constants import BOLTZMANN
from gravispec.spectra.lte.elements import abundances
from gravispec.spectra.lte.eos import solve_gas
from gravispec.spectra.lte.hydrogen_lines import (
    PASCHEN_LIMIT,
    dissolved_share,
    gaunt_factor,
    line_centres,
    line_grid,
    occupation_probability,
    paschen_lines,
    stark_profile,
)
from gravispec.spectra.lte.lines import load_lines
from gravispec.spectra.lte.opacity import continuous_opacity, hydrogen
from gravispec.spectra.lte.synthesis import synthesize

TAU = depth_scale()
HOT_GIANT = (6000.0, 2.0, -1.0)
CENTRES = dict(zip(range(10, 41), line_centres(), strict=True))


def gas_at(T, P_gas):
    return solve_gas(np.atleast_1d(T), np.atleast_1d(P_gas), abundances(0.0))


def hydrogen_only(labels, wave):
    flux, continuum = synthesize(*labels, wave=wave, line_list=load_lines().iloc[:0])
    return flux / continuum


def n_e(gas):
    return gas.P_e / (BOLTZMANN * gas.T)


# --- level dissolution ---------------------------------------------------------------------------------------------


def test_occupation_probability_falls_with_level_and_density():
    gas = gas_at([6000.0, 6000.0, 6000.0], [1e2, 1e4, 1e6])
    w = occupation_probability(gas, np.arange(4.0, 40.0))
    assert ((w >= 0) & (w <= 1)).all()
    assert (np.diff(w, axis=1) <= 0).all()
    assert (np.diff(w, axis=0) <= 0).all()
    assert w[0, 0] > 0.999
    assert w[2, -1] < 1e-6


@pytest.mark.parametrize("density", [1e12, 1e13, 1e14])
def test_last_level_is_that_of_inglis_and_teller(density):
    # Inglis & Teller 1939: log n_e = 23.26 - 7.5 log n_max, where Stark widths reach the distance of the lines
    gas = gas_at(9000.0, 1e3)
    charges = replace(gas, P_e=np.array([density * BOLTZMANN * 9000.0]), n_HI=np.zeros(1), n_H=np.zeros(1))
    level = np.linspace(4.0, 60.0, 1000)
    half = level[np.abs(occupation_probability(charges, level)[0] - 0.5).argmin()]
    assert half == pytest.approx(10 ** ((23.26 - np.log10(density)) / 7.5), rel=0.15)


def test_neutral_atoms_are_hard_spheres():
    gas = gas_at(4000.0, 1e5)
    few = replace(gas, P_e=np.array([1e-8]))  # hardly a charge
    w = occupation_probability(few, np.array([15.0]))[0, 0]
    volume = 4.0 / 3.0 * np.pi * (np.sqrt(2.5) * 15.0**2 * 0.529e-8) ** 3  # <r^2> = 5/2 n^4 for s states
    assert np.log(w) == pytest.approx(-volume * (gas.n_HI[0] + 0.085 * gas.n_H[0]), rel=0.05)


# --- lines ---------------------------------------------------------------------------------------------------------


def test_oscillator_strengths_of_the_paschen_series():
    # Wiese, Smith & Glennon 1966 (NSRDS-NBS 4): 3-8, 3-9, 3-10
    for level, published in ((8, 0.01603), (9, 0.01023), (10, 0.006980)):
        energy = 1.0 / 9.0 - 1.0 / level**2
        kramers = 32.0 / (3.0 * np.sqrt(3.0) * np.pi) / 3**5 / level**3 / energy**3
        assert kramers * gaunt_factor(energy, 3) == pytest.approx(published, rel=0.02)


def test_gaunt_factor_at_the_limit():
    assert gaunt_factor(1.0 / 9.0, 3) == pytest.approx(0.9075, rel=0.02)  # Karzas & Latter 1961
    assert gaunt_factor(1.0 / 4.0, 2) == pytest.approx(0.8761, rel=0.02)


@pytest.mark.parametrize("doppler", [0.01, 0.5, 3.0, 10.0, 50.0])
def test_stark_profile_is_the_convolution_of_holtsmark_wings_and_a_doppler_core(doppler):
    beta = np.linspace(-2000.0, 2000.0, 200001)
    step = beta[1] - beta[0]
    profile = stark_profile(beta, np.float64(doppler))
    static = stark_profile(beta, np.float64(1e-9))
    assert np.trapezoid(static, beta) == pytest.approx(1.0, abs=1e-3)
    assert np.trapezoid(profile, beta) == pytest.approx(1.0, abs=1e-3)
    core = np.exp(-((beta / max(doppler, step)) ** 2))
    convolution = np.fft.irfft(np.fft.rfft(static) * np.fft.rfft(np.fft.ifftshift(core / core.sum())), beta.size)
    assert np.abs(profile - convolution).sum() * step < 0.03
    wing = np.array([2000.0, 4000.0])
    np.testing.assert_allclose(stark_profile(wing, np.float64(doppler)), 3.0 * wing**-2.5, rtol=0.02)


def test_doppler_limit():
    beta = np.linspace(-3e4, 3e4, 601)
    gauss = np.exp(-((beta / 1e4) ** 2)) / (np.sqrt(np.pi) * 1e4)
    np.testing.assert_allclose(stark_profile(beta, np.float64(1e4)), gauss, atol=1e-3 * gauss.max())


def test_line_opacity_holds_the_oscillator_strength():
    gas = gas_at([5500.0, 6500.0], [1e3, 1e4])
    wave = np.arange(8210.0, 9000.0, 0.02)
    one = wave[np.abs(wave - CENTRES[13]) < 20.0]
    lines = paschen_lines(gas, 2.0, wave)[:, np.isin(wave, one)]
    level_3 = 9.0 * gas.n_HI * np.exp(-12.087 / (8.617333e-5 * gas.T))
    stimulated = -np.expm1(-1.438777e8 / (CENTRES[13] * gas.T))
    w = occupation_probability(gas, np.array([13.0]))[:, 0]
    area = 8.8528e-13 * (CENTRES[13] * 1e-8) ** 2 * 0.002796 * 1e8 * level_3 * stimulated * w
    np.testing.assert_allclose(np.trapezoid(lines, one, axis=1), area, rtol=0.05)  # the neighbours' wings are small


def test_wavelengths_of_the_lines():
    for level, published in ((11, 8865.22), (12, 8752.88), (14, 8600.75), (20, 8394.70)):  # NIST, vacuum
        assert CENTRES[level] == pytest.approx(published, abs=0.06)


def test_the_grid_of_the_lines_is_fine_enough():
    gas = model_atmosphere(*HOT_GIANT, 0.0, 0.0, 0.0, TAU)
    wave = np.arange(8300.0, 8870.0, 0.05)
    grid = line_grid()
    exact = paschen_lines(gas, 2.0, wave)
    coarse = paschen_lines(gas, 2.0, grid)
    continuum = continuous_opacity(gas, np.array([8500.0]))
    forming = (TAU > 0.03) & (TAU < 3.0)
    error = (np.stack([np.interp(wave, grid, row) for row in coarse]) - exact) / (exact + continuum)
    assert np.abs(error[forming]).max() < 0.08
    assert np.sqrt((error[forming] ** 2).mean()) < 0.003


def test_lines_that_do_not_matter_are_left_out():
    gas = model_atmosphere(4500.0, 4.5, 0.5, 0.0, 0.0, 0.0, TAU)
    wave = np.arange(8150.0, 8870.0, 1.0)
    least = np.where(TAU < 3.0, 1e-4, np.inf) * continuous_opacity(gas, np.array([8500.0]))[:, 0]
    every, some = paschen_lines(gas, 2.0, wave), paschen_lines(gas, 2.0, wave, least)
    assert (some > 0.0).any()
    assert (some < every).any()
    assert (every - some <= 31 * least[:, None]).all()


# --- limit of the series -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("labels", [(6500.0, 0.5, -3.0), HOT_GIANT, (6000.0, 4.0, 0.0), (5000.0, 3.0, -1.0)])
def test_lines_merge_into_the_continuum_without_a_step(labels):
    gas = model_atmosphere(*labels, 0.0, 0.0, 0.0, TAU)
    wave = np.array([PASCHEN_LIMIT - 1e-3, PASCHEN_LIMIT + 1e-3])
    opacity = continuous_opacity(gas, wave) + paschen_lines(gas, 2.0, wave)
    np.testing.assert_allclose(opacity[:, 0], opacity[:, 1], rtol=2e-3)


def test_the_jump_lies_redward_of_the_limit_and_moves_with_density():
    wave = np.arange(8150.0, 8800.0, 5.0)
    middle = []
    for density in (1e12, 1e13, 1e14):
        gas = gas_at(7000.0, 1e3)
        gas = replace(gas, P_e=np.array([density * BOLTZMANN * 7000.0]))
        share = dissolved_share(gas, wave)[0]
        assert (share[wave < PASCHEN_LIMIT] == 1.0).all()
        assert (np.diff(share) <= 0).all()
        middle.append(wave[np.abs(share - 0.5).argmin()])
    assert PASCHEN_LIMIT < middle[0] < middle[1] < middle[2]
    assert middle[0] < 8340.0


def test_size_of_the_jump():
    # Kramers: without level 3, what absorbs are the levels beyond it and free-free
    gas = gas_at(7000.0, 1e2)
    before, after = hydrogen(gas, np.array([8200.0, 8850.0]))[0] / np.array([8200.0, 8850.0]) ** 3
    kT = 8.617333e-5 * 7000.0
    level_3 = 0.917 * np.exp(-12.087 / kT) / 27.0
    others = sum(np.exp(-13.598 * (1 - 1 / n**2) / kT) / n**3 for n in range(4, 200)) + 0.5 * kT / 13.598 * np.exp(
        -13.598 / kT
    )
    assert before / after == pytest.approx(1.0 + level_3 / others, rel=0.06)


# --- what a spectrum shows -----------------------------------------------------------------------------------------


def depths(labels):
    return 1.0 - hydrogen_only(labels, np.array(sorted(CENTRES[n] for n in range(11, 21))))[::-1]  # P11 to P20


def test_lines_grow_with_temperature():
    P12 = [depths((T_eff, 2.0, -1.0))[1] for T_eff in (4500.0, 5000.0, 5500.0, 6000.0)]
    assert (np.diff(P12) > 0).all()
    assert P12[0] < 0.15 * P12[-1]
    assert P12[-1] > 0.15


def test_low_gravity_makes_lines_narrow_and_the_series_long():
    giant, dwarf = depths((6000.0, 1.0, -1.0)), depths((6000.0, 4.5, -1.0))
    assert giant[8] / giant[0] > 0.2  # P19 over P11
    assert dwarf[8] / dwarf[0] < 0.02
    wave = np.arange(8700.0, 8810.0, 0.2)
    width = []
    for log_g in (1.0, 4.5):
        depth = 1.0 - hydrogen_only((6000.0, log_g, -1.0), wave)
        width.append(np.trapezoid(depth, wave) / depth.max())
    assert width[1] > 1.5 * width[0]
