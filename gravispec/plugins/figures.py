"""Figures of a run: modules of ``gravispec/report/figures``, and what they say of themselves, read from their source.

A figure is a module named as its file, with ``draw(...)``, which returns a ``matplotlib.figure.Figure``. What its
arguments are called says what it reads, of ``INPUTS``. A constant ``ONLY`` limits it to runs with several noise levels
(``levels``), or with models that declare ``weights``, ``curve`` or ``posterior``.
"""

import ast
from pathlib import Path

from gravispec.errors import InputError
from gravispec.source import arguments, check_asked, constants, tree

FOLDER = Path(__file__).parents[1] / "report" / "figures"
TABLES = ("predictions", "samples", "bootstrap", "per_bin", "by_snr", "curves", "coverage", "residuals")
TABLES += ("giants_dwarfs",)
INPUTS = (*TABLES, "models", "run", "confidence", "bin_names", "metal_poor")
GROUPS = ("any", "levels", "weights", "curve", "posterior")


def figures_of(group):
    """Names of the figures of one of ``GROUPS``; ``any`` is drawn of every run."""
    paths = [path for path in FOLDER.glob("[a-z]*.py") if arguments(path, "draw") is not None]
    return sorted(path.stem for path in paths if constants(path, "ONLY").get("ONLY", "any") == group)


def title_of(name):
    """What a figure shows: the first sentence of its module's docstring."""
    text = ast.get_docstring(tree(FOLDER / f"{name}.py")) or name
    return " ".join(text.split()).split(". ")[0].rstrip(".")


def inputs_of(name):
    """What a figure reads. Raises ``InputError`` for arguments other than ``INPUTS``, or an unknown group."""
    path = FOLDER / f"{name}.py"
    asked = arguments(path, "draw")
    check_asked(f"figure {name}: draw", asked, INPUTS)
    only = constants(path, "ONLY").get("ONLY", "any")
    if only not in GROUPS:
        raise InputError(f"figure {name}: ONLY = {only!r}; it can be one of {', '.join(GROUPS[1:])}")
    return asked
