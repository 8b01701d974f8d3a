"""Settings of Sphinx; `workflow.site` copies this file beside the pages."""

project = "gravispec"
copyright = "2026, the gravispec developers"
root_doc = "README"
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
suppress_warnings = ["myst.header"]  # a page may begin with ##
html_theme = "furo"
html_title = "gravispec"
html_extra_path = ["index.html"]
html_copy_source = html_show_sourcelink = False
myst_heading_anchors = 6
