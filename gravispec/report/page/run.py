"""The page of a run from its tables: sections in their order, and the figures in them."""

from gravispec.report.page.bins import bins
from gravispec.report.page.coverage import coverage
from gravispec.report.page.curves import curves
from gravispec.report.page.parts import Section
from gravispec.report.page.provenance import provenance
from gravispec.report.page.reforms import reforms
from gravispec.report.page.stars import chooser, figures
from gravispec.report.page.stress import stress
from gravispec.report.page.verdict import verdict
from gravispec.report.render import LIMIT, render

MOST_STARS = 20_000


def page(tables, models, run, *, confidence, bin_names, calibrations, spectra, behind, sizes, shown):
    """HTML of a run, at most ``LIMIT`` bytes: with fewer stars where they would not fit, which the page says.

    tables : ``{name: DataFrame}``, as files of a run are called
    spectra : section and figures of chosen stars
    behind, sizes, shown : as ``provenance`` takes them
    """
    predictions = tables["predictions"]
    every = predictions.loc[predictions["split"] == "test", "star_id"].nunique()
    most = MOST_STARS
    while True:
        found = chooser(predictions, models, calibrations, bin_names, most)
        drawn = figures(found, models, run)
        n = len(found.fixed["star_id"])
        text = "Hover over a star; select stars with the pointer or the menus: they are selected in all plots."
        if n < every:
            text += f" {n:,} of the {every:,} test stars are drawn."
        sections = [
            verdict(tables["summary"], tables["hypotheses"], models, run, confidence),
            Section("stars", "Predicted against true", text, figures=["stars"]),
        ]
        for section, plots in (
            coverage(tables["coverage"], tables["posteriors"], models, run),
            stress(tables["stress"], models, run),
            bins(tables["per_bin"], tables["by_snr"], predictions, models, run, bin_names),
            curves(tables["curves"], tables["summary"], models, run),
            spectra(),
        ):
            sections += [section] if section else []
            drawn |= plots
        sections += [provenance(behind, sizes, shown), reforms(behind, predictions, models, run, confidence)]
        text = render("run.html", sections, drawn, title=f"gravispec: {run['name']}", run=run)
        if (size := len(text.encode())) <= LIMIT:
            return text
        most = int(0.9 * n * min(1, LIMIT / size))
