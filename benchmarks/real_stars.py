"""Labels of observed stars with known parameters, by a trained run as `gravispec predict` applies it: table and figure.

    python -m benchmarks.real_stars SPECTRA.npz LABELS.csv results/survey [--model NAME] [--figure FILE.png]

SPECTRA.npz: NAME__wave (Q,) Å and NAME__flux (Q,) of every star. LABELS.csv: name, T_eff, log_g, M_H, grade (A: known
best), rv_resid_kms, fwhm_A, medium; optionally e_T_eff, e_log_g. The spectra have no errors: 1 % of the flux it is.
"""

import argparse

import numpy as np
import pandas as pd

from gravispec.models.flags import BITS
from gravispec.observed.prepared import prepare
from gravispec.observed.raw import raw
from gravispec.predict import catalogue_rows, load_runs, reading_by
from gravispec.report.style import PALETTE, TWO_COLUMNS, plt, style

ERROR = 0.01  # of the flux
GIANT = 3.6  # log g below it
RANGES = {"full range": (0.0, np.inf), "8380-8850 Å": (8380.0, 8850.0)}
LITERATURE = {"T_eff": 80.0, "log_g": 0.2, "M_H": 0.08}  # 1σ of grade B, where the table gives none
UNITS = {"log_g": "dex", "T_eff": "K", "M_H": "dex"}


def measured(spectra, stars, runs, low, high):
    """Rows of a catalogue of the stars, of the wavelengths from ``low`` to ``high``, Å."""
    wave, tables = runs[0].run.wave, []
    for star in stars.itertuples():
        options = {"velocity": float(star.rv_resid_kms), "fwhm": float(star.fwhm_A), "medium": star.medium}
        reading = reading_by(runs, error=ERROR, **options)
        tables.append(catalogue_rows(runs, prepare(spectrum(spectra, star, low, high), star.name, wave, reading)))
    return pd.concat(tables, ignore_index=True)


def spectrum(spectra, star, low, high):
    """``Raw`` of one star."""
    wave, flux = spectra[f"{star.name}__wave"].astype(float), spectra[f"{star.name}__flux"]
    bad = ~((wave >= low) & (wave <= high) & np.isfinite(flux))
    return raw(np.array([star.name]), wave, flux[None], bad=bad[None], medium=star.medium)


def differences(found, stars):
    """Predicted less literature of each label, and pulls, with the errors of the literature in them."""
    table = stars[["name", "grade", "T_eff", "log_g", "M_H"]].reset_index(drop=True)
    best = (stars["grade"] == "A").to_numpy()
    for label, usual in LITERATURE.items():
        given = stars.get(f"e_{label}", pd.Series(np.nan, stars.index)).to_numpy(float)
        of_star = np.where(np.isfinite(given), given, np.where(best, usual / 3, usual))
        table[f"d_{label}"] = found[label].to_numpy() - stars[label].to_numpy()
        table[f"sigma_{label}"] = found[f"sigma_{label}"].to_numpy()
        table[f"pull_{label}"] = table[f"d_{label}"] / np.hypot(table[f"sigma_{label}"], of_star)
    return table.assign(flags=[" ".join(name for name, bit in BITS.items() if flag & bit) for flag in found["flags"]])


def statistics(table):
    """Rows of a table in Markdown: median and scatter of the differences, shares within 1σ and 2σ."""
    for name, rows in (
        ("all", table),
        (f"giants, log g < {GIANT}", table[table["log_g"] < GIANT]),
        ("dwarfs", table[table["log_g"] >= GIANT]),
        ("grade A", table[table["grade"] == "A"]),
    ):
        cells = []
        for label in UNITS:
            delta, pull = rows[f"d_{label}"].dropna(), rows[f"pull_{label}"].abs()
            form = "+.0f" if label == "T_eff" else "+.2f"
            spread = 1.4826 * (delta - delta.median()).abs().median()
            cells.append(f"{delta.median():{form}} ({spread:{form[1:]}})")
            if label == "log_g":
                cells.append(f"{(pull < 1).mean():.2f}, {(pull < 2).mean():.2f}")
        yield f"| {name} | {len(rows)} | " + " | ".join(cells) + " |"


def drawn(tables, path):
    """Predicted against literature log g and T_eff of every star; grade A is filled."""
    with style():
        fig, axes = plt.subplots(2, len(tables), figsize=(TWO_COLUMNS, 5.4), squeeze=False)
        for column, (name, table) in zip(axes.T, tables.items(), strict=True):
            for ax, label in zip(column, ("log_g", "T_eff"), strict=True):
                truth, best = table[label], table["grade"] == "A"
                for rows, face in ((best, PALETTE["blue"]), (~best, "white")):
                    ax.errorbar(
                        truth[rows], (truth + table[f"d_{label}"])[rows], table[f"sigma_{label}"][rows], fmt="o", ms=4,
                        color=PALETTE["blue"], mfc=face, lw=0.6, label="grade A" if face != "white" else "grade B",
                    )  # fmt: skip
                ends = [truth.min() - 0.1 * np.ptp(truth), truth.max() + 0.1 * np.ptp(truth)]
                ax.plot(ends, ends, color=PALETTE["grey"], lw=0.6)
                unit = " (K)" if label == "T_eff" else " (dex)"
                symbol = "$T_\\mathrm{eff}$" if label == "T_eff" else "log g"
                ax.set(xlabel=f"literature {symbol}{unit}", ylabel=f"predicted {symbol}{unit}")
            column[0].set_title(f"{name}, n = {len(table)}")
        axes[0, 0].legend()
        fig.savefig(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("spectra", "labels", "run"):
        parser.add_argument(name)
    parser.add_argument("--model")
    parser.add_argument("--figure")
    asked = parser.parse_args()
    spectra, stars = np.load(asked.spectra, allow_pickle=False), pd.read_csv(asked.labels)
    runs, tables = load_runs([asked.run], asked.model), {}
    for name, (low, high) in RANGES.items():
        tables[name] = table = differences(measured(spectra, stars, runs, low, high), stars)
        print(f"\n{name}\n\n| stars | n | Δ log g (dex), median (σ_MAD) | within 1σ, 2σ | Δ T_eff (K) | Δ [M/H] |")
        print("|---|---|---|---|---|---|", *statistics(table), sep="\n")
        print(f"\n{table.round(2).to_string(index=False)}")
    if asked.figure:
        drawn(tables, asked.figure)


if __name__ == "__main__":
    main()
