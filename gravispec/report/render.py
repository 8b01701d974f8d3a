"""One HTML file from sections and figures: templates of gravispec/report/templates with BokehJS inside."""

import re
from pathlib import Path

from bokeh.embed import components
from bokeh.resources import Resources
from jinja2 import DictLoader, Environment, StrictUndefined

LIMIT = 5_000_000  # bytes
TEMPLATES = ("templates/base.html", "templates/run.html", "templates/catalogue.html", "templates/macros.html")
TEMPLATES += ("templates/page.css", "templates/page.js")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def render(template, sections, figures, **about):
    """HTML of ``sections`` with ``figures``, ``{name: Bokeh figure}``; nothing in it depends on time or machine.

    Its content security policy forbids every request.
    """
    files = {Path(name).name: (Path(__file__).parent / name).read_text(encoding="utf-8") for name in TEMPLATES}
    environment = Environment(loader=DictLoader(files), autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    script, drawn = components(figures)
    bokeh = Resources(mode="inline", components=["bokeh", "bokeh-widgets"]).render_js()
    text = environment.get_template(template).render(
        sections=sections, figures=drawn, script=script, bokeh=bokeh, **about
    )
    return _numbered(text)


def _numbered(text):
    """Random ids in the order in which they stand."""
    found = {name: f"id-{k}" for k, name in enumerate(dict.fromkeys(UUID.findall(text)))}
    return UUID.sub(lambda match: found[match[0]], text)
