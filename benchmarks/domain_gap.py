"""How far a run trained on built-in spectra is off on spectra of another code: the domain gap.

    python -m benchmarks.domain_gap REFERENCE.npz results/moe_100k [results/moe_continuum ...]

REFERENCE.npz: wave_vac (P,) Å; flux (n, P) per Å; labels (n, 4) T_eff, log_g, M_H, a_M. Every spectrum gets PFS errors
of a star of 21.5 mag at the lowest noise level of the run, drawn DRAWS times.
"""

import sys

import numpy as np
import pandas as pd

from gravispec.models.flags import BITS
from gravispec.predict import load_runs
from gravispec.spectra.noise import add_noise
from gravispec.spectra.normalise import median_normalised, row_median
from gravispec.spectra.observing import FIELD_ANGLE, SEEING, ZENITH_ANGLE, error_arrays

DRAWS = 100
SEED = 1


def observed(wave, flux, level):
    """Noisy flux and error (DRAWS, P) of one spectrum (P,)."""
    star = pd.DataFrame({"mag": [21.5], "seeing": SEEING, "zenith_angle": ZENITH_ANGLE, "field_angle": FIELD_ANGLE})
    flux = median_normalised(flux[None].astype(np.float32))
    error, _ = error_arrays(wave, flux, star)
    flux, error = (np.repeat(rows, DRAWS, axis=0) for rows in (flux, error))
    noisy = add_noise(flux, error, level=level, seed=SEED, split="reference", rows=np.arange(DRAWS))
    median = row_median(noisy)[:, None]
    return noisy / median, error * level / median


def main(reference, *folders):
    with np.load(reference, allow_pickle=False) as file:
        wave, spectra, labels = file["wave_vac"], file["flux"], file["labels"]
    print("| T_eff / log g / [M/H] / [α/M] | run | Δ log g | σ_MAD | Δ T_eff (K) | Δ [M/H] | flagged for χ² |")
    print("|---|---|---|---|---|---|---|")
    offsets = {}
    for truth, flux in zip(labels, spectra, strict=True):
        T_eff, log_g, M_H, a_M = map(float, truth)
        for folder in folders:
            one, *_ = load_runs([folder])
            name, level = one.run.about["run"], one.level
            if not np.allclose(one.run.wave, wave, rtol=0, atol=0.05):
                raise SystemExit(f"{reference}: other pixels than {folder}")
            rows = level.predict(*observed(one.run.wave, flux, level.about["noise_level"]), one.model)
            delta = rows["log_g"] - log_g
            spread = 1.4826 * (delta - delta.median()).abs().median()
            flagged = (rows["flags"] & BITS["UNLIKE_TRAINING"] > 0).mean()
            offsets.setdefault(name, []).append(delta.median())
            print(
                f"| {T_eff:.0f} / {log_g:.2f} / {M_H:+.2f} / {a_M:+.2f} | {name} | {delta.median():+.2f} | "
                f"{spread:.2f} | {rows['T_eff'].median() - T_eff:+.0f} | {rows['M_H'].median() - M_H:+.2f} | "
                f"{flagged:.0%} |"
            )
    for name, values in offsets.items():
        middle = np.median(values)
        print(f"{name}: offset {middle:+.2f} dex, scatter {1.4826 * np.median(np.abs(values - middle)):.2f} dex, "
              f"n = {len(values)}")  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
