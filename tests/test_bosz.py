"""BOSZ 2024 files: names, reading, air or vacuum, missing models, and the way to the instrument's pixels."""

import gzip

import numpy as np
import pytest

from gravispec.data.bosz import MISSING, is_missing, model_file, read_model, read_wave, wave_file
from gravispec.errors import InputError
from gravispec.spectra.instrument import FWHM_PER_SIGMA, from_published, observe
from gravispec.spectra.medium import LINES, check_medium, medium_offset, vacuum_offset
from gravispec.spectra.missing import fill_missing
from gravispec.spectra.wavelength import to_vacuum, vacuum_to_air
from tests.bosz_files import published_wave, spectrum, write_tree

PIXELS = 7900.2449 + 0.42725 * np.arange(2223)


@pytest.mark.parametrize(
    ("labels", "about", "expected"),
    [
        ((6000, 3.0, -0.75), {}, "r10000/m-0.75/bosz2024_ms_t6000_g+3.0_m-0.75_a+0.00_c+0.00_v2_r10000_resam.txt.gz"),
        ((3750, 3.5, 0.0), {}, "r10000/m+0.00/bosz2024_mp_t3750_g+3.5_m+0.00_a+0.00_c+0.00_v2_r10000_resam.txt.gz"),
        ((8000, 0.0, -0.0), {}, "r10000/m+0.00/bosz2024_ms_t8000_g+0.0_m+0.00_a+0.00_c+0.00_v2_r10000_resam.txt.gz"),
        ((10000, 3.0, 0.5), {}, "r10000/m+0.50/bosz2024_ap_t10000_g+3.0_m+0.50_a+0.00_c+0.00_v2_r10000_resam.txt.gz"),
        (
            (4999.9999999, 3.4999999999, 1e-17),
            {"a_M": 0.25, "C_M": -0.75, "v_micro": 0, "r": 500},
            "r500/m+0.00/bosz2024_mp_t5000_g+3.5_m+0.00_a+0.25_c-0.75_v0_r500_resam.txt.gz",
        ),
    ],
)
def test_names_are_the_published_ones(labels, about, expected):
    assert model_file(*labels, **{"r": 10000, **about}) == expected


def test_a_model_comes_back_as_it_was_written(tmp_path):
    write_tree(tmp_path, [5000], [4.0], [0.0])
    wave = read_wave(tmp_path / wave_file(5000))
    np.testing.assert_allclose(wave, published_wave(5000), atol=1e-6)
    flux, continuum = read_model(tmp_path / model_file(5000, 4.0, 0.0, r=5000), len(wave))
    expected = spectrum(published_wave(5000), 5000, 4.0, 0.0, r=5000)
    np.testing.assert_allclose(4 * np.pi * flux, expected[0], rtol=2e-6)
    np.testing.assert_allclose(4 * np.pi * continuum, expected[1], rtol=2e-6)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (lambda good: good[: len(good) // 2], "truncated or damaged"),
        (lambda good: good[:-4], "truncated or damaged"),
        (lambda good: b"", "not a table of numbers"),
        (lambda good: b"<html>503 Service Unavailable</html>", "truncated or damaged"),
        (lambda good: good[:200] + bytes(20) + good[220:], "truncated or damaged"),
        (lambda good: gzip.compress(b"1.0 2.0\n1.0 a\n"), "not a table of numbers"),
        (lambda good: gzip.compress(b"1.0 2.0\n"), "1 rows, its wavelength file has"),
        (lambda good: gzip.compress(b"1.0 2.0 3.0\n"), "3 columns, expected 2"),
    ],
)
def test_a_bad_file_is_named(tmp_path, content, message):
    write_tree(tmp_path, [5000], [4.0], [0.0])
    path = tmp_path / model_file(5000, 4.0, 0.0, r=5000)
    path.write_bytes(content(path.read_bytes()))
    with pytest.raises(InputError, match=message) as error:
        read_model(path, len(published_wave(5000)))
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (MISSING, "no such file"),
        (b"3\n2\n1\n", "must be positive and increase"),
        (b"1\nnan\n3\n", "must be positive and increase"),
        (b"", "not a table of numbers"),
        (b"1 2\n2 3\n", "2 columns, expected 1"),
    ],
)
def test_bad_wavelengths_are_named(tmp_path, content, message):
    path = tmp_path / "wave.txt"
    path.write_bytes(content)
    assert is_missing(path) == (content == MISSING)
    with pytest.raises(InputError, match=message):
        read_wave(path)


