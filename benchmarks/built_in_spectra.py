"""The built-in synthesis against spectra of another code, and the Sun's against the observed Sun: a table and a figure.

    python -m benchmarks.built_in_spectra REFERENCE.npz [--figure docs/built_in_spectra.png]

REFERENCE.npz: wave_vac (P,) Å; labels (n, 4) T_eff, log_g, M_H, a_M; norm (n, P) normalised flux and flux (n, P) per Å,
both at a FWHM of 1.6 Å; solar_atlas_norm (P,), the observed Sun, with telluric lines. The first spectrum is the Sun's.
"""

import argparse
import time

import numpy as np

from benchmarks.target import checked
from gravispec.data.files import atomic
from gravispec.report.style import PALETTE, TWO_COLUMNS, plt, style
from gravispec.spectra.instrument import fine_wave, observe
from gravispec.spectra.lte.synthesis import synthesize

FWHM = 1.6  # Å
MICROTURBULENCE = {0: 1.0, 1: 1.7}  # km/s by row of the reference; 2.0 elsewhere
TELLURIC = {  # Å: H2O, O2, H2O; the strong ones, and all that reach 1 % at this resolution
    "strong": ((7160, 7400), (7590, 7700), (8100, 8350)),
    "all": ((7150, 7410), (7580, 7720), (7850, 8450)),
}
PANELS = {  # title: Å, rows of the reference
    "TiO γ": ((7100, 7420), (2, 3)),
    "CN red system": ((7860, 8060), (4, 1)),
    "Na I": ((8165, 8215), (4, 3)),
    "Ca II triplet": ((8480, 8680), (0, 4)),
}
COLOURS = (PALETTE["blue"], PALETTE["red"])


def built_in(reference):
    """Normalised flux and continuum (n, P) of the labels of the reference, and CPU seconds a model."""
    wave, fine = reference["wave_vac"], fine_wave(reference["wave_vac"], FWHM)
    spectra, start = [], time.process_time()
    for row, (T_eff, log_g, M_H, a_M) in enumerate(reference["labels"].astype(float)):
        model = synthesize(T_eff, log_g, M_H, a_M=a_M, v_micro=MICROTURBULENCE.get(row, 2.0), wave=fine)
        spectra.append(observe(fine, np.stack(model), wave, FWHM))
    seconds = (time.process_time() - start) / len(spectra)
    flux, continuum = np.stack(spectra, axis=1)
    return flux / continuum, continuum, seconds


def rms(difference):
    return float(np.sqrt(np.mean(np.square(difference))))


def print_table(reference, norm, continuum):
    print("| T_eff / log g / [M/H] / [α/M] | rms of normalised flux | continuum, ratio |")
    print("|---|---|---|")
    ratio = np.median(continuum / (reference["flux"] / reference["norm"]), axis=1)
    for labels, ours, theirs, level in zip(reference["labels"], norm, reference["norm"], ratio, strict=True):
        T_eff, log_g, M_H, a_M = labels
        print(f"| {T_eff:.0f} / {log_g:.2f} / {M_H:+.2f} / {a_M:+.2f} | {rms(ours - theirs):.4f} | {level:.3f} |")
    wave, atlas = reference["wave_vac"], reference["solar_atlas_norm"]
    for which, windows in TELLURIC.items():
        clear = ~np.any([(wave > low) & (wave < high) for low, high in windows], axis=0)
        ours, theirs = (rms((flux[0] - atlas)[clear]) for flux in (norm, reference["norm"]))
        print(f"| observed Sun without {which} telluric bands | {ours:.4f} (the other code {theirs:.4f}) | |")


def draw(path, reference, norm):
    """Built-in spectra in colour on those of the other code in grey; the Sun has the observed one, too, as dots."""
    wave = reference["wave_vac"]
    with style():
        figure, axes = plt.subplots(2, 2, figsize=(TWO_COLUMNS, 4.6))
        for ax, (title, (window, rows)) in zip(axes.flat, PANELS.items(), strict=True):
            seen = (wave >= window[0]) & (wave <= window[1])
            for row, colour in zip(rows, COLOURS, strict=True):
                T_eff, log_g, M_H, _ = reference["labels"][row]
                name = f"{T_eff:.0f} / {log_g:g} / {M_H:g}"
                ax.plot(wave[seen], reference["norm"][row, seen], color=PALETTE["grey"], linewidth=2, alpha=0.6)
                ax.plot(wave[seen], norm[row, seen], color=colour, linewidth=0.7, label=name)
                if row == 0:
                    ax.plot(wave[seen], reference["solar_atlas_norm"][seen], ".", color="black", markersize=1.2)
            ax.set(title=title, xlabel="wavelength in vacuum (Å)", ylabel="flux / continuum", xlim=window)
            low, high = ax.get_ylim()
            ax.set_ylim(low - 0.2 * (high - low), high)
            ax.legend(loc="lower left", fontsize=6, ncols=2)
        with atomic(path) as part:
            figure.savefig(part, format="png", metadata={"Software": None})


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("reference")
    parser.add_argument("--figure")
    args = parser.parse_args()
    if args.figure:
        checked(args.figure, inputs=[args.reference], overwrite=True)
    with np.load(args.reference, allow_pickle=False) as file:
        reference = {name: file[name] for name in file.files}
    norm, continuum, seconds = built_in(reference)
    print_table(reference, norm, continuum)
    print(f"{seconds:.2f} CPU s a model")
    if args.figure:
        draw(args.figure, reference, norm)


if __name__ == "__main__":
    main()
