"""The sources of the docs site: README, docs and all that they link to, with pages made of code and schema.

``make docs`` calls this and then Sphinx. Needs PyYAML alone: nothing of gravispec is imported.
"""

import re
import shutil
import sys
from pathlib import Path

from workflow.site import api, config_reference, gallery
from workflow.site.links import in_repository

#: caption and pages of the parts of the menu; README is the first page, and what stands nowhere here comes last
MENU = {
    "First steps": ["docs/tutorial.md", "docs/gallery.md", "docs/outputs.md", "docs/faults.md"],
    "Your spectra": [
        "docs/observed.md",
        "docs/nuisances.md",
        "docs/real_stars.md",
        "docs/pfs_star.md",
        "docs/own_spectra.md",
    ],
    "Results": ["docs/limit.md", "docs/calibration.md", "docs/benchmark.md", "docs/towers.md", "benchmarks/results.md"],
    "Spectra": ["docs/spectra.md", "docs/real_stars.md", "docs/bosz.md"],
    "Larger": ["docs/scaling.md", "docs/cluster.md", "config/README.md"],
    "Reference": ["docs/config_reference.md", "docs/api.md"],
    "Project": ["docs/architecture.md", "CONTRIBUTING.md", "CODE_OF_CONDUCT.md", "CHANGELOG.md"],
}


def main(out: Path):
    """Write the sources to the folder ``out``, in the place of what is there."""
    shutil.rmtree(out, ignore_errors=True)
    made, listed = generated(), whole_menu()
    copied = {Path("README.md"), *(Path(page) for pages in listed.values() for page in pages if page not in made)}
    texts = {Path(name): text for name, text in made.items()}
    texts |= {path: path.read_text(encoding="utf-8") for path in copied}
    files = {target for path, text in texts.items() for target in in_repository(path, text)} - set(texts)
    for path, text in texts.items():
        (out / path).parent.mkdir(parents=True, exist_ok=True)
        (out / path).write_text(
            for_sphinx(text) + (toctrees(listed) if path == Path("README.md") else ""), encoding="utf-8"
        )
    for path in files:
        target = out / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    shutil.copyfile(Path(__file__).with_name("conf.py"), out / "conf.py")
    (out / "index.html").write_text('<meta http-equiv="refresh" content="0; url=README.html">\n')


def generated() -> dict[str, str]:
    """``{path: text}`` of the pages that are made."""
    pages = {f"docs/api/{name}.md": text for name, text in api.pages().items()}
    about = "# API\n\nSignatures and docstrings of all public modules; `gravispec --help` shows the commands.\n\n"
    entries = "\n".join(f"* [{name}](api/{name}.md)" for name in api.pages())
    toctree = f"\n\n```{{toctree}}\n:hidden:\n\n{chr(10).join(f'api/{name}' for name in api.pages())}\n```\n"
    pages["docs/api.md"] = about + entries + toctree
    return pages | {"docs/config_reference.md": config_reference.page(), "docs/gallery.md": gallery.page()}


def whole_menu() -> dict[str, list[str]]:
    """``MENU`` with all pages of docs."""
    listed = {page for pages in MENU.values() for page in pages}
    more = sorted({str(path) for path in Path("docs").glob("*.md")} - listed)
    return MENU | ({"More": more} if more else {})


def toctrees(listed: dict[str, list[str]]) -> str:
    """The tables of contents that Sphinx makes its menu of."""
    parts = []
    for caption, pages in listed.items():
        names = "\n".join(page.removesuffix(".md") for page in pages)
        parts.append(f"\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{names}\n```\n")
    return "".join(parts)


def for_sphinx(text: str) -> str:
    """Diagrams, which need a script from elsewhere, are shown as their text."""
    return re.sub(r"^( *)```mermaid$", r"\1```text", text, flags=re.M)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