@pytest.mark.parametrize("r", [2000, 5000, 50000])
@pytest.mark.parametrize(("medium", "expected"), [("air", 0.0), ("vacuum", 1.0)])
def test_the_medium_is_measured_from_line_cores(r, medium, expected):
    wave = published_wave(r)
    measured = [
        medium_offset(wave, *spectrum(wave, *labels, r=r, medium=medium))
        for labels in ((3750, 5.0, 0.0), (6000, 1.0, -2.5), (5000, 3.0, 0.5))
    ]
    np.testing.assert_allclose(measured, expected, atol=0.05)


def test_a_spectrum_without_strong_lines_tells_no_medium():
    wave = np.arange(7000.0, 8000.0, 0.5)
    assert np.isnan(medium_offset(wave, np.ones_like(wave), np.ones_like(wave)))
    wave = published_wave(5000)
    assert np.isnan(medium_offset(wave, np.ones_like(wave), np.ones_like(wave)))


def test_a_wrong_declaration_is_refused():
    names = ["a.gz", "b.gz", "c.gz"]
    check_medium(np.array([0.01, np.nan, -0.1]), "air", names, key="grids.b.medium")
    check_medium(np.array([0.97, 1.02, 0.6]), "vacuum", names, key="grids.b.medium")  # one is blended
    with pytest.raises(InputError, match=r"grids\.b\.medium = air: .*b\.gz.*vacuum.*declare medium: vacuum"):
        check_medium(np.array([0.01, 0.98, 0.0]), "air", names, key="grids.b.medium")
    with pytest.raises(InputError, match="neither where air nor where vacuum"):
        check_medium(np.array([0.5, 0.55, 0.5]), "vacuum", names, key="grids.b.medium")
    with pytest.raises(InputError, match="cannot be checked"):
        check_medium(np.full(3, np.nan), "vacuum", names, key="grids.b.medium")


def test_spectra_in_air_are_seen_in_the_data():
    wave = PIXELS
    in_vacuum, in_air = (spectrum(wave, 5000, 3.0, 0.0, r=5000, medium=medium)[0][None] for medium in ("vacuum", "air"))
    assert abs(vacuum_offset(wave, in_vacuum)) < 0.05
    assert vacuum_offset(wave, in_air) == pytest.approx(-5.5, abs=0.15)  # 2.3 Å of 0.427 Å
    assert np.isnan(vacuum_offset(np.arange(7000.0, 7500.0), np.ones((1, 500))))


def test_gaussian_lines_of_a_finite_resolution_get_the_instruments_width():
    """At any R a line of FWHM λ/R becomes the same line on the pixels: one of the instrument's width."""
    fwhm, centre = 2.0, 8542.0
    pixels = 8400 + 0.42725 * np.arange(600)
    fine = np.arange(8350.0, 8720.0, 0.01)
    truth = observe(fine, 1 - 0.05 * (np.abs(fine - centre) < 0.005) / 0.01, pixels, fwhm)
    for R in (5000, 10000, 50000):
        wave = np.exp(np.arange(np.log(8300), np.log(8800), 0.5 / R))
        sigma = centre / R / FWHM_PER_SIGMA
        line = 0.05 * np.exp(-0.5 * ((wave - centre) / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi))
        found = from_published(wave, 1 - line[None], pixels, fwhm=fwhm, R=R)
        assert found.shape == (1, 600)
        # of a depth of 0.023; two points a resolution element leave 1 % where half of the width is the file's own
        np.testing.assert_allclose(found[0], truth, atol=5e-6 if R > 5000 else 2e-4)


