"""The LTE synthesis with PyTorch against the same with NumPy."""

import subprocess
import sys

import numpy as np
import pytest
from scipy.special import wofz

from gravispec.device import host, on_device
from gravispec.spectra.instrument import fine_wave, response
from gravispec.spectra.lte.lines import LineProfiles, line_opacity, load_lines
from gravispec.spectra.lte.synthesis import BANDS, emerge, prepare, synthesize
from gravispec.spectra.lte.transfer import emergent_flux, exponential_integrals, optical_depth

torch = pytest.importorskip("torch")
CUDA = pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU"))
on_devices = pytest.mark.parametrize("device", ["cpu", CUDA])

PIXELS = 7100.2136 + 0.42725 * np.arange(4096)
FWHM = 1.6
STARS = {  # the last has the strongest lines that are narrow, hence the largest rounding
    "TiO dwarf": {"T_eff": 3750.0, "log_g": 4.5, "M_H": 0.0},
    "hot metal-poor star": {"T_eff": 6000.0, "log_g": 4.0, "M_H": -2.5},
    "halo giant": {"T_eff": 4800.0, "log_g": 2.5, "M_H": -1.0, "a_M": 0.4, "C_M": -0.3},
    "metal-rich giant": {"T_eff": 3750.0, "log_g": 1.0, "M_H": 0.75, "v_micro": 1.0},
}


@pytest.fixture(scope="module")
def fine():
    return fine_wave(PIXELS, FWHM)


@pytest.fixture(scope="module")
def instrument(fine):
    return response(fine, PIXELS, FWHM)


@pytest.fixture(scope="module")
def dwarf():
    """A dwarf whose lines and bands are seen all over the range."""
    return prepare(4000.0, 4.5, 0.25, 0.0, 0.0, 0.0, 2.0, lines=load_lines(), bands=BANDS)


@on_devices
@pytest.mark.parametrize("star", STARS.values(), ids=STARS)
def test_spectrum_is_that_of_numpy(star, device, fine, instrument):
    flux, continuum = synthesize(**star, wave=fine)
    ours, our_continuum = synthesize(**star, wave=fine, device=device)
    assert isinstance(ours, np.ndarray)
    assert ours.dtype == flux.dtype
    np.testing.assert_array_equal(our_continuum, continuum)
    np.testing.assert_allclose(instrument @ ours, instrument @ flux, rtol=1e-5)
    # Before the instrument, single precision of `voigt` shows on the flanks of strong lines, with NumPy as well.
    np.testing.assert_allclose(ours, flux, rtol=2e-4)
    assert np.abs(ours / flux - 1.0).mean() < 1e-6


@pytest.mark.parametrize("device", [None, "cpu", CUDA])
def test_chunks_do_not_matter(device, dwarf):
    wave = 0.05 * np.arange(170000, 172500)
    whole = emerge(dwarf, wave, device, wave.size)
    assert whole.std() > 0.05 * whole.mean()
    for chunk in (999, 1024):
        np.testing.assert_allclose(emerge(dwarf, wave, device, chunk), whole, rtol=1e-5)


@pytest.mark.parametrize("device", [None, CUDA])  # PyTorch's threads on the CPU add in any order
def test_two_calls_give_the_same_bits(device, dwarf):
    wave = 0.05 * np.arange(170000, 172500)
    np.testing.assert_array_equal(emerge(dwarf, wave, device, wave.size), emerge(dwarf, wave, device, wave.size))


@pytest.mark.parametrize("device", [None, "cpu", CUDA])
def test_lines_at_the_ends_of_the_range_against_a_plain_sum(device):
    wave = np.arange(8000.0, 8010.0, 0.05)
    centre = np.array([7998.0, 8000.0, 8004.97, wave[-1], 8011.0, 8050.0, 8005.0])
    half = np.array([3.0, 1.0, 25.0, 0.5, 4.0, 10.0, 0.0])  # all, one side, both ends, one side, in, out, nothing
    doppler = np.linspace(0.05, 0.3, 7)[:, None] * [1.0, 1.5]
    damping = np.geomspace(0.01, 0.5, 7)[:, None] * [1.0, 3.0]
    profiles = LineProfiles(centre, np.geomspace(1.0, 4.0, 7)[:, None] * [1.0, 2.0], doppler, damping)
    offset = wave - centre[:, None]
    inside = (offset >= -half[:, None]) & (offset < half[:, None])
    v = offset[:, None] / doppler[..., None]
    terms = profiles.strength / (np.sqrt(np.pi) * doppler)
    expected = (terms[..., None] * wofz(v + 1j * damping[..., None]).real * inside[:, None]).sum(axis=0)
    opacity = host(line_opacity(profiles, half, on_device(wave, device)))
    assert opacity.dtype == np.float32
    np.testing.assert_allclose(opacity, expected, rtol=0.02)  # of the Voigt approximation
    np.testing.assert_array_equal(opacity > 0, expected > 0)


@on_devices
def test_no_lines_at_all(device):
    wave = np.arange(8000.0, 8300.0, 0.5)
    none = load_lines().iloc[:0]
    flux, continuum = synthesize(5000.0, 3.0, 0.0, wave=wave, line_list=none, bands=(), device=device)
    np.testing.assert_allclose(flux, continuum, rtol=1e-4)


@on_devices
def test_only_lines_out_of_reach(device):
    wave = np.arange(8000.0, 8010.0, 0.05)
    ones = np.ones((2, 3))
    profiles = LineProfiles(np.array([7000.0, 9000.0]), ones, 0.1 * ones, 0.1 * ones)
    opacity = host(line_opacity(profiles, np.array([5.0, 5.0]), on_device(wave, device)))
    np.testing.assert_array_equal(opacity, np.zeros((3, wave.size)))


@on_devices
def test_double_precision_stays(device):
    tau_ref = np.logspace(-5, 2, 60)
    ratio = 1.0 + np.random.default_rng(2).random((60, 5))
    tau, source = optical_depth(ratio, tau_ref), np.linspace(1.0, 3.0, 60)[:, None] * ratio[0]
    tensors = [on_device(a, device) for a in (tau, source)]
    np.testing.assert_allclose(host(exponential_integrals(tensors[0])), exponential_integrals(tau), rtol=1e-13)
    np.testing.assert_allclose(host(emergent_flux(*tensors)), emergent_flux(tau, source), rtol=1e-12)


def test_numpy_does_without_torch():
    code = (
        "import sys, numpy as np\n"
        "from gravispec.spectra.lte.synthesis import synthesize\n"
        "synthesize(3750.0, 4.5, 0.0, wave=np.arange(8500.0, 8505.0, 0.1))\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
