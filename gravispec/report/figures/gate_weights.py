"""Mean weight of every expert (columns) over the test stars of every true bin (rows), for each gate."""

from gravispec.evaluation.cells import cells, largest
from gravispec.report.style import at, nothing, panels

ONLY = "weights"


def draw(predictions, models, bin_names):
    """A panel a model with weights, at the lowest noise level and the largest number of training stars."""
    cell = cells(largest(predictions), models)[0]
    bins = range(len(bin_names))
    gates = {m: [f"w_{m}_{k}" for k in bins] for m in cell.models if f"w_{m}_0" in cell.rows}
    gates = {model: columns for model, columns in gates.items() if cell.rows[columns].notna().all(axis=None)}
    counts = cell.rows["bin"].value_counts().reindex(bins, fill_value=0)
    if not gates:
        return nothing("no weights at the lowest noise level")
    fig, axes = panels(len(gates), columns=4, height=3.3 if len(gates) < 4 else 2.8, sharey=True)
    for ax, (model, columns) in zip(axes, gates.items(), strict=True):
        mean = cell.rows.groupby("bin")[columns].mean().reindex(bins).to_numpy()
        image = ax.imshow(mean, vmin=0, vmax=1, cmap="cividis")
        ax.set_title(models[model]["label"], fontsize=8)
        ax.set_xticks(bins, bin_names, rotation=90, fontsize=6)
        ax.set_yticks(bins, [f"{name} (n = {counts[k]:,})" for k, name in enumerate(bin_names)], fontsize=6)
        ax.set_xlabel("expert")
        ax.spines[:].set_visible(False)
        if ax.get_subplotspec().is_first_col():
            ax.set_ylabel("true bin of the test stars")
    fig.suptitle(at(cell.noise_level, cell.n_train), fontsize=8)
    fig.colorbar(image, ax=list(axes), shrink=0.7, label="mean weight")
    return fig
