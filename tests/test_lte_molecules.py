"""Molecules: dissociation equilibrium, line positions and strengths, bands. Runs anywhere.

Depths: an independent synthesis (Turbospectrum 20 on ATLAS9 atmospheres, in LTE) with one molecule at a time.
"""

import numpy as np
import pytest

from gravispec.spectra.lte.bands import (
    LOG_STEP,
    THETA_NODES,
    WAVE_GRID,
    band_opacity,
    cross_sections,
    load_bands,
    molecular_lines,
    peak_opacity,
    speed_nodes,
)
from gravispec.spectra.lte.chemistry import dissociation_constant, equilibrium
from gravispec.spectra.lte.constants import BOLTZMANN, ELECTRON_CHARGE, ELECTRON_MASS, LIGHT_SPEED
from gravispec.spectra.lte.elements import abundances, load_elements, partition_functions
from gravispec.spectra.lte.eos import solve_gas
from gravispec.spectra.lte.lines import load_lines
from gravispec.spectra.lte.molecules import CM_TO_KELVIN, load_molecules, load_states, partition_function, term
from gravispec.spectra.lte.rotation import band_lines
from gravispec.spectra.lte.synthesis import synthesize
from gravispec.spectra.wavelength import air_to_vacuum

NAMES = load_elements().names


def gas_at(T, P_gas, M_H=0.0, **abundance):
    mixture = abundances(M_H)
    for name, value in abundance.items():
        mixture[NAMES.index(name)] = 10.0 ** (value - 12.0)
    return equilibrium(solve_gas(np.array(T), np.array(P_gas), mixture))


# --- dissociation equilibrium --------------------------------------------------------------------------------------


@pytest.mark.parametrize("M_H", [-2.5, 0.0, 0.75])
def test_equilibrium_conserves_the_nuclei_and_obeys_the_law_of_mass_action(M_H):
    gas, density = gas_at([1800.0, 2600.0, 3500.0, 5000.0, 9000.0], [1e6, 1e2, 1e5, 1e3, 1e5], M_H)
    for name in ("C", "N", "O", "Si", "Ti"):
        i = NAMES.index(name)
        bound = sum(n * load_molecules()["atoms"][m].count(name) for m, n in density.items())
        np.testing.assert_allclose(gas.free[i] + bound / (gas.n_H * gas.abundance[i]), 1.0, rtol=1e-7)
    neutral = gas.n_H * gas.abundance[:, None] * gas.free * (1.0 - gas.ionised)
    K = dissociation_constant("TiO", gas.T, gas.partition[:, 0])
    product = neutral[NAMES.index("Ti")] * neutral[NAMES.index("O")]
    np.testing.assert_allclose(product / density["TiO"], K, rtol=1e-7)


def test_carbon_is_in_carbon_monoxide_when_cool_and_free_when_hot():
    gas, density = gas_at([2800.0, 7000.0], [1e4, 1e4])
    C = NAMES.index("C")
    assert density["CO"][0] / (gas.n_H[0] * gas.abundance[C]) > 0.999
    assert gas.free[C, 1] > 0.999
    assert (gas.free > 0).all()
    assert (gas.free <= 1 + 1e-9).all()


def test_partial_pressures_of_a_published_model():
    # MARCS 4000/4.5/0 (Gustafsson et al. 2008): log10 of pressures in dyn cm-2 at five depths, its abundances
    abundance = {"C": 8.39, "N": 7.78, "O": 8.66, "Si": 7.51, "Ti": 4.90, "Mg": 7.53, "Fe": 7.45, "Na": 6.17}
    gas, density = gas_at(
        [3059.9, 3324.2, 3659.7, 4393.1, 5096.1], [2.054e3, 2.756e4, 1.034e5, 2.862e5, 4.065e5], **abundance
    )
    np.testing.assert_allclose(gas.P_e, [1.024e-2, 1.319e-1, 6.812e-1, 6.074, 21.61], rtol=0.05)
    published = {
        "CO": ([-0.31, 0.84, 1.41, 1.80, 1.59], 0.02),
        "N2": ([-1.24, -0.09, 0.44, 0.43, -0.55], 0.02),
        "TiO": ([-5.30, -3.98, -3.88, -5.08, -6.32], 0.02),
        "OH": ([-1.55, -0.01, 0.54, 0.47, 0.24], 0.03),
        "SiO": ([-1.34, -0.19, 0.12, -0.71, -1.65], 0.05),
        "H2O": ([-2.40, -0.47, -0.08, -0.91, -1.82], 0.08),
        "CN": ([-6.94, -5.18, -3.79, -1.99, -1.71], 0.08),  # another dissociation energy
    }
    for name, (expected, tolerance) in published.items():
        np.testing.assert_allclose(np.log10(density[name] * BOLTZMANN * gas.T), expected, atol=tolerance, err_msg=name)


