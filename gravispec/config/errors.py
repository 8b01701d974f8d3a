"""One readable line from pydantic's validation errors: the key, its value, what is allowed, the nearest known key."""

import difflib
import reprlib
from types import UnionType
from typing import get_args, get_origin

from pydantic import BaseModel

SHORT = reprlib.Repr()
SHORT.maxlist, SHORT.maxdict, SHORT.maxstring, SHORT.maxother = 8, 8, 50, 50


def one_line(error, model, prefix=()):
    """Describe the first mistake in ``error``, a pydantic ``ValidationError`` by ``model`` for the key ``prefix``."""
    # an unknown key and the missing one it was meant to be come together: the unknown one says more
    mistake = min(error.errors(), key=lambda e: e["type"] != "extra_forbidden")
    path, models = _walk(mistake["loc"], model)
    if path[-1:] == ["[key]"]:  # of a dictionary, wrong itself
        path.pop()
        mistake["input"] = {}
    key = dotted([*prefix, *path])
    value = f" = {SHORT.repr(mistake['input'])}" if not isinstance(mistake["input"], dict) else ""
    if mistake["type"] == "extra_forbidden":
        allowed = list(models[-1].model_fields)
        return f"{key}{value}: unknown key; allowed here: {', '.join(allowed)}{nearest(path[-1], allowed)}"
    if mistake["type"] == "missing":
        return f"{key}: this key is needed and missing"
    if mistake["type"].startswith("union_tag"):
        expected = mistake["ctx"].get("expected_tags", "'lte', 'pfsspec'")
        found = f" = {mistake['ctx']['tag']!r}" if "tag" in mistake["ctx"] else ""
        return f"{key}.kind{found}: one of {expected} is allowed"
    message = mistake["msg"].removeprefix("Value error, ").replace("Input should", "should")
    return f"{key}{value}: {message}{_bounds(path, models)}" if key else message


def dotted(path):
    """The keys of ``path`` as one word, such as ``runs.moe_smoke.noise_levels[0]``."""
    names = [part if not isinstance(part, str) or part.isprintable() else repr(part) for part in path]
    return "".join([f".{name:.80}" if isinstance(name, str) else f"[{name}]" for name in names]).removeprefix(".")


def nearest(word, words):
    """``"; did you mean 'x'?"`` for the word of ``words`` closest to ``word``, or an empty string."""
    close = difflib.get_close_matches(str(word)[:80], [str(w) for w in words], n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""


def _walk(loc, model):
    """Follow pydantic's ``loc`` from ``model``: the keys as the user wrote them and the models on the way."""
    path, models, here = [], [model], model
    for part in loc:
        if isinstance(here, type) and issubclass(here, BaseModel):
            path.append(part)
            field = here.model_fields.get(part)
            here = _present(field.annotation) if field else None
        elif get_origin(here) is UnionType:  # of a number and a text: pydantic names the one that it tried
            here = None
        elif get_origin(here) is dict:
            path.append(part)
            here = get_args(here)[1]
        else:
            # a union whose member pydantic names by its tag, which is no key of the user's; or an item of a list
            members = {m.model_fields["kind"].annotation.__args__[0]: m for m in _members(here)}
            if part in members:
                here = members[part]
            else:
                path.append(part)
                here = None
        if isinstance(here, type) and issubclass(here, BaseModel):
            models.append(here)
    return path, models


def _present(annotation):
    """``A`` of ``A | None``, any other annotation as it is."""
    present = [member for member in get_args(annotation) if member is not type(None)]
    return present[0] if len(present) == 1 < len(get_args(annotation)) else annotation


def _members(annotation):
    """The models of ``Annotated[A | B, ...]``; none for anything else."""
    while get_args(annotation) and not all(isinstance(a, type) for a in get_args(annotation)):
        annotation = get_args(annotation)[0]
    return [m for m in get_args(annotation) if hasattr(m, "model_fields") and "kind" in m.model_fields]


def _bounds(path, models):
    """The whole allowed range of a numeric key, where it has one."""
    field = models[-1].model_fields.get(path[-1]) if path else None
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    parts = [f"{signs[n]} {getattr(m, n)}" for m in (field.metadata if field else []) for n in signs if hasattr(m, n)]
    return f" (allowed: {' and '.join(parts)})" if parts else ""
