# What Snakemake's own report has: category, label and caption of every table, figure and page - functions only.
from gravispec.plugins.figures import title_of


report: "../report/workflow.rst"


def shown(path, label, *, kind="tables", caption=None, category="{run}"):
    """Output: ``path`` with its caption, workflow/report/{caption}.rst, by default called as the file."""
    caption = caption or Path(path).stem
    return report(
        path,
        caption=f"../report/{caption}.rst",
        category=category,
        subcategory=kind,
        labels={"shows": label},
    )


def shown_figures(names):
    """Output: PNG of figures, labelled by what their modules say; a new figure needs no caption of its own."""
    captions = HERE / "workflow/report/figures"
    return [
        shown(
            f"results/{{run}}/figures/{name}.png",
            title_of(name),
            kind="figures",
            caption=f"figures/{name}" if (captions / f"{name}.rst").exists() else "figure",
        )
        for name in names
    ]
