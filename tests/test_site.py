"""The docs site: its sources are complete, its links lead somewhere, and the made pages have every key and function.

``make docs`` builds it with Sphinx, which takes every warning for an error; here is what needs no Sphinx.
"""

import ast
import json
import re

import pytest

from tests.test_project import REPO, tracked
from workflow.site import __main__ as site
from workflow.site import api, config_reference
from workflow.site.links import anchors, targets

SCHEMA = json.loads((REPO / config_reference.SCHEMA).read_text())


@pytest.fixture(autouse=True)
def in_repository(monkeypatch):
    monkeypatch.chdir(REPO)


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    out = tmp_path_factory.mktemp("site") / "docs"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(REPO)
        site.main(out)
    return out


def test_every_page_of_docs_is_in_the_menu_and_every_link_leads_somewhere(sources):
    pages = sorted(sources.rglob("*.md"))
    assert len(pages) > 30
    listed = {page for names in site.whole_menu().values() for page in names}
    assert listed >= {str(path.relative_to(REPO)) for path in tracked("docs/*.md")}
    for page in pages:
        for target in targets(page.read_text()):
            path, _, anchor = target.partition("#")
            file = (page.parent / path).resolve() if path else page
            assert file.exists(), f"{page.relative_to(sources)}: {target}"
            assert not anchor or anchor in anchors(file.read_text()), f"{page.relative_to(sources)}: {target}"


def test_a_page_that_is_in_no_part_of_the_menu_comes_last(monkeypatch):
    short = {caption: [page for page in pages if page != "docs/limit.md"] for caption, pages in site.MENU.items()}
    monkeypatch.setattr(site, "MENU", short)
    *_, (caption, pages) = site.whole_menu().items()
    assert caption == "More"
    assert "docs/limit.md" in pages


def test_every_key_of_the_configuration_has_a_range_and_a_meaning():
    page = config_reference.page()
    for name, definition in {"The file": SCHEMA, **SCHEMA["$defs"]}.items():
        section = re.search(rf"^## {re.escape(name[0].upper() + name[1:])}\n(.*?)(?=^## |\Z)", page, re.M | re.S)[1]
        rows = [re.split(r"(?<!\\) \| ", line[2:-2]) for line in section.splitlines() if line.startswith("| `")]
        assert [row[0].strip("`") for row in rows] == list(definition["properties"]), name
        for key, unit, values, default, meaning in rows:
            assert values, (name, key)
            assert meaning or unit, (name, key)
            assert default or key.strip("`") not in definition.get("required", []), (name, key)


def test_units_ranges_and_defaults_are_those_of_the_schema_and_the_comments():
    lines = config_reference.page().splitlines()
    assert "| `fwhm` | Å | number, ≥ 0.01, ≤ 20 | `1.6` | Gaussian line-spread function |" in lines
    assert "| `step` | Å | number, ≥ 0.001, ≤ 10 | `0.42725` |  |" in lines
    assert "| `median` |  | `noisy`, `clean` | `noisy` | as of kind lte |" in lines
    assert "| `confidence` |  | number, > 0, < 1 | `0.95` | of its percentile intervals |" in lines


def test_what_is_explained_is_a_key():
    keys = {(name, key) for name, one in {"Config": SCHEMA, **SCHEMA["$defs"]}.items() for key in one["properties"]}
    assert set(config_reference.MEANINGS) <= keys
    assert {key for name, key in keys if name.startswith("model ")} >= set(config_reference.OF_MODELS)


def test_a_key_that_nothing_explains_is_named():
    with pytest.raises(KeyError, match=r"Run\.colour"):
        config_reference.meaning_of("Run", "colour", {})


def test_every_public_function_and_class_is_on_a_page():
    pages = api.pages()
    for path in tracked("gravispec/*.py"):
        if path.name.startswith("_"):
            continue
        name = ".".join(path.relative_to(REPO).with_suffix("").parts)
        page = pages[name.rpartition(".")[0]]
        assert f"\n## {name}\n" in page
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                assert f"\n### {node.name}\n" in page, (name, node.name)


def test_the_gallery_has_the_figures_of_the_pages(sources):
    gallery = (sources / "docs/gallery.md").read_text()
    for name in ("r2_against_noise", "coverage", "posterior_ranks", "built_in_spectra"):
        assert f"({name}.png)" in gallery
        assert (sources / f"docs/{name}.png").is_file()
    assert "**predicted_vs_true**" in gallery


def test_pins_of_the_site_are_exact():
    def pins(name):
        lines = (REPO / name).read_text().splitlines()
        assert all(re.fullmatch(r"[A-Za-z0-9_.-]+==[0-9][A-Za-z0-9.]*", line) for line in lines)
        return dict(line.lower().split("==") for line in lines)

    assert {"sphinx", "myst-parser", "furo", "pyyaml"} <= set(pins("requirements-docs.txt"))
