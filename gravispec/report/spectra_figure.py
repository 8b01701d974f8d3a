"""What the data look like: clean and noisy flux of a few stars, the 1σ error, and the lines that carry gravity."""

import matplotlib.pyplot as plt
import numpy as np

from gravispec.report.style import PALETTE, TWO_COLUMNS

#: name and vacuum wavelengths, Å, of the lines that one mark names (air values of NIST plus 2.3 Å)
LINES = (
    ("Ca II", (8500.36,)),
    ("Ca II", (8544.44,)),
    ("Ca II", (8664.52,)),
    ("Na I", (8185.51, 8197.08)),
    ("Mg I", (8809.18,)),
    ("Fe I", (8390.07,)),
    ("Ti I", (8437.26,)),
)


def spectra(wave, samples, *, noise_level):
    """One panel a star: noisy flux, clean flux, and the error times the noise level; lines marked above.

    ``wave`` (P,) Å, vacuum; ``samples``: flux, noisy, error (n, P) and labels (n, 4): T_eff, log_g, M_H, mag.
    """
    n = len(samples["flux"])
    fig, axes = plt.subplots(n, 1, figsize=(TWO_COLUMNS, 1.7 * n), sharex=True, squeeze=False)
    axes = axes[:, 0]
    arrays = (samples[name] for name in ("flux", "noisy", "error", "labels"))
    for ax, flux, noisy, error, labels in zip(axes, *arrays, strict=True):
        ax.plot(wave, noisy, lw=0.3, color=PALETTE["sky"], label="noisy flux")
        ax.plot(wave, flux, lw=0.6, color=PALETTE["black"], label="clean flux")
        ax.plot(wave, noise_level * error, lw=0.5, color=PALETTE["red"], label=f"error × {noise_level:g}")
        ax.set_title(_title(*labels), fontsize=8, loc="left", pad=10)
        ax.set_ylim(0, 1.08 * np.quantile(noisy, 0.998))
        ax.set_xlim(wave[0], wave[-1])
        ax.set_ylabel("flux / median")
        _mark_lines(ax, wave)
    axes[-1].set_xlabel("wavelength in vacuum (Å)")
    fig.legend(*axes[0].get_legend_handles_labels(), ncols=3, fontsize=7, loc="outside lower right")
    return fig


def _title(T_eff, log_g, M_H, mag):
    magnitude = f", i = {mag:.1f} mag" if np.isfinite(mag) else ""
    return rf"$T_{{\rm eff}}$ = {T_eff:.0f} K, log g = {log_g:.2f}, [M/H] = {M_H:+.2f}{magnitude}"


def _mark_lines(ax, wave):
    """Ticks above the panel at the lines inside it, with their names."""
    above = ax.get_xaxis_transform()
    for name, positions in LINES:
        if wave[0] < positions[0] and positions[-1] < wave[-1]:
            ax.vlines(positions, 1.0, 1.03, lw=0.8, color="0.3", transform=above, clip_on=False)
            ax.text(np.mean(positions), 1.035, name, fontsize=5, ha="center", va="bottom", transform=above)