def test_partition_function_is_the_sum_over_levels():
    T = np.array([2500.0, 5000.0])
    CO = load_states()["CO"]["X"]
    J = np.arange(300)
    levels = np.array([[term("CO", "X", v) + CO.rotation(v)[0] * j * (j + 1) for j in J] for v in range(30)])
    naive = [((2 * J + 1) * np.exp(-CM_TO_KELVIN * levels / t)).sum() for t in T]
    np.testing.assert_allclose(partition_function("CO", T), naive, rtol=2e-3)
    # N2 + heat = 2 N: JANAF tables (Chase 1998), Gibbs energy of formation of N at 5000 K, 146.5 kJ/mol
    K = dissociation_constant("N2", np.array([5000.0]), partition_functions(np.array([5000.0]))[:, 0])
    log_bar = np.log10(K[0] * BOLTZMANN * 5000.0 / 1e6)
    assert log_bar == pytest.approx(-2 * 146.5e3 / (np.log(10.0) * 8.3145 * 5000.0), abs=0.15)


# --- lines -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("band", "rho"), [(("CN", "A", "X", 2, 0), 1.0), (("TiO", "A", "X", 0, 1), 0.99)])
def test_strengths_of_the_lines_from_a_level_add_up_to_its_degeneracy(band, rho):
    lines = band_lines(*band, 25, rho)
    degeneracy = lines.strength.sum()
    multiplicity, Lambda = load_states()[band[0]][band[2]].multiplicity, load_states()[band[0]][band[2]].Lambda
    S = (multiplicity - 1) / 2
    J = np.arange(0.5 if multiplicity == 2 else 0.0, 25)
    expected = sum(
        (2 * j + 1) * (1 if Lambda == 0 else 2) * (2 if Lambda == 0 else (s <= j))
        for j in J
        for s in ([0] if Lambda == 0 else Lambda + S - np.arange(multiplicity))
    )
    assert degeneracy == pytest.approx(expected, rel=1e-6)


def test_lines_of_cyanogen_are_where_they_were_measured():
    # Brooke et al. 2014 (ApJS 210, 23), through linemake: v', v", air wavelength (A), E_low (eV), log gf
    published = [
        (2, 0, 7880.383, 0.003, -2.786),
        (2, 0, 7887.762, 0.064, -2.172),
        (2, 0, 8273.510, 0.616, -1.350),
        (3, 1, 8276.797, 0.544, -1.344),
        (4, 2, 8278.053, 0.539, -2.199),
        (4, 1, 7187.518, 0.404, -1.735),
        (5, 2, 7881.119, 1.334, -1.549),
        (5, 3, 8749.181, 0.975, -1.968),
        (3, 0, 7187.122, 0.482, -1.825),
    ]
    eV = 8065.544
    f = {
        (2, 0): 9.1e-4,
        (3, 1): 1.32e-3,
        (4, 2): 1.19e-3,
        (4, 1): 7.7e-4,
        (5, 2): 1.0e-3,
        (5, 3): 7.6e-4,
        (3, 0): 3.4e-4,
    }
    for v_up, v_low, wave, E_low, log_gf in published:
        lines = band_lines("CN", "A", "X", v_up, v_low, 90)
        offset = 1e8 / lines.wavenumber - air_to_vacuum(wave)
        excess = np.log10(f[v_up, v_low] * np.maximum(lines.strength, 1e-9)) - log_gf
        same = (np.abs(lines.E_low / eV - E_low) < 1e-3) & (np.abs(excess) < 0.04)  # quantum numbers of the line
        assert np.abs(offset[same]).min() < 0.3


def test_heads_of_titanium_oxide():
    # Phillips 1973 (ApJS 26, 313), Pearse & Gaydon 1976: air wavelengths of the R heads of the gamma system
    heads = {(0, 0): (7054.2, 7087.6, 7125.6), (0, 1): (7589.3, 7627.9, 7671.9)}
    for (v_up, v_low), waves in heads.items():
        lines = band_lines("TiO", "A", "X", v_up, v_low, 60)
        wave = 1e8 / lines.wavenumber
        strong = np.sort(wave[lines.strength > 5.0])
        for head in air_to_vacuum(np.array(waves)):
            crowd = [np.sum((strong > head + low) & (strong < head + low + 2.0)) for low in (-2.4, -0.4)]
            assert crowd[1] > 5 * crowd[0]  # lines crowd just redward of the head


