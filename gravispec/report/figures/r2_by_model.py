"""R² of every model on the covered and on all test stars, with bootstrap intervals, a panel a noise level."""

from gravispec.evaluation.bootstrap import interval, samples_of
from gravispec.evaluation.cells import cells, largest
from gravispec.report.style import ONE_COLUMN, TWO_COLUMNS, at, looks, panels

SHIFT = {"covered": 0.17, "all": -0.17}


def draw(predictions, samples, models, run, confidence):
    """Filled: covered stars; open: all. The largest number of training stars counts."""
    look = looks(models, run)
    measured = cells(largest(predictions), models)
    levels = sorted({cell.noise_level for cell in measured})
    width = ONE_COLUMN if len(levels) == 1 else TWO_COLUMNS
    fig, axes = panels(len(levels), columns=2, height=0.7 + 0.32 * len(models), width=width, sharey=True)
    for ax, level in zip(axes, levels, strict=True):
        here = [cell for cell in measured if cell.noise_level == level]
        for cell in here:
            resampled = samples_of(samples, cell)
            for model in cell.models:
                y, colour = list(models).index(model) + SHIFT[cell.stars], look[model]["color"]
                ends = interval(resampled[model], confidence)
                ax.plot(ends, [y, y], color=colour, lw=1.2)
                ax.plot(cell.r2(model), y, "o", ms=4.5, color=colour, mfc=colour if cell.stars == "covered" else "w")
                text = {"xytext": (4, 0), "textcoords": "offset points", "va": "center", "fontsize": 6}
                ax.annotate(f"{cell.r2(model):.3f}", (ends[1], y), **text)
        covered, every = (f"{len(cell.rows):,}" for cell in here)
        stars = f"filled: {covered} covered, open: all {every} test stars"
        ax.set_title(f"{at(level, here[0].n_train)}\n{stars}", fontsize=7)
        ax.set_yticks(range(len(models)), [look[model]["label"] for model in models])
        ax.margins(x=0.18)
        ax.set_xlabel(f"R² of log g, {confidence:.0%} interval")
    return fig
