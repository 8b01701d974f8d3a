"""Every key of the configuration with its unit, range and default, from the JSON schema; what it means is what
config/config.yaml says beside it, or the table below for keys that do not stand there.
"""

import json
import re
from pathlib import Path

import yaml

SCHEMA, CONFIG = Path("workflow/schemas/config.schema.json"), Path("config/config.yaml")
UNITS = re.compile(r"(?:^|, )(K|dex|Å|km/s|mag|AB mag)(?=$|[,;:])")
ABOUT = """Made from the schema (`workflow/schemas/config.schema.json`), which also checks a configuration in editors.
Where no default stands a key may be left out, unless it is needed. Names of grids, models and runs are yours."""
#: keys without a comment in config.yaml, or with one that says too little
MEANINGS = {
    ("Axis", "start"): "first node, in the unit of the label",
    ("Axis", "stop"): "last node, in the unit of the label",
    ("Axis", "n"): "number of nodes",
    ("Axes", "T_eff"): "K",
    ("Axes", "log_g"): "dex, g in cm s⁻²",
    ("Axes", "M_H"): "dex",
    ("Beside", "labels"): "their ranges",
    ("Fewer", "T_eff"): "nodes along this axis",
    ("Fewer", "log_g"): "nodes along this axis",
    ("Fewer", "M_H"): "nodes along this axis",
    ("Further", "low"): "lowest value, in the unit of the label",
    ("Further", "high"): "highest value, in the unit of the label",
    ("Further", "mean"): "of the label, in its unit, given T_eff, log g and M_H: a sum of broken lines",
    ("Further", "scatter"): "of the label about its mean, in its unit: a number, or such a sum",
    ("Range", "low"): "lowest value, in the unit of the label",
    ("Range", "high"): "highest value, in the unit of the label",
    ("Magnitudes", "low"): "mag, brightest",
    ("Magnitudes", "high"): "mag, faintest",
    ("Splits", "train"): "stars to train with",
    ("Splits", "val"): "stars to validate with",
    ("Splits", "test"): "stars that nothing is fitted to",
    ("Alphas", "low"): "smallest penalty",
    ("Alphas", "high"): "largest penalty",
    ("Alphas", "n"): "number of penalties",
    ("Bins", "T_eff_names"): "names of the bins in T_eff",
    ("Bins", "M_H_names"): "names of the bins in [M/H]",
    ("LteDataset", "labels"): "ranges from which labels of stars are drawn",
    ("Labels", "C_O"): "dex, [C/O]; [C/M] is [α/M] + [C/O]",
    ("Labels", "N_M"): "dex, [N/M]",
    ("Labels", "v_micro"): "km/s, microturbulence",
    ("PfsspecDataset", "train"): "path of the HDF5 file of the training stars",
    ("PfsspecDataset", "val"): "path of the HDF5 file of the validation stars",
    ("PfsspecDataset", "test"): "path of the HDF5 file of the test stars",
    ("PfsspecDataset", "kind"): "your own spectra",
    ("PfsspecDataset", "median"): "as of kind lte",
    ("PfsspecDataset", "continuum"): "Å, as of kind lte",
    ("PfsspecDataset", "fwhm"): "Å, of the Gaussian line-spread function, for the stress of a wrong resolution",
    ("BoszGrid", "source"): "http(s) address of the archive, or a folder with the same layout",
    ("Run", "like"): "a run whose keys are taken where none are given",
    ("Catalogue", "runs"): "trained runs; of each spectrum the one at the nearest S/N counts",
    ("Catalogue", "model"): "whose labels lead; by default the one that the run names",
    ("Catalogue", "files"): "FITS or HDF5, paths and patterns",
    ("Catalogue", "velocity"): "km/s, of the stars, or the column that holds it; fit: measured by model spectra",
    ("Hypothesis", "statement"): "a text instead of the one that is made from the claim",
    ("Hypothesis", "model"): "the model whose score is claimed",
    ("Hypothesis", "metric"): "the score; mae and rmse in dex",
    ("Hypothesis", "at_least"): "lowest score that passes",
    ("Hypothesis", "at_most"): "highest score that passes",
    ("Hypothesis", "difference"): "two models, whose R² is compared",
    ("Hypothesis", "above"): "what the lower limit of the interval of the difference has to exceed",
    ("Hypothesis", "stars"): "those inside the bins, or all",
    ("Hypothesis", "noise_level"): "where it is claimed; by default everywhere",
    ("Hypothesis", "n_train"): "stars, where it is claimed; by default everywhere",
    ("model network", "level_high"): "highest noise level that it learns",
}
#: options that models share
OF_MODELS = {
    "module": "module of gravispec/models",
    "label": "name in figures",
    "covered": "name of its row of covered stars in a summary",
    "all": "name of its row of all stars in a summary",
    "of": "the model that it is made from, by its name here",
    "alpha": "penalty; 0: by cross-validation",
    "family": "features that it reads: a module of gravispec/features",
    "families": "features that it reads: modules of gravispec/features",
    "hidden": "units of the hidden layers",
    "dropout": "share of the hidden units that is left out at every step",
    "learning_rate": "of the optimiser, or of the trees",
    "weight_decay": "of the optimiser",
    "batch": "stars of a step",
    "epochs": "passes over the training stars, at most",
    "patience": "epochs, or trees, without improvement before stopping",
    "seeds": "fits with different seeds; the first predicts",
    "n_trees": "trees, at most",
    "leaves": "leaves of a tree",
    "feature_fraction": "share of the features that a tree sees",
    "bagging_fraction": "share of the stars that a tree sees",
    "bagging_freq": "trees after which other stars are drawn",
    "max_bin": "bins of a feature",
    "bank": "models drawn from the prior for a first idea",
    "draws": "draws of a round of importance sampling",
    "components": "numbers that a spectrum is made of",
    "degree": "of a free polynomial on the continuum",
    "ridge_mode": "family ridge on the training stars: by the fit to all of them, or out of fold",
    "windows": "windows of the spectrum that a tower reads",
    "width": "pixels of a window",
    "spacing": "pixels between the centres of windows, at least",
    "segments": "groups of windows whose mean is kept",
    "weight": "of an expert, below which the global Ridge counts",
}


