"""Bootstrap distributions of ΔR² of models against the reference on covered stars, with their intervals."""

from gravispec.evaluation.bootstrap import interval, samples_of
from gravispec.evaluation.cells import cells, largest
from gravispec.report.style import compared, looks, nothing, panels


def draw(predictions, samples, models, run, confidence):
    """A panel a noise level and model that ``differences`` compares with the reference."""
    look, reference, shown = looks(models, run), run["reference"], []
    for cell in cells(largest(predictions), models):
        if cell.stars == "covered" and reference in cell.models:
            resampled = samples_of(samples, cell)
            shown += [(cell, m, resampled[m] - resampled[reference]) for m in compared(models, run) if m in cell.models]
    if not shown:
        return nothing("no models to compare")
    fig, axes = panels(len(shown), columns=3 if len(shown) > 4 else 2, height=2.2, sharey=True)
    for ax, (cell, model, difference) in zip(axes, shown, strict=True):
        (low, high), colour = interval(difference, confidence), look[model]["color"]
        ax.hist(difference, bins=50, color=colour, alpha=0.6, lw=0)
        ax.axvspan(low, high, color=colour, alpha=0.15, lw=0)
        ax.axvline(0, color="0.3", lw=0.8, ls="--")
        names = f"{look[model]['label']} − {look[reference]['label']}"
        noise = f", noise {cell.noise_level:g}" if len(run["noise_level"]) > 1 else ""
        ax.set_title(f"{names}{noise}:\n[{low:+.4f}, {high:+.4f}]", fontsize=7)
        ax.set_xlabel("ΔR²")
        ax.locator_params(axis="x", nbins=5)
    for ax in axes:
        if ax.get_subplotspec().is_first_col():
            ax.set_ylabel("resamples")
    n = f"{len(shown[0][2]):,} resamples of {len(shown[0][0].rows):,} covered stars"
    fig.suptitle(f"{n}; shaded: {confidence:.0%} interval", fontsize=8)
    return fig
