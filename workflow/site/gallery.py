"""The gallery: figures of README and docs with the page that they stand in, and those that every run writes."""

import ast
import re
from pathlib import Path

IMAGE = re.compile(r"!\[(.*?)\]\(([^)\s]+)\)")
FIGURES, RESULTS = Path("gravispec/report/figures"), Path("results")
#: whose figures are shown, the first that is there
RUNS = ("moe_100k", "moe_smoke")


def page() -> str:
    """The Markdown page; figures of runs are on it where one of ``RUNS`` has been made."""
    lines, shown = (
        ["# Gallery", "", "Figures of these pages, and what `results/{run}/figures/` has of every run.", ""],
        set(),
    )
    for path in [Path("README.md"), *sorted(Path("docs").glob("*.md"))]:
        text = path.read_text(encoding="utf-8")
        title = re.search(r"^# (.*)$", text, re.M)[1]
        for caption, image in IMAGE.findall(text):
            target = image.removeprefix("docs/")
            if target in shown:
                continue
            shown.add(target)
            where = "../README.md" if path.name == "README.md" else path.name
            lines += [f"![{caption}]({target})", "", f"{caption} ([{title}]({where}))", ""]
    run = next((run for run in RUNS if (RESULTS / run / "figures").is_dir()), None)
    lines += ["## Figures of a run", ""]
    for path in sorted(FIGURES.glob("[a-z]*.py")):
        about = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))).splitlines()[0]
        lines += [f"**{path.stem}**: {about}", ""]
        image = RESULTS / (run or "") / "figures" / f"{path.stem}.png"
        if run and image.is_file():
            lines += [f"![{path.stem} of {run}](../{image})", ""]
    return "\n".join(lines)
