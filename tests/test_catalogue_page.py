"""The page of a catalogue: its stars, flags, outliers and spectra are those of the rows, and nothing is asked for."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from gravispec.features.quality import chi2_of_part
from gravispec.models.flags import BITS, FLAGS
from gravispec.report.page.catalogue import _limits
from gravispec.report.page.kept import notable, reconstruction
from gravispec.report.render import LIMIT
from tests.small_page import rows_of, small_catalogue
from tests.small_run import WAVE, small_run
from tests.test_page import Elements, sources


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    found = small_catalogue(tmp_path_factory.mktemp("catalogue"))
    return found.table, found.kept, found.text


def test_every_star_with_labels_is_in_the_kiel_diagram(made):
    table, _, text = made
    good = table[table["problem"] == ""]
    (shown,) = [source for source in sources(text) if "sigma" in source and "star_id" in source]
    assert list(shown["star_id"]) == good["star_id"].tolist()
    assert list(shown["file"]) == good["file"].tolist()
    for name in ("log_g", "T_eff", "M_H", "snr", "chi2"):
        np.testing.assert_allclose(shown[name], good[name], rtol=1e-6)
    np.testing.assert_allclose(shown["sigma"], (good["log_g_hi68"] - good["log_g_lo68"]) / 2, rtol=1e-5)


def test_flags_are_counted_and_explained(made):
    table, _, text = made
    rows = rows_of(text, "flags")
    assert [row[0] for row in rows] == [name for _, name, _ in FLAGS]
    for name, bit, count, *_ in rows:
        assert bit == BITS[name]
        assert count == sum(int(flags) & int(bit) > 0 for flags in table["flags"])
    assert f"{(table['flags'] == 0).sum()} of {len(table)} spectra have no flag" in text


def test_outliers_are_those_with_the_largest_chi2(made):
    table, _, text = made
    rows = rows_of(text, "outliers")
    expected = table[table["problem"] == ""].sort_values("chi2", ascending=False)
    assert [row[0] for row in rows] == expected["star_id"][: len(rows)].tolist()
    assert [row[6] for row in rows] == pytest.approx(expected["chi2"][: len(rows)].tolist(), rel=1e-6)


def test_what_could_not_be_read_is_named(made):
    assert rows_of(made[2], "problems") == [["x.fits: no spectra", 1], ["median flux is not positive", 1]]


def test_kept_spectra_have_the_chi2_of_their_row(made):
    """The residuals that the page draws are those that χ² sums, per degree of freedom: 6 components."""
    _, kept, text = made
    assert len(kept) >= 5
    for row in kept.to_dict("records"):
        residual = (row["flux"] - row["reconstruction"]) / row["sigma"]
        assert np.sum(residual.astype(float) ** 2) / (len(WAVE) - 6) == pytest.approx(row["chi2"], rel=1e-4)
        np.testing.assert_array_equal(row["wave"], WAVE)
    (shown,) = [source for source in sources(text) if "residual" in source and "wave" in source]
    largest = kept.loc[kept["chi2"].idxmax()]
    np.testing.assert_allclose(shown["flux"], largest["flux"], atol=2e-4)


def test_wide_gaps_have_the_reconstruction_of_what_is_measured():
    """The χ² of a part, as the catalogue has it, is that of the residuals that the page draws."""
    run = small_run()
    chosen = SimpleNamespace(level=run.levels[0], knows_gaps=True)
    rng = np.random.default_rng(2)
    flux, sigma = 1 + 0.05 * rng.normal(size=(1, len(WAVE))), np.full((1, len(WAVE)), 0.05)
    measured = np.arange(len(WAVE))[None] > 200
    *_, model = reconstruction(chosen, flux, sigma, measured)
    expected = chi2_of_part(flux, sigma, run.levels[0].fits.pca, measured)[0]
    found = np.sum(((flux - model) / sigma)[measured] ** 2) / (measured.sum() - 7)
    assert found == pytest.approx(expected, rel=1e-6)


def test_wild_stars_do_not_stretch_the_kiel_diagram():
    rng = np.random.default_rng(1)
    table = pd.DataFrame({"T_eff": rng.uniform(4000, 6000, 500), "log_g": rng.uniform(1, 5, 500)})
    table.loc[:1, "T_eff"] = -2000
    (x_range, y_range), beyond = _limits(table)
    assert beyond == 2
    assert 6000 < x_range[0] < 7000
    assert 3000 < x_range[1] < 4000
    assert (y_range[0] > 5, y_range[1] < 1) == (True, True)


def test_notable_rows_of_batches_are_those_of_all_rows():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(300, 3)), columns=["chi2", "snr", "log_g"])
    found = notable(pd.concat([notable(table[k : k + 50]) for k in range(0, 300, 50)]))
    assert sorted(found.index) == sorted(notable(table).index)
    assert {table["chi2"].idxmax(), table["snr"].idxmin(), table["log_g"].idxmax()} <= set(found.index)


def test_nothing_is_asked_for(made):
    text = made[2]
    elements = Elements(text).found
    assert len(text.encode()) < LIMIT
    for tag, about in elements:
        assert tag not in ("iframe", "object", "embed")
        for name in ("src", "href", "action"):
            assert about.get(name, "#").startswith(("#", "data:")), (tag, about)