def morse_vectors(state, n, mu, r):
    """Lowest `n` vibrational states on the grid `r` (A), by a sinc basis; `mu` in u, energies in cm-1."""
    unit = 16.857629  # hbar^2 / 2 in cm-1 u A^2
    r_e, width = np.sqrt(unit / (mu * state.Be)), np.sqrt(state.wexe * mu / unit)
    potential = state.we**2 / (4.0 * state.wexe) * (1.0 - np.exp(-width * (r - r_e))) ** 2
    distance = np.subtract.outer(np.arange(r.size), np.arange(r.size))
    kinetic = np.where(distance == 0, np.pi**2 / 3.0, 2.0 * (-1.0) ** distance / np.maximum(np.abs(distance), 1) ** 2)
    return np.linalg.eigh(unit / mu / (r[1] - r[0]) ** 2 * kinetic + np.diag(potential))[1][:, :n]


@pytest.mark.parametrize(("upper", "lower", "electronic"), [("A", "X", 0.0786), ("b", "a", 0.0190), ("E", "X", 0.0023)])
def test_oscillator_strengths_are_those_of_morse_potentials(upper, lower, electronic):
    states, mu = load_states()["TiO"], 47.947946 * 15.994915 / (47.947946 + 15.994915)
    r = np.linspace(1.25, 2.3, 260)
    vectors = [morse_vectors(states[name], 7, mu, r) for name in (upper, lower)]
    franck_condon = (vectors[0].T @ vectors[1]) ** 2
    origin = term("TiO", upper, 0) - term("TiO", lower, 0)
    bands = load_bands().query("molecule == 'TiO' and upper == @upper and lower == @lower")
    for band in bands.itertuples():
        wavenumber = term("TiO", upper, band.v_up) - term("TiO", lower, band.v_low)
        expected = electronic * franck_condon[band.v_up, band.v_low] * wavenumber / origin
        assert band.f == pytest.approx(expected, rel=0.02)


def test_cross_section_integrates_to_the_strengths():
    lines = molecular_lines("CN")
    T = 5040.0 / THETA_NODES[8]
    classical = np.pi * ELECTRON_CHARGE**2 / (ELECTRON_MASS * LIGHT_SPEED**2)
    factor = np.exp(-lines.E_low * CM_TO_KELVIN / T) * -np.expm1(-CM_TO_KELVIN * 1e8 / (lines.wave * T))
    Q = partition_function("CN", np.array([T]))[0]
    expected = (classical * (1e-8 * lines.wave) ** 2 * lines.gf * factor).sum() * 1e8 / Q
    wave = np.arange(7062.0, 8893.0, 0.01)
    one = band_opacity("CN", np.ones(1), np.array([T]), wave, 2.0)[0]
    assert np.trapezoid(one, wave) == pytest.approx(float(expected), rel=5e-3)


def test_table_of_cross_sections_is_fine_enough():
    wave = np.arange(7100.0, 7200.0, 0.05)
    node = (cross_sections("TiO", 2.0)[[10, 12]]).sum(axis=0)
    assert np.isfinite(node).all()
    T = 5040.0 / np.array([THETA_NODES[10], THETA_NODES[11], THETA_NODES[12]])
    at_nodes = band_opacity("TiO", np.ones(3), T, wave, 2.0)
    between = np.exp(0.5 * (np.log(at_nodes[0]) + np.log(at_nodes[2])))
    np.testing.assert_allclose(at_nodes[1].mean(), between.mean(), rtol=0.02)
    assert (peak_opacity("TiO", np.ones(3), T, 2.0) >= at_nodes.max(axis=1)).all()


@pytest.mark.parametrize("v_micro", [0.0, 2.0])
def test_nodes_in_microturbulence_need_no_interpolation(v_micro):
    assert speed_nodes(v_micro) == ([v_micro], [1.0])


