"""Spectra of chosen stars with a model and the residual in units of the error."""

import numpy as np
from bokeh.layouts import column, row
from bokeh.models import Span

from gravispec.report.page.chooser import Chooser
from gravispec.report.page.parts import Section, hover, menu, plot
from gravispec.report.spectra_figure import LINES
from gravispec.report.style import PALETTE

COLUMNS = ["flux", "sigma", "model", "residual"]


def chosen_stars(rows, model):
    """``{why: row number}`` of stars worth a look: from low to high log g, the worst residuals, the worst χ²."""
    found, rows = {}, rows.reset_index(drop=True)
    order = rows["log_g"].sort_values().index
    for share in (0.05, 0.25, 0.5, 0.75, 0.95):
        found[int(order[int(share * (len(order) - 1))])] = "typical"
    for i in (rows[model] - rows["log_g"]).abs().nlargest(3).index:
        found.setdefault(int(i), "largest error of log g")
    for i in rows["chi2"].nlargest(2).index:
        found.setdefault(int(i), "largest χ²")
    for i in rows["snr_measured"].nsmallest(1).index:
        found.setdefault(int(i), "lowest S/N")
    return found


def spectra(wave, samples, titles, text):
    """``(section, figures)``: a menu of n ``titles``; ``samples``: flux, sigma, model (n, P); ``wave`` (P,) Å."""
    found = Chooser({"wave": wave}, COLUMNS)
    keys = [str(k) for k in range(len(titles))]
    for key, flux, sigma, model in zip(keys, *(samples[name] for name in COLUMNS[:3]), strict=True):
        good = np.isfinite(sigma) & (sigma > 0)
        residual = np.divide(flux - model, sigma, where=good, out=np.full(len(wave), np.nan))
        for name, values in zip(COLUMNS, (flux, sigma, model, residual), strict=True):
            found.add(name, key, values)
    source = found.source_at(keys[:1])
    star = menu("Star", list(zip(keys, titles, strict=True)), keys[0])
    star.max_width = 700
    found.link(source, [star])
    above = plot("Spectrum", "", "flux / median", height=320, name="spectrum")
    observed = above.line("wave", "flux", source=source, color=PALETTE["sky"], legend_label="observed")
    above.line("wave", "model", source=source, color="black", legend_label="model")
    above.line("wave", "sigma", source=source, color=PALETTE["red"], line_dash="dotted", legend_label="1σ error")
    above.legend.orientation, above.legend.location = "horizontal", "bottom_left"
    above.legend.background_fill_alpha = 0.7
    below = plot(None, "wavelength in vacuum (Å)", "residual / σ", height=200, x_range=above.x_range)
    left = below.line("wave", "residual", source=source, color=PALETTE["blue"])
    below.add_layout(Span(location=0, dimension="width", line_color="#4d4d4d"))
    for name, positions in LINES:
        for position in positions:
            if wave[0] < position < wave[-1]:
                span = {"location": position, "dimension": "height", "line_color": "#a0a0a0", "line_dash": "dotted"}
                above.add_layout(Span(**span))
                below.add_layout(Span(**span))
        inside = [position for position in positions if wave[0] < position < wave[-1]]
        if inside:
            above.text(x=[np.mean(inside)], y=[0], text=[name], text_font_size="10px", text_color="#4d4d4d")
    for fig, line, shown in ((above, observed, "flux"), (below, left, "residual")):
        hover(fig, [line], {"λ": "@wave{0.00} Å", shown: f"@{shown}{{0.000}}"})
    drawn = column(row(star, sizing_mode="stretch_width"), above, below, sizing_mode="stretch_width")
    return Section("spectra", "Spectra of chosen stars", text, figures=["spectra"]), {"spectra": drawn}
