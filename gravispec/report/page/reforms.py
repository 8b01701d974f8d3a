"""The sheet of the REFORMS recommendations (Kapoor et al. 2024, Sci. Adv. 10, eadk3452), filled as far as rules can.

Items are in reforms.csv, in our words. What only people know stays open, and says so.
"""

from pathlib import Path

import pandas as pd

from gravispec.data.provenance import hash_of
from gravispec.report.page.parts import Column, Section, Table, cell

ITEMS = pd.read_csv(Path(__file__).parent / "reforms.csv")
OPEN = "To be filled by the authors."
COLUMNS = [
    Column("item", "Number in the REFORMS checklist.", number=False),
    Column("module", "Part of the checklist.", number=False),
    Column("asks", "What it asks for, in our words.", number=False),
    Column("answer", "Filled from the configuration and the tables of this run, or open.", number=False),
]


def reforms(behind, predictions, models, run, confidence):
    """The sheet as a section: ``answers`` in the order of the checklist."""
    found = answers(behind, predictions, models, run, confidence)
    rows = [
        [cell(r["item"]), cell(r["module"]), cell(r["asks"]), cell(found.get(r["item"], OPEN))]
        for r in ITEMS.to_dict("records")
    ]
    text = f"{len(found)} of {len(ITEMS)} items are filled from what the rules know; the others need their authors."
    return Section("reforms", "REFORMS sheet", text, [Table("reforms", "REFORMS", COLUMNS, rows)])


def answers(behind, predictions, models, run, confidence):
    """``{item: answer}`` of what the configuration, the tables and the code of a run say."""
    config = behind["config"]
    data, built_in = config["dataset"], config["dataset"]["kind"] != "pfsspec"
    test = predictions[predictions["split"] == "test"].drop_duplicates("star_id")
    val = predictions.loc[predictions["split"] == "val", "star_id"].unique()
    grid = config["grid"] or {}
    parts = config["validation"]
    ranges = ", ".join(f"{name} {test[name].min():.4g} to {test[name].max():.4g}" for name in ("log_g", "T_eff", "M_H"))
    found = {
        "1a": f"Stars with {ranges} as data set {run['dataset']} has them.",
        "2a": f"Data set {run['dataset']}, {_source(data, grid)}; every file with its SHA-256 in provenance.json.",
        "2b": f"gravispec, digests of {len(behind['code'])} modules in Provenance; a release has its version and "
        "CITATION.cff.",
        "2c": "Time and memory of every job: benchmarks/ beside this page; versions in Provenance.",
        "2d": "README.md of the repository.",
        "2e": f"make results/{run['name']}/summary.csv; make reproduce RUN={run['name']} compares.",
        "3b": _frame(data),
        "3d": f"log g, log10 of the surface gravity in cm s⁻², dex: mean {test['log_g'].mean():.2f}, standard "
        f"deviation {test['log_g'].std():.2f}, {test['log_g'].min():.2f} to {test['log_g'].max():.2f}.",
        "3e": f"{', '.join(f'{n:,}' for n in run['n_train'])} training, "
        f"{len(val):,} validation and {len(test):,} test stars.",
        "3f": _missing(data),
        "4a": f"Rows 'all' have every test star; {(~test['uncovered']).sum():,} of {len(test):,} are inside the bins "
        "and in the rows 'covered'.",
        "4b": "Spectra that are not finite end the run with their row; tables are checked before the summary.",
        "4c": f"Noise is added at levels {', '.join(f'{x:g}' for x in run['noise_level'])}; flux and error are divided "
        f"by the {'noisy' if data['median'] == 'noisy' else 'clean'} median"
        + (f" and a running continuum of {data['continuum']:g} Å." if data["continuum"] else "."),
        "5a": "; ".join(f"{about['label']} ({about['module']})" for about in models.values())
        + ". Options in Provenance.",
        "5c": f"Held-out test stars; of the validation stars {parts['fit']:.0%} fit gates, {parts['stop']:.0%} stop "
        f"training, the others calibrate intervals and are seen by no model. Ridge: {config['ridge']['folds']}-fold "
        "cross-validation on training stars.",
        "5d": "All models of the run are reported; none is left out for its result.",
        "5e": "Penalties of Ridges by cross-validation on training stars; all other options are those of the "
        "configuration in Provenance.",
        "5f": f"Differences to {models[run['reference']]['label']}, paired on the same stars.",
        "6a": "Rules hand models training stars, and validation stars where they say so; tests walk the planned jobs "
        "and prove that no fit reads test stars and that clean flux is read by no rule but the ones that add noise.",
        "6b": _duplicates(built_in),
        "6c": "Models read noisy flux and its errors; tests prove that errors, magnitude and S/N alone give R² < 0.05.",
        "7a": "R², RMSE, MAE of log g; bias, scatter, outliers, coverage; RMSE over that of the limit where it is run.",
        "7b": f"Bootstrap over test stars, {confidence:.0%} percentile intervals, paired between models; "
        "split-conformal intervals of every star by S/N.",
        "7c": "Coverage against its exact law with a simultaneous 99 % band; claims by the lower limit of paired "
        "intervals.",
        "8b": "Stress shows what moves log g and is not in the training spectra; flags of a catalogue mark part of it.",
    }
    return found


def _source(data, grid):
    if data["kind"] == "pfsspec":
        return f"files {data['train']}, {data['val']}, {data['test']}"
    kind = {"lte": "the built-in LTE synthesis", "bosz": "BOSZ models"}.get(grid.get("kind"), "a grid")
    return f"spectra interpolated in {kind}, hash of its configuration {hash_of(grid)[:16]}"


def _frame(data):
    if data["kind"] == "pfsspec":
        return "The user's own files."
    labels = data["labels"]
    ranges = [f"{name} {at['low']:g} to {at['high']:g}" for name, at in labels.items() if isinstance(at, dict)]
    return (
        f"Labels drawn from {', '.join(ranges)}: mag uniform, the others Beta({labels['beta']:g}, {labels['beta']:g})."
    )


def _missing(data):
    nuisances = data.get("nuisances")
    if nuisances and nuisances.get("missing"):
        n = len(nuisances["windows"])
        return f"Each of {n} windows is missing with probability {nuisances['missing']:g}; no label."
    return "No pixel and no label is missing."


def _duplicates(built_in):
    if built_in:
        return "Stars are drawn from streams of their splits; a test finds no two with the same labels or noise."
    return "A star_id may not stand in two splits: the rule for the user's files checks it; the rest is theirs."