def test_air_files_and_vacuum_files_of_the_same_star_agree_on_the_pixels():
    wave = published_wave(20000)
    in_air, in_vacuum = (spectrum(wave, 5000, 3.0, 0.0, r=20000, medium=m)[0][None] for m in ("air", "vacuum"))
    a = from_published(to_vacuum(wave, "air"), in_air, PIXELS, fwhm=1.6, R=20000)
    b = from_published(to_vacuum(wave, "vacuum"), in_vacuum, PIXELS, fwhm=1.6, R=20000)
    np.testing.assert_allclose(a / b, 1, atol=2e-4)
    # and not, where the medium is mistaken
    c = from_published(to_vacuum(wave, "vacuum"), in_air, PIXELS, fwhm=1.6, R=20000)
    assert np.abs(c / b - 1).max() > 0.2


def test_models_too_short_are_refused():
    wave = published_wave(5000)
    flux = spectrum(wave, 5000, 3.0, 0.0, r=5000)[0][None]
    inside = wave > 7900
    with pytest.raises(InputError, match=r"models cover 790.* but the pixels need 78"):
        from_published(wave[inside], flux[:, inside], PIXELS, fwhm=2.0, R=5000)


AXES = {"T_eff": np.arange(4000.0, 5600, 250), "log_g": np.arange(2.0, 4.1, 0.5), "M_H": np.arange(-1.0, 0.1, 0.25)}


def smooth_grid():
    """Flux (7 · 5 · 5, 300) and names of the models of a grid whose log flux is a smooth function of the labels."""
    wave = np.linspace(8480, 8700, 300)
    labels = np.stack(np.meshgrid(*AXES.values(), indexing="ij"), -1).reshape(-1, 3)
    return np.array([spectrum(wave, *row, r=5000)[0] for row in labels]), [f"{row}" for row in labels], labels


@pytest.mark.parametrize(
    ("node", "along"),
    [
        ((3, 2, 2), ["T_eff", "log_g", "M_H"]),
        ((0, 2, 2), ["log_g", "M_H"]),
        ((0, 0, 2), ["M_H"]),
    ],
)
def test_a_missing_model_is_interpolated_from_its_neighbours(node, along):
    flux, names, _ = smooth_grid()
    row = np.ravel_multi_index(node, (7, 5, 5))
    holed = flux.copy()
    holed[row] = np.nan
    filled, how = fill_missing(AXES, holed, names)
    assert how == {row: along}
    np.testing.assert_array_equal(np.delete(filled, row, axis=0), np.delete(flux, row, axis=0))
    neighbour = np.abs(flux[row + (1 if node[2] < 4 else -1)] / flux[row] - 1).max()
    error = np.abs(filled[row] / flux[row] - 1).max()
    assert error < 2e-3
    assert error < neighbour / 5


def test_gaps_at_the_edge_of_the_grid_are_not_extrapolated():
    flux, names, _ = smooth_grid()
    holed = flux.copy()
    holed[[0, 60]] = np.nan  # a corner, and one that could be filled
    with pytest.raises(InputError, match="1 missing models have no neighbours") as error:
        fill_missing(AXES, holed, names)
    assert names[0] in str(error.value)
    assert names[60] not in str(error.value)


def test_lines_of_the_medium_are_apart():
    """Each line's search range, from half the air-vacuum distance below to half above, holds no other line."""
    air = np.array(sorted(LINES.values()))
    shift = air - vacuum_to_air(air)
    assert (air[:-1] + 1.5 * shift[:-1] < air[1:] - 0.5 * shift[1:]).all()
