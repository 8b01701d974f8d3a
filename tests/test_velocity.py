"""Velocities that are measured, where a file gives none."""

import numpy as np
import pytest

from gravispec.observed.read import prepared_batches
from gravispec.observed.velocity import AIR, Finder, looks_like_another_medium
from gravispec.spectra.stress import LIGHT
from gravispec.spectra.wavelength import vacuum_to_air
from tests import observed_files as files

WAVE = 8350 + 0.42725 * np.arange(1200)
LINES = np.random.default_rng(4).uniform(8340, 8870, 60)
DEPTH = np.random.default_rng(5).uniform(0.05, 0.4, 60)


def star(wave, velocity=0.0, depth=1.0):
    """Flux (n, Q) with lines at velocities (n,)."""
    velocity = np.atleast_1d(velocity)[:, None]
    rest = wave / np.sqrt((1 + velocity / LIGHT) / (1 - velocity / LIGHT))
    profile = np.exp(-0.5 * ((rest[..., None] - LINES) / 0.8) ** 2) @ (depth * DEPTH)
    return (1 + 0.2 * (wave - wave.mean()) / np.ptp(wave)) * np.exp(-profile)


FINDER = Finder(WAVE, star(WAVE, depth=0.8))  # not quite the star


def file_of(path, velocity, snr, seed=0, wave=WAVE, **more):
    clean = star(wave, velocity)
    flux = clean + np.random.default_rng(seed).normal(0, 1 / snr, clean.shape)
    return files.plain_hdf5(path, wave, flux, np.full(flux.shape, 1 / snr), **more)


def one(path, **options):
    (batch,) = prepared_batches(path, WAVE, finder=FINDER, least=0.15, **options)
    return batch


@pytest.mark.parametrize("snr", [8, 40])
def test_velocities_are_found_within_their_errors_and_taken_out(tmp_path, snr):
    """200 stars: the median of |pull| is 0.67 within 0.2 where errors are those of noise, and not the least error."""
    true = np.random.default_rng(1).uniform(-450, 450, 200)
    found = one(file_of(tmp_path / "a.h5", true, snr))
    assert not found.lost.any()
    pull = (found.velocity - true) / found.velocity_error
    assert np.abs(pull).max() < 5
    assert abs(np.median(found.velocity - true)) < 0.5
    if snr == 8:
        assert np.median(np.abs(pull)) == pytest.approx(0.67, abs=0.2)
    assert found.velocity_error.min() >= 1
    rest = one(file_of(tmp_path / "b.h5", np.zeros(200), snr), velocity=0.0)
    known = ~found.filled
    assert ((found.flux - rest.flux)[known] * snr).std() < 1.6


def test_what_the_file_or_the_user_gives_counts_and_what_is_unknown_is_measured(tmp_path):
    true = np.array([100.0, 100.0, 100.0])
    path = file_of(tmp_path / "a.h5", true, 30, rv=[90.0, np.nan, 100.0])
    found = one(path)
    np.testing.assert_allclose(found.velocity, [90, 100, 100], atol=5)
    assert found.velocity[0] == 90
    assert np.isnan(found.velocity_error).tolist() == [True, False, True]
    np.testing.assert_allclose(one(path, velocity="fit").velocity, 100, atol=5)
    assert (one(path, velocity=7.0).velocity == 7).all()


def test_noise_alone_and_windows_without_lines_have_no_velocity(tmp_path):
    """Of 300 spectra of noise on a slope none has a velocity."""
    noise = np.random.default_rng(2).normal(0, 1 / 30, (300, len(WAVE)))
    path = files.plain_hdf5(tmp_path / "a.h5", WAVE, 1 + noise, np.full(noise.shape, 1 / 30))
    found = one(path)
    assert found.lost.all()
    assert (found.velocity == 0).all()
    assert (found.problem == "").all()


def test_a_third_of_the_pixels_will_do_and_bad_ones_count_for_nothing(tmp_path):
    flux, error = star(WAVE, 150.0), np.full((1, len(WAVE)), 0.02)
    flux[:, 500:] = 1e5
    error[:, 500:] = np.nan
    found = one(files.plain_hdf5(tmp_path / "a.h5", WAVE, flux, error))
    assert found.velocity[0] == pytest.approx(150, abs=4)
    assert found.filled[0].mean() > 0.5


def test_air_taken_for_vacuum_is_said(tmp_path):
    velocity = np.random.default_rng(3).normal(0, 10, 20)
    wave = np.arange(8300, 8900, 0.4)
    path = tmp_path / "a.h5"
    flux = star(wave, velocity)
    arrays = vacuum_to_air(wave), flux, np.full(flux.shape, 0.02)
    right = one(files.plain_hdf5(path, *arrays, medium="air"))
    np.testing.assert_allclose(right.velocity, velocity, atol=4)
    assert looks_like_another_medium(right.velocity, right.velocity_error) == ""
    wrong = one(files.plain_hdf5(path, *arrays, medium="vacuum"))
    np.testing.assert_allclose(wrong.velocity, velocity - AIR, atol=4)
    assert "said to be in vacuum, but are in air" in looks_like_another_medium(wrong.velocity, wrong.velocity_error)
    assert looks_like_another_medium(wrong.velocity, np.full(20, np.nan)) == ""
