"""Pages in a real browser, from the file system: Chromium, without a window (`make test-page`)."""

import contextlib

import numpy as np
import pytest

from gravispec.report.page.stars import at_levels
from tests.browser import CHROMIUM, Browser
from tests.small_page import small_catalogue, small_page

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed: apt-get install chromium"),
]
#: figures and sources by what they are called, and the point of the window where a star is drawn
HELPERS = """
window.found = {
  doc: Bokeh.documents[0],
  named: (name) => found.doc.get_model_by_name(name),
  menu: (title) => [...found.doc._all_models.values()].find((model) => model.title === title && "value" in model),
  source: () => (found.named("predicted against true") ?? found.named("kiel")).renderers[0].data_source,
  point: (name, x, y) => {
    const view = Bokeh.index.find_one(found.named(name));
    view.el.scrollIntoView({block: "center", behavior: "instant"});
    const box = view.canvas_view.el.getBoundingClientRect();
    return [box.left + view.frame.x_scale.compute(x), box.top + view.frame.y_scale.compute(y)];
  },
  text: (node = document.body) => [...node.childNodes].map((one) => one.nodeType === 3 ? one.data :
    (one.tagName === "SCRIPT" || one.tagName === "STYLE" ? "" : found.text(one) +
     (one.shadowRoot ? found.text(one.shadowRoot) : ""))).join(" "),
};
0
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return small_page(tmp_path_factory.mktemp("page"))


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with Browser(tmp_path_factory.mktemp("browser")) as found:
        yield found


@pytest.fixture
def page(browser, made):
    """The page of the run, opened anew."""
    with opened(browser, made.path) as found:
        yield found


@contextlib.contextmanager
def opened(browser, path):
    """A page; whatever is done with it, the browser has nothing to say against it."""
    browser.errors.clear()
    browser.requests.clear()
    browser.open(path)
    browser.run(HELPERS)
    yield browser
    assert browser.errors == []
    assert [url for url in browser.requests if not url.startswith(("file:", "data:", "blob:"))] == []


def first_cells(page, column):
    return page.run(
        f"[...document.querySelectorAll('#table-verdict tbody tr')].map((row) => row.cells[{column}].dataset.value)"
    )


def test_it_opens_from_the_file_system_with_all_figures(page, made):
    assert page.run("document.title") == "gravispec: r"
    assert page.run("document.querySelectorAll('#table-verdict tbody tr').length") == len(made.tables["summary"])
    ids = page.run("[...document.querySelectorAll('.figure')].map((one) => one.id)")
    assert ids == [
        f"figure-{name}" for name in ("stars", "coverage", "posteriors", "stress", "gates", "losses", "spectra")
    ]
    heights = page.run("[...document.querySelectorAll('.figure')].map((one) => one.getBoundingClientRect().height)")
    assert min(heights) > 150
    assert page.requests[0] == made.path.as_uri()
    assert len([url for url in page.requests if url.startswith("file:")]) == 1


def test_its_policy_forbids_requests(page):
    """What the page is asked to fetch never leaves; the browser says so, which is no error of the page."""
    assert page.run("fetch('https://example.org/x').then(() => 'sent', () => 'refused')") == "refused"
    page.run("new Promise((done) => setTimeout(done, 50))")
    assert any("Content Security Policy" in error for error in page.errors)
    page.errors.clear()
    page.requests.clear()


def test_tables_sort_by_mouse_and_keyboard(page, made):
    column = 5  # R²
    expected = sorted(made.tables["summary"]["r2"])
    head = f"document.querySelectorAll('#table-verdict thead th')[{column}]"
    x, y = page.run(f"(() => {{ const b = {head}.querySelector('button').getBoundingClientRect(); "
                    "return [b.left + 5, b.top + 5]; })()")  # fmt: skip
    for kind in ("mousePressed", "mouseReleased"):
        page.mouse(kind, x, y, button="left")
    assert [float(value) for value in first_cells(page, column)] == pytest.approx(expected, rel=1e-12)
    assert page.run(f"{head}.getAttribute('aria-sort')") == "ascending"
    page.run(f"{head}.querySelector('button').focus()")
    page.key("Enter")
    assert [float(value) for value in first_cells(page, column)] == pytest.approx(expected[::-1], rel=1e-12)
    assert page.run(f"{head}.getAttribute('aria-sort')") == "descending"
    page.run("document.querySelectorAll('#table-verdict thead th button')[0].click()")
    names = page.run("[...document.querySelectorAll('#table-verdict tbody tr')].map((row) => row.cells[0].textContent)")
    assert names == sorted(names)


def test_headings_explain_themselves_on_hover_and_focus(page):
    tip = "document.querySelector('#tip-verdict-6')"
    visible = f"getComputedStyle({tip}).display"
    assert page.run(visible) == "none"
    page.run(f"{tip}.parentElement.querySelector('button').focus()")
    assert page.run(visible) == "block"
    page.run("document.activeElement.blur()")
    x, y = page.run(
        f"(() => {{ const b = {tip}.parentElement.getBoundingClientRect(); return [b.left + 9, b.top + 9]; }})()"
    )
    page.mouse("mouseMoved", x, y)
    assert page.run(visible) == "block"
    box = page.run(f"{tip}.getBoundingClientRect().toJSON()")
    assert 0 <= box["left"] < box["right"] <= 1200
    assert box["top"] >= y


def test_hover_shows_a_star(page, made):
    star = at_levels(made.tables["predictions"])[0.2].iloc[7]
    x, y = page.run(f"found.point('predicted against true', {star['log_g']}, {star['b']})")
    page.mouse("mouseMoved", x - 40, y - 40)
    page.mouse("mouseMoved", x, y)
    page.until(lambda: star["star_id"] in page.run("found.text()"))
    text = page.run("found.text()")
    assert f"{star['T_eff']:.0f} K" in text
    assert f"true {star['log_g']:.2f}" in text


def test_stars_that_are_selected_in_one_plot_are_in_all(page, made):
    rows = at_levels(made.tables["predictions"])[0.2]
    (x0, y0), (x1, y1) = (page.run(f"found.point('predicted against true', {at}, {at})") for at in (1.5, 3.0))
    page.drag(x0, y0, x1, y1)
    page.until(lambda: page.run("found.source().selected.indices.length") > 0)
    indices = sorted(page.run("found.source().selected.indices"))
    inside = (rows["log_g"].between(1.5, 3.0) & rows["b"].between(1.5, 3.0)).to_numpy()
    assert abs(len(indices) - inside.sum()) <= 2  # rounding of the pointer to pixels
    assert len(set(indices) ^ set(np.flatnonzero(inside))) <= 4
    for name in ("log_g", "T_eff", "M_H", "snr"):
        assert page.run(f"found.named('{name}').renderers[0].data_source === found.source()")
    page.until(lambda: f"Selected: {len(indices)}" in page.run("found.text()"))


def test_menus_select_stars_without_a_pointer(page, made):
    rows = at_levels(made.tables["predictions"])[0.2]
    page.run("found.menu('Select stars').value = 'outside'; 0")
    assert page.run("found.source().selected.indices") == np.flatnonzero(rows["uncovered"]).tolist()
    page.run("found.menu('Select a star by its id').value = 'star <610>'; 0")
    assert page.run("found.source().selected.indices") == [10]
    page.until(lambda: "Selected: 1" in page.run("found.text()"))
    assert "star <610>: log g" in page.run("found.text()")


def test_menus_choose_model_and_noise_level(page, made):
    rows = at_levels(made.tables["predictions"])
    for level, model in ((1.0, "b"), (1.0, "a"), (0.2, "ridge")):
        page.run(f"found.menu('Noise level').value = '{level:g}'; found.menu('Model').value = '{model}'; 0")
        shown = page.run("Array.from(found.source().data.predicted)")
        np.testing.assert_allclose(shown, rows[level][model], atol=2e-4)
        # the legend follows: its marks are those of the flags that it names
        legend = "[...found.doc._all_models.values()].find((model) => model.title === 'flags')"
        assert page.run(f"{legend}.items[0].label.field") == "flags"
        shown = page.run("Array.from(found.source().data.snr)")
        np.testing.assert_allclose(shown, rows[level]["snr_measured"], rtol=0, atol=1e-2)


def test_another_star_shows_its_spectrum(page):
    before = page.run("Array.from(found.named('spectrum').renderers[0].data_source.data.flux)")
    page.run("found.menu('Star').value = '3'; 0")
    after = page.run("Array.from(found.named('spectrum').renderers[0].data_source.data.flux)")
    assert len(after) == len(before)
    assert np.abs(np.subtract(after, before)).max() > 0.1


def test_it_fits_a_phone_and_prints(page, made, tmp_path):
    page.size(390, 800, mobile=True)
    page.run("new Promise((done) => setTimeout(done, 300))")
    assert page.run("document.documentElement.scrollWidth") <= 390
    page.size(1200, 900)
    page.pdf(tmp_path / "report.pdf")
    printed = (tmp_path / "report.pdf").read_bytes()
    assert printed.startswith(b"%PDF")
    assert printed.count(b"/Type /Page\n") + printed.count(b"/Type /Page/") >= 4
    assert page.run("document.querySelectorAll('details[open]').length") == 0


def test_the_page_of_a_catalogue(browser, tmp_path):
    made = small_catalogue(tmp_path)
    good = made.table[made.table["problem"] == ""].reset_index(drop=True)
    with opened(browser, made.path) as page:
        assert page.run("[...document.querySelectorAll('.figure')].map((one) => one.id)") == [
            "figure-stars",
            "figure-spectra",
        ]
        star = good.iloc[5]
        x, y = page.run(f"found.point('kiel', {star['T_eff']}, {star['log_g']})")
        page.mouse("mouseMoved", x - 30, y - 30)
        page.mouse("mouseMoved", x, y)
        page.until(lambda: "(68 %)" in page.run("found.text()"))
        assert f"{star['T_eff']:.0f} K" in page.run("found.text()").split("(68 %)")[1]
        page.run("found.menu('Select stars').value = 'flagged'; 0")
        assert page.run("found.source().selected.indices") == np.flatnonzero(good["flags"]).tolist()
        assert page.run("found.named('sigma').renderers[0].data_source === found.source()")
        page.until(lambda: f"Selected: {(good['flags'] != 0).sum()}" in page.run("found.text()"))
        before = page.run("Array.from(found.named('spectrum').renderers[0].data_source.data.flux)")
        page.run("found.menu('Star').value = '1'; 0")
        after = page.run("Array.from(found.named('spectrum').renderers[0].data_source.data.flux)")
        assert np.abs(np.subtract(after, before)).max() > 0.01
        page.size(390, 800, mobile=True)
        page.run("new Promise((done) => setTimeout(done, 300))")
        assert page.run("document.documentElement.scrollWidth") <= 390
        page.size(1200, 900)
