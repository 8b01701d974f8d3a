"""What the data look like: clean and noisy flux of a few stars, the 1σ error, and the lines that carry gravity."""

import matplotlib.pyplot as plt
import numpy as np

from gravispec.report.style import PALETTE, TWO_COLUMNS

#: vacuum wavelengths, Å (air values of NIST plus 2.3 Å)
LINES = {
    "Ca II": (8500.36, 8544.44, 8664.52),
    "Na I": (8185.51, 8197.08),
    "Mg I": (8809.18,),
    "Fe I": (8390.07, 8691.01),
    "Ti I": (8437.26,),
}


def spectra(wave, samples, *, noise_level):
    """One panel a star: noisy flux, clean flux, and the error times the noise level; lines marked above.

    ``wave`` (P,) Å, vacuum; ``samples``: flux, noisy, error (n, P) and labels (n, 4): T_eff, log_g, M_H, mag.
    """
    n = len(samples["flux"])
    fig, axes = plt.subplots(n, 1, figsize=(TWO_COLUMNS, 1.7 * n), sharex=True)
    for ax, flux, noisy, error, labels in zip(
        np.atleast_1d(axes), *(samples[k] for k in ("flux", "noisy", "error", "labels")), strict=True
    ):
        T_eff, log_g, M_H, mag = labels
        ax.plot(wave, noisy, lw=0.3, color=PALETTE["sky"], label="noisy flux")
        ax.plot(wave, flux, lw=0.6, color=PALETTE["black"], label="clean flux")
        ax.plot(wave, noise_level * error, lw=0.5, color=PALETTE["red"], label=f"error × {noise_level:g}")
        magnitude = f", i = {mag:.1f} mag" if np.isfinite(mag) else ""
        title = f"T_eff = {T_eff:.0f} K, log g = {log_g:.2f}, [M/H] = {M_H:+.2f}{magnitude}"
        ax.set_title(title, fontsize=8, loc="left", pad=10)
        ax.set_ylim(0, 1.08 * np.quantile(noisy, 0.999))
        ax.set_xlim(wave[0], wave[-1])
        ax.set_ylabel("flux / median")
    top = np.atleast_1d(axes)[0]
    for name, positions in LINES.items():
        inside = [w for w in positions if wave[0] < w < wave[-1]]
        for ax in np.atleast_1d(axes):
            for position in inside:
                ax.plot(
                    [position] * 2, [1.0, 1.03], lw=0.8, color="0.3", transform=ax.get_xaxis_transform(), clip_on=False
                )
        for position in inside:
            top.text(position, 1.035, name, fontsize=5, ha="center", va="bottom", transform=top.get_xaxis_transform())
    np.atleast_1d(axes)[-1].set_xlabel("wavelength in vacuum (Å)")
    np.atleast_1d(axes)[-1].legend(ncols=3, fontsize=7, loc="lower left", bbox_to_anchor=(0, 0.08))
    return fig