@pytest.mark.parametrize("molecule", ["TiO", "CN"])
@pytest.mark.parametrize("v_micro", [0.3, 0.9, 1.4, 2.7, 5.0])
def test_cross_sections_between_the_microturbulences_of_the_tables(molecule, v_micro):
    nodes, weights = speed_nodes(v_micro)
    assert nodes[0] < v_micro < nodes[-1]
    assert sum(weights) == pytest.approx(1.0)
    T = 5040.0 / THETA_NODES[[6, 10]]
    wave = 0.05 * np.arange(157000, 165000)
    exact = np.stack([np.interp(wave, grid_of(row), row) for row in cross_sections(molecule, v_micro)[[6, 10]]])
    error = (band_opacity(molecule, np.ones(2), T, wave, v_micro) - exact) / exact.mean(axis=1, keepdims=True)
    assert np.sqrt((error**2).mean()) < 2e-3
    assert np.abs(error.reshape(2, -1, 40).mean(axis=2)).max() < 1e-3  # 2 Angstrom, as an instrument sees it
    assert (peak_opacity(molecule, np.ones(2), T, v_micro) >= exact.max(axis=1)).all()


def grid_of(row):
    return WAVE_GRID[0] * np.exp(LOG_STEP * np.arange(row.size))


# --- bands in spectra -----------------------------------------------------------------------------------------


WINDOWS = {"TiO": ((7126, 7250), (7705, 7860)), "CN": ((7860, 8100), (8100, 8200))}


def mean_depths(molecule, labels):
    windows = [np.arange(*air_to_vacuum(np.array(window, dtype=float)), 0.05) for window in WINDOWS[molecule]]
    wave = np.concatenate(windows)
    flux, continuum = synthesize(*labels, wave=wave, line_list=load_lines().iloc[:0], bands=(molecule,))
    return np.array([part.mean() for part in np.split(1.0 - flux / continuum, [windows[0].size])])


@pytest.mark.parametrize(
    ("labels", "TiO", "CN"),
    [
        ((3750.0, 1.0, 0.0), (0.1812, 0.0704), (0.0404, 0.0489)),
        ((3750.0, 4.5, 0.0), (0.2401, 0.1114), (0.0010, 0.0012)),
        ((3750.0, 4.5, -1.0), (0.0232, 0.0075), (0.0006, 0.0007)),
        ((4000.0, 1.5, 0.0), (0.0454, 0.0148), (0.0460, 0.0566)),
        ((4000.0, 4.5, 0.0), (0.1196, 0.0465), (0.0030, 0.0036)),
        ((4000.0, 4.5, -1.0), (0.0055, 0.0018), (0.0011, 0.0013)),
        ((4250.0, 1.5, 0.0), (0.0074, 0.0023), (0.0623, 0.0776)),
        ((4250.0, 4.5, 0.0), (0.0386, 0.0136), (0.0061, 0.0076)),
        ((4286.0, 1.66, -0.52), (0.0013, 0.0004), (0.0344, 0.0424)),
        ((4500.0, 2.0, 0.0), (0.0012, 0.0004), (0.0530, 0.0665)),
        ((4500.0, 4.5, 0.0), (0.0060, 0.0021), (0.0096, 0.0120)),
    ],
)
def test_mean_depths_of_the_bands(labels, TiO, CN):
    np.testing.assert_allclose(mean_depths("TiO", labels), TiO, rtol=0.2, atol=0.0005)
    np.testing.assert_allclose(mean_depths("CN", labels), CN, rtol=0.12, atol=0.0002)


def test_bands_answer_to_gravity_and_metallicity():
    CN = [mean_depths("CN", (4500.0, log_g, 0.0))[1] for log_g in (1.5, 3.0, 4.5)]
    assert CN[0] > CN[1] > CN[2]
    assert CN[0] > 5.0 * CN[2]
    TiO = [mean_depths("TiO", (3750.0, 4.5, M_H))[0] for M_H in (-1.0, 0.0)]
    assert 7.0 < TiO[1] / TiO[0] < 15.0  # published: 10


def test_more_oxygen_means_more_titanium_oxide_and_less_cyanogen():
    wave = np.arange(7130.0, 7250.0, 0.05), np.arange(8110.0, 8200.0, 0.05)
    for molecule, grid, sign in (("TiO", wave[0], 1), ("CN", wave[1], -1)):
        depth = []
        for a_M in (0.0, 0.3):
            flux, continuum = synthesize(
                4000.0, 2.0, 0.0, a_M=a_M, wave=grid, line_list=load_lines().iloc[:0], bands=(molecule,)
            )
            depth.append((1.0 - flux / continuum).mean())
        assert sign * (depth[1] - depth[0]) > 0.1 * depth[0]


def test_hot_stars_have_no_molecules():
    wave = np.arange(7900.0, 7950.0, 0.05)
    with_bands, without = (synthesize(6400.0, 4.0, -2.0, wave=wave, bands=bands)[0] for bands in (("TiO", "CN"), ()))
    np.testing.assert_array_equal(with_bands, without)
