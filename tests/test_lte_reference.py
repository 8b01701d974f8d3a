"""The built-in synthesis against independent spectra (Turbospectrum on ATLAS9 atmospheres)."""

from pathlib import Path

import numpy as np
import pytest

from gravispec.spectra.instrument import fine_wave, observe
from gravispec.spectra.lte.synthesis import synthesize

REFERENCE = Path(__file__).parents[2] / "shared" / "reference" / "reference_spectra.npz"
FWHM = 1.6
FREE_OF_TELLURICS = ((7400.0, 7590.0), (7700.0, 7860.0), (8370.0, 8850.0))  # Angstrom; water absorbs up to 8370
MICROTURBULENCE = {0: 1.0, 1: 1.7}  # km/s by row of the reference; 2.0 elsewhere

pytestmark = pytest.mark.skipif(not REFERENCE.exists(), reason=f"independent spectra are absent: {REFERENCE.name}")


@pytest.fixture(scope="module")
def reference():
    with np.load(REFERENCE) as file:
        return {name: file[name] for name in ("wave_vac", "labels", "norm", "flux", "solar_atlas_norm")}


def observed(labels, wave, v_micro):
    T_eff, log_g, M_H, a_M = map(float, labels)
    fine = fine_wave(wave, FWHM)
    spectra = np.stack(synthesize(T_eff, log_g, M_H, a_M=a_M, v_micro=v_micro, wave=fine))
    flux, continuum = observe(fine, spectra, wave, FWHM)
    return flux / continuum, continuum


@pytest.mark.parametrize(
    ("row", "limit"),
    [
        pytest.param(0, 0.005, id="Sun"),
        pytest.param(1, 0.010, id="Arcturus-like"),
        pytest.param(2, 0.025, id="3750/4.5/0"),
        pytest.param(3, 0.015, id="4000/4.5/0"),
        pytest.param(4, 0.014, id="4500/1.5/0"),
        pytest.param(5, 0.008, id="6000/4.0/0"),
        pytest.param(6, 0.010, id="4250/1.0/-1"),
        pytest.param(7, 0.004, id="5000/3.0/-1"),
        pytest.param(8, 0.002, id="5500/4.5/-1"),
        pytest.param(9, 0.004, id="6000/2.0/-1"),
    ],
)
def test_normalised_flux_and_continuum(reference, row, limit):
    norm, continuum = observed(reference["labels"][row], reference["wave_vac"], MICROTURBULENCE.get(row, 2.0))
    assert np.sqrt(np.mean((norm - reference["norm"][row]) ** 2)) <= limit
    np.testing.assert_allclose(continuum, reference["flux"][row] / reference["norm"][row], rtol=0.04)


def test_the_observed_sun(reference):
    wave = reference["wave_vac"]
    free = np.any([(wave > low) & (wave < high) for low, high in FREE_OF_TELLURICS], axis=0)
    norm, _ = observed(reference["labels"][0], wave, 1.0)
    assert np.sqrt(np.mean((norm - reference["solar_atlas_norm"])[free] ** 2)) <= 0.012


def test_line_cores_lie_on_the_vacuum_pixels(reference):
    wave = reference["wave_vac"]
    norm, _ = observed(reference["labels"][0], wave, 1.0)
    for core in (8500.35, 8544.44, 8664.52):
        near = np.abs(wave - core) < 3.0
        assert wave[near][norm[near].argmin()] == pytest.approx(core, abs=0.43)
        assert wave[near][reference["norm"][0][near].argmin()] == pytest.approx(core, abs=0.43)
