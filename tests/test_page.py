"""The page of a run: every number in it is one of the tables, every test star is there, and nothing is asked for."""

import base64
import gzip
import json
import re
from html import unescape
from html.parser import HTMLParser

import numpy as np
import pytest

from gravispec.report.page import run as run_page
from gravispec.report.page.chooser import Chooser
from gravispec.report.page.parts import packed, unpacked
from gravispec.report.page.reforms import ITEMS, OPEN
from gravispec.report.page.stars import at_levels
from gravispec.report.render import LIMIT, TEMPLATES
from tests.conftest import REPO
from tests.small_page import LEVELS, rows_of, small_page
from workflow.scripts.lib.code_deps import imported_files

FORBIDDEN = ("src", "href", "action", "data", "poster", "srcset", "background", "formaction", "ping")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return small_page(tmp_path_factory.mktemp("page"))


class Elements(HTMLParser):
    """All elements of a page with their attributes."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))


def sources(text):
    """Columns of all sources of data in a page, ``[{name: values}]``, as Bokeh wrote them."""
    written = re.search(r"docs_json = '(.*?)';\n", text)[1].replace("\\\\", "\\")
    (document,) = json.loads(unescape(written)).values()
    found = []

    def values(column):
        if isinstance(column, dict):
            data = gzip.decompress(base64.b64decode(column["array"]["data"]))
            return np.frombuffer(data, column["dtype"]).reshape(column["shape"])
        return column

    def walk(one):
        if isinstance(one, dict):
            if one.get("name") == "ColumnDataSource":
                entries = one["attributes"]["data"]["entries"]
                found.append({name: values(column) for name, column in entries})
            one = list(one.values())
        if isinstance(one, list):
            for inside in one:
                walk(inside)

    walk(document)
    return found


def test_nothing_is_asked_for_and_one_file_is_enough(made):
    elements = Elements(made.text).found
    assert not {"iframe", "object", "embed", "link"} & {tag for tag, about in elements if about.get("href") != "data:,"}
    assert not [about for tag, about in elements if tag == "script" and "src" in about]
    for _, about in elements:
        for name in FORBIDDEN:
            assert about.get(name, "#").startswith(("#", "data:")), (name, about)
    (policy,) = [about["content"] for _, about in elements if about.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none';")
    assert not re.search(r"https?:|\*|'self'|connect-src|ws", policy)
    assert "@import" not in made.text.split("</style>")[0]


def test_it_has_at_most_5_MB(made):
    assert len(made.text.encode()) < LIMIT == 5_000_000


def test_the_verdict_is_the_summary(made):
    rows, summary = rows_of(made.text, "verdict"), made.tables["summary"]
    assert len(rows) == len(summary)
    labels = {about[stars]: about["label"] for about in made.models.values() for stars in ("covered", "all")}
    for row, expected in zip(rows, summary.to_dict("records"), strict=True):
        assert row[0] == labels[expected["model"]]
        names = ["stars", "noise_level", "n_train", "n_test", "r2", "rmse", "mae"]
        assert row[1] == expected["stars"]
        assert row[2:8] == pytest.approx([expected[name] for name in names[1:]], rel=1e-12)
    shown = re.search(r"<td[^>]*>([^<]*)</td>", made.text.split('id="table-verdict"')[1].split("0.2</td>")[1])
    assert shown
    first = summary.iloc[0]
    for name in ("r2", "rmse"):
        assert f"{first[name]:.3f} ({first[f'{name}_ci_low']:.3f}, {first[f'{name}_ci_high']:.3f})" in made.text


def test_every_heading_explains_itself_and_sorts(made):
    elements = Elements(made.text).found
    heads = [about for tag, about in elements if tag == "th" and about.get("scope") == "col"]
    tips = {about["id"] for _, about in elements if about.get("role") == "tooltip"}
    buttons = [about for tag, about in elements if tag == "button"]
    assert len(heads) == len(buttons) == len(tips) > 30
    assert {about["aria-describedby"] for about in buttons} == tips
    assert all(about["aria-sort"] == "none" for about in heads)


def test_bins_of_stars_are_those_of_their_tables(made):
    for name, table, start in (("bins", "per_bin", 1), ("snr", "by_snr", 1)):
        expected = made.tables[table]
        rows = rows_of(made.text, name)
        assert [row[start] for row in rows] == [made.models[model]["label"] for model in expected["model"]]
        assert [row[4] for row in rows] == expected["n_test"].tolist()
        assert [row[5] or np.nan for row in rows] == pytest.approx(expected["r2"].tolist(), rel=1e-12, nan_ok=True)


def test_claims_say_whether_they_are_met(made):
    ((claim, verdict, measured, threshold, *_),) = rows_of(made.text, "claims")
    assert (claim, verdict, measured, threshold) == ("R² of a is at least 0.5", "passed", 0.9, 0.5)


def test_every_test_star_is_drawn_with_its_predictions(made):
    (shown,) = [source for source in sources(made.text) if "predicted" in source]
    (store,) = [source for source in sources(made.text) if "predicted|0.2|a" in source]
    rows = at_levels(made.tables["predictions"])
    assert list(shown["star_id"]) == rows[0.2]["star_id"].tolist()
    np.testing.assert_allclose(shown["log_g"], rows[0.2]["log_g"], rtol=1e-6)
    np.testing.assert_allclose(shown["predicted"], rows[0.2]["b"], atol=2e-4)
    for level in LEVELS:
        for model in made.models:
            packed = store[f"predicted|{level:g}|{model}"]
            scale = np.abs(rows[level][model]).max() / 32767
            np.testing.assert_allclose(packed * scale, rows[level][model], atol=0.51 * scale)
    expected = rows[0.2]["uncovered"].to_numpy(int) + 2 * rows[0.2]["edge"].to_numpy(int)
    names = ["none", "outside the bins", "edge of the labels", "outside, edge"]
    assert list(shown["flags"]) == [names[k] for k in expected]
    assert set(expected) == {0, 1, 2, 3}


def test_sigma_is_half_of_the_68_percent_interval(made):
    (shown,) = [source for source in sources(made.text) if "predicted" in source]
    inside = np.abs(shown["residual"]) <= shown["sigma"]
    # 300 stars, by limits from 300 others: five standard deviations of the difference
    assert abs(inside.mean() - 0.68) < 5 * np.sqrt(2 * 0.68 * 0.32 / 300)


def test_fewer_stars_are_drawn_where_all_are_too_many_and_the_page_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(run_page, "MOST_STARS", 100)
    text = small_page(tmp_path, levels=(0.2,)).text
    (shown,) = [source for source in sources(text) if "predicted" in source]
    assert len(shown["star_id"]) == 100
    assert "100 of the 300 test stars are drawn" in text


def test_a_page_that_is_too_large_is_made_again_with_fewer_stars(made, tmp_path, monkeypatch):
    monkeypatch.setattr(run_page, "LIMIT", len(made.text.encode()) - 10_000)
    text = small_page(tmp_path).text
    assert len(text.encode()) <= run_page.LIMIT
    assert re.search(r"\d+ of the 300 test stars are drawn", text)


def test_the_same_tables_make_the_same_page(made, tmp_path):
    again = small_page(made.path.parent).text
    ids = re.compile(r"p\d{4,}")  # Bokeh numbers its models on through a process
    assert ids.sub("p", again) == ids.sub("p", made.text)


def test_names_are_text_not_html(made):
    assert "star <" not in re.sub(r"<script.*?</script>", "", made.text, flags=re.S)


def test_provenance_has_digests_of_what_is_shown_and_the_configuration(made):
    ((file, size, digest),) = rows_of(made.text, "tables")
    assert (file.endswith("posteriors.csv"), size, digest) == (True, 4, made.digest)
    assert rows_of(made.text, "code") == [["gravispec/report/render.py", "0123456789abcdef"]]
    assert "make verify RUN=r" in made.text
    assert "&#34;kind&#34;: &#34;pfsspec&#34;" in made.text


def test_the_reforms_sheet_has_all_items_and_says_what_is_open(made):
    rows = rows_of(made.text, "reforms")
    assert [row[0] for row in rows] == ITEMS["item"].tolist()
    assert len(rows) == 32
    answers = {row[0]: row[3] for row in rows}
    assert answers["1b"] == OPEN
    assert "300 test stars" in answers["3e"]
    filled = sum(answer != OPEN for answer in answers.values())
    assert f"{filled} of 32 items are filled" in made.text
    assert filled >= 20


def test_packed_numbers_come_back():
    values = np.array([0.0, -3.2, np.nan, 5.1, 1e-5])
    found = unpacked(*packed(values))
    np.testing.assert_allclose(found, values, atol=5.1 / 32767 / 2 + 1e-12)
    assert np.isnan(unpacked(*packed([np.nan]))).all()
    assert (unpacked(*packed([0.0, 0.0])) == 0).all()


def test_a_chooser_takes_the_longest_key_that_is_there():
    found = Chooser({"id": ["x", "y"]}, ["p", "kind"], {"kind": ["good", "bad"]})
    found.add("p", ["1", "m"], [1.0, 2.0])
    found.add("p", "1", [3.0, 4.0])
    found.add("kind", "1", [0, 1])
    assert found.values("p", ["1", "m"]) == pytest.approx([1, 2], abs=1e-4)
    assert found.values("p", ["1", "other"]) == pytest.approx([3, 4], abs=1e-3)
    assert np.isnan(found.values("p", ["2", "m"])).all()
    assert found.values("kind", ["1", "m"]) == ["good", "bad"]


def test_the_rule_of_the_page_depends_on_its_templates(monkeypatch):
    monkeypatch.chdir(REPO)
    found = imported_files("workflow/scripts/page.py")
    assert {f"gravispec/report/{name}" for name in TEMPLATES if "catalogue" not in name} <= set(found)
    assert {"gravispec/report/page/choose.js", "gravispec/report/page/select.js"} <= set(found)
