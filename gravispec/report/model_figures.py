"""Figures of a run's results. Every function takes tables and returns a ``matplotlib.figure.Figure``."""

import matplotlib.pyplot as plt
import numpy as np

from gravispec.evaluation.bootstrap import interval
from gravispec.evaluation.metrics import scores
from gravispec.evaluation.tables import COVERED_MODELS, test_stars, wide
from gravispec.report.style import MODEL_COLOURS, MODEL_NAMES, ONE_COLUMN, PALETTE, TWO_COLUMNS, write_scores


def r2_by_model(predictions, samples, *, confidence):
    """R² of every model on the covered test stars, with bootstrap intervals."""
    covered, _ = test_stars(predictions)
    resampled = wide(samples, "covered")
    fig, ax = plt.subplots(figsize=(ONE_COLUMN, 2.4))
    for y, model in enumerate(COVERED_MODELS):
        r2 = scores(covered["log_g"], covered[model])["r2"]
        low, high = interval(resampled[model], confidence)
        ax.plot([low, high], [y, y], color=MODEL_COLOURS[model], lw=1.5)
        ax.plot(r2, y, "o", ms=5, color=MODEL_COLOURS[model])
        ax.annotate(f"{r2:.3f}", (high, y), xytext=(4, 0), textcoords="offset points", va="center", fontsize=7)
    ax.set_yticks(range(len(COVERED_MODELS)), [MODEL_NAMES[m] for m in COVERED_MODELS])
    ax.margins(x=0.15)
    ax.set_xlabel(f"R² of log g, {confidence:.0%} interval")
    ax.set_title(f"{len(covered):,} covered test stars", fontsize=8)
    return fig


def delta_by_bin(per_bin, *, metal_poor):
    """ΔR² of the mlp and linear gates against classify in every bin; the bins in ``metal_poor`` are shaded."""
    fig, ax = plt.subplots(figsize=(TWO_COLUMNS, 2.8))
    bins = per_bin.drop_duplicates("bin").sort_values("bin")
    for k in metal_poor:
        ax.axvspan(k - 0.5, k + 0.5, color="0.92", lw=0, label="metal-poor" if k == metal_poor[0] else None)
    for model, shift in (("mlp", -0.12), ("linear", 0.12)):
        rows = per_bin[per_bin["model"] == model].sort_values("bin")
        delta = rows["delta_r2_vs_classify"]
        errors = np.abs(np.stack([delta - rows["ci_low"], rows["ci_high"] - delta]))
        ax.errorbar(rows["bin"] + shift, delta, errors, fmt="o", ms=4, lw=1, color=MODEL_COLOURS[model], label=model)
    ax.axhline(0, color="0.4", lw=0.6)
    labels = bins["name"].str.replace(" ", "\n", n=1) + "\nn = " + bins["n_test"].astype(str)
    ax.set_xticks(bins["bin"], labels, fontsize=7)
    ax.set_xlim(-0.5, len(bins) - 0.5)
    ax.set_ylabel("ΔR² against classify")
    ax.legend(ncols=3, loc="lower right", bbox_to_anchor=(1, 1), fontsize=7)
    return fig


def bootstrap(predictions, samples, *, confidence):
    """Bootstrap distributions of ΔR² of the mlp and linear gates against classify, with their intervals."""
    covered, _ = test_stars(predictions)
    resampled = wide(samples, "covered")
    fig, axes = plt.subplots(1, 2, figsize=(TWO_COLUMNS, 2.4), sharex=True, sharey=True)
    for ax, model in zip(axes, ("mlp", "linear"), strict=True):
        difference = resampled[model] - resampled["classify"]
        low, high = interval(difference, confidence)
        ax.hist(difference, bins=50, color=MODEL_COLOURS[model], alpha=0.6, lw=0)
        ax.axvspan(low, high, color=MODEL_COLOURS[model], alpha=0.15, lw=0)
        ax.axvline(0, color="0.3", lw=0.8, ls="--")
        ax.set_title(f"{model} − classify: [{low:+.4f}, {high:+.4f}]", fontsize=8)
        ax.set_xlabel("ΔR²")
        ax.locator_params(axis="x", nbins=5)
    axes[0].set_ylabel("resamples")
    fig.suptitle(
        f"{len(resampled):,} resamples of {len(covered):,} stars; shaded: {confidence:.0%} interval", fontsize=8
    )
    return fig


def gate_weights(predictions, names):
    """Mean weight of every expert (columns) over the test stars of every true bin (rows), for each gate."""
    covered, _ = test_stars(predictions)
    gates = ("classify", "linear", "mlp")
    fig, axes = plt.subplots(1, len(gates), figsize=(TWO_COLUMNS, 2.9), sharey=True)
    counts = covered["bin"].value_counts().reindex(range(len(names)), fill_value=0)
    for ax, gate in zip(axes, gates, strict=True):
        columns = [f"w_{gate}_{k}" for k in range(len(names))]
        mean = covered.groupby("bin")[columns].mean().reindex(range(len(names))).to_numpy()
        image = ax.imshow(mean, vmin=0, vmax=1, cmap="cividis")
        ax.set_title(gate, fontsize=8)
        ax.set_xticks(range(len(names)), names, rotation=90, fontsize=6)
        ax.set_xlabel("expert")
        for spine in ax.spines.values():
            spine.set_visible(False)
    axes[0].set_yticks(range(len(names)), [f"{n} (n = {counts[k]})" for k, n in enumerate(names)], fontsize=6)
    axes[0].set_ylabel("true bin of the test stars")
    fig.colorbar(image, ax=axes, shrink=0.7, label="mean weight")
    return fig


def predicted_vs_true(predictions, names):
    """Predicted against true log g of the covered test stars, mlp gate and global Ridge, coloured by bin."""
    covered, _ = test_stars(predictions)
    order = np.random.default_rng(0).permutation(len(covered))  # so that no bin hides another
    stars = covered.iloc[order]
    fig, axes = plt.subplots(1, 2, figsize=(TWO_COLUMNS, 3.4), sharex=True, sharey=True)
    # Okabe-Ito has eight colours; black, the ninth, is told apart by lightness
    colours = [PALETTE[c] for c in ("blue", "sky", "black", "green", "yellow", "grey", "red", "orange", "pink")]
    colours = np.array([colours[k % len(colours)] for k in range(len(names))])
    for ax, model in zip(axes, ("global_ridge", "mlp"), strict=True):
        score = scores(stars["log_g"], stars[model])
        ax.scatter(stars["log_g"], stars[model], s=2, c=colours[stars["bin"]], lw=0, alpha=0.7, rasterized=True)
        ends = [stars["log_g"].min(), stars["log_g"].max()]
        ax.plot(ends, ends, color="0.3", lw=0.8)
        ax.set_title(MODEL_NAMES[model], fontsize=8)
        write_scores(ax, score)
        ax.set_xlabel("true log g (dex)")
    axes[0].set_ylabel("predicted log g (dex)")
    for k, name in enumerate(names):
        axes[1].plot([], [], "o", ms=4, color=colours[k], label=name)
    fig.legend(*axes[1].get_legend_handles_labels(), loc="outside right center", fontsize=7, handletextpad=0.2)
    return fig
