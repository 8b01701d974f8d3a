"""Bootstrap distributions of ΔR² of models against the reference on covered stars, with their intervals."""

from gravispec.evaluation.bootstrap import interval, samples_of
from gravispec.evaluation.cells import cells, largest
from gravispec.report.style import compared, looks, nothing, panels


def draw(predictions, samples, models, run, confidence):
    """A row a noise level, a panel a model that ``differences`` compares with the reference."""
    look, reference, names = looks(models, run), run["reference"], compared(models, run)
    covered = [cell for cell in cells(largest(predictions), models) if cell.stars == "covered"]
    if not names:
        return nothing("no models to compare")
    columns = max(min(len(names), 4), 2)
    names += [None] * (-len(names) % columns)
    fig, axes = panels(len(covered) * len(names), columns=columns, height=2.2, sharey=True)
    for ax, (cell, model) in zip(axes, ((cell, name) for cell in covered for name in names), strict=True):
        if not {model, reference} <= set(cell.models):
            ax.set_axis_off()
            continue
        resampled = samples_of(samples, cell)
        difference, colour = resampled[model] - resampled[reference], look[model]["color"]
        low, high = interval(difference, confidence)
        ax.hist(difference, bins=50, color=colour, alpha=0.6, lw=0)
        ax.axvspan(low, high, color=colour, alpha=0.15, lw=0)
        ax.axvline(0, color="0.3", lw=0.8, ls="--")
        what = f"{look[model]['label']} − {look[reference]['label']}\n[{low:+.4f}, {high:+.4f}]".replace("-", "−")
        ax.set_title(what + (f", noise {cell.noise_level:g}" if len(covered) > 1 else ""), fontsize=7)
        ax.set_xlabel("ΔR²")
        ax.locator_params(axis="x", nbins=5)
        if ax.get_subplotspec().is_first_col():
            ax.set_ylabel("resamples")
    n = f"{samples['resample'].nunique():,} resamples of {len(covered[0].rows):,} covered stars"
    fig.suptitle(f"{n}; shaded: {confidence:.0%} interval", fontsize=8)
    return fig