def page() -> str:
    """The Markdown page."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    said = comments(schema)
    text = ["# Configuration: every key", "", ABOUT]
    for name, definition in {"Config": schema, **schema["$defs"]}.items():
        title = "The file" if name == "Config" else name[0].upper() + name[1:]
        about = " ".join((definition.get("description") or "").replace("``", "`").split())
        text += ["", f"## {title}", "", *([about, ""] if about and name != "Config" else [])]
        text += ["| key | unit | range | default | meaning |", "|---|---|---|---|---|"]
        text += [row(schema, definition, name, key, said) for key in definition["properties"]]
    return "\n".join(text) + "\n"


def row(schema, definition, name, key, said):
    """A line of the table of a definition."""
    about = definition["properties"][key]
    meaning = meaning_of(name, key, said)
    if match := UNITS.search(meaning):
        meaning = (meaning[: match.start()] + meaning[match.end() :]).lstrip(" ,;:")
    unit = match[1] if match else ""
    needed = key in definition.get("required", []) and "default" not in about and "const" not in about
    default = "needed" if needed else code(about["const"]) if "const" in about else code(about.get("default"))
    cells = [f"`{key}`", unit, range_of(about), default, meaning]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def meaning_of(name, key, said):
    """What a key means; raises KeyError where nothing says so."""
    found = MEANINGS.get((name, key)) or said.get((name, key))
    if not found and name == "Axes":
        found = said.get(("LteAxes", key))
    if not found and name == "BoszGrid":
        found = said.get(("LteGrid", key))
    if name.startswith("model "):  # options of one name mean the same in all
        found = found or OF_MODELS.get(key) or next((text for (_, other), text in said.items() if other == key), "")
    return found or _unknown(name, key)


def _unknown(name, key):
    raise KeyError(f"{name}.{key}: no comment in {CONFIG} and no line in {__name__}")


def range_of(about) -> str:
    """Allowed values: a type, limits, a list, names of definitions."""
    if "anyOf" in about or "oneOf" in about:
        parts = [range_of(one) for one in about.get("anyOf", about.get("oneOf")) if one.get("type") != "null"]
        return " or ".join(dict.fromkeys(parts))
    if "$ref" in about:
        return link(about["$ref"])
    if "const" in about or "enum" in about:
        return ", ".join(code(value) for value in about.get("enum", [about.get("const")]))
    kind = about.get("type", "")
    if kind in ("number", "integer"):
        limits = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
        return ", ".join([kind, *(f"{sign} {about[key]:,}" for key, sign in limits.items() if key in about)])
    if kind == "array":
        items = about.get("items", {})
        n = [about.get("minItems"), about.get("maxItems")]
        size = f" of {n[0]}" if n[0] == n[1] and n[0] else f" of at least {n[0]}" if n[0] else ""
        return f"list{size}: {range_of(items) or 'values'}"
    if kind == "object":
        values = about.get("additionalProperties") or next(iter(about.get("patternProperties", {}).values()), None)
        return f"by name: {range_of(values)}" if isinstance(values, dict) else "by name"
    return "text" if kind == "string" else {"boolean": "true, false"}.get(kind, kind)


def link(reference: str) -> str:
    """The section of a definition."""
    name = reference.rpartition("/")[2]
    return f"[{name}](#{name.lower().replace(' ', '-')})"


def code(value) -> str:
    """A value as YAML has it on one line; nothing for a default that is nothing."""
    if value in (None, "", [], {}):
        return ""
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10_000)
    return f"`{text.split('...')[0].strip()}`"


def comments(schema) -> dict[tuple[str, str], str]:
    """``{(definition, key): comment}`` of config.yaml: of the first key of a line, the first time that it has one."""
    text = CONFIG.read_text(encoding="utf-8")
    lines, found = text.splitlines(), {}

    def walk(node, about):
        name, about = _definition(schema, about, node)
        if isinstance(node, yaml.SequenceNode):
            for item in node.value:
                walk(item, about.get("items", {}))
        if not isinstance(node, yaml.MappingNode):
            return
        pattern = next(iter(about.get("patternProperties", {}).values()), about.get("additionalProperties"))
        for key, value in node.value:
            line = lines[key.start_mark.line]
            first = re.match(r"[\s-]*([\w.]+):", line)
            comment = re.search(r"\s#\s*(.+)$", line)
            if name and comment and first and first[1] == key.value and first.start(1) == key.start_mark.column:
                found.setdefault((name, key.value), comment[1])
            of_value = about.get("properties", {}).get(key.value, pattern)
            walk(value, of_value if isinstance(of_value, dict) else {})

    walk(yaml.compose(text), {"$ref": "#"})
    for key, comment in re.findall(r"^  #   (\w+): .+?\s# (.+)$", text, re.M):  # an example that is commented out
        found.setdefault(("Catalogue", key), comment)
    return found


def _definition(schema, about, node):
    """The name and the schema that a node of the configuration has to fit."""
    if about.get("$ref") == "#":
        return "Config", schema
    if "$ref" in about:
        name = about["$ref"].rpartition("/")[2]
        return name, schema["$defs"][name]
    given = {k.value: v.value for k, v in node.value} if isinstance(node, yaml.MappingNode) else {}
    for one in about.get("anyOf", about.get("oneOf", [])):
        name, found = _definition(schema, one, node)
        wanted = {k: p["const"] for k, p in found.get("properties", {}).items() if "const" in p}
        if name and all(given.get(k, found["properties"][k].get("default")) == v for k, v in wanted.items()):
            return name, found
    return "", about
