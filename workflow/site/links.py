"""Links of Markdown pages."""

import os
import re
from pathlib import Path

FENCE = re.compile(r"^( *)```(\S*)\n(.*?)^\1```$", re.M | re.S)
LINK = re.compile(r"\]\(<?([^)\s>]+)>?(?: \"[^\"]*\")?\)")


def prose(text: str) -> str:
    """The text without its code."""
    return re.sub(r"``.*?``|`[^`\n]*`", "", FENCE.sub("", text))


def targets(text: str) -> list[str]:
    """What links and images lead to, but for addresses."""
    return [target for target in LINK.findall(prose(text)) if not re.match(r"[a-z]+:", target)]


def anchors(text: str) -> list[str]:
    """What links to headings of a page end in, as GitHub and MyST make them of the headings."""
    found = []
    for heading in re.findall(r"^#+ (.*)$", FENCE.sub("", text), re.M):
        plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower().replace("`", "")
        slug = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        again = sum(one == slug or re.fullmatch(rf"{re.escape(slug)}-\d+", one) is not None for one in found)
        found.append(f"{slug}-{again}" if slug in found else slug)
    return found


def in_repository(page: Path, text: str) -> set[Path]:
    """Files that a page links to, relative to the folder that ``page`` is relative to."""
    paths = {target.partition("#")[0] for target in targets(text)} - {""}
    found = {Path(os.path.normpath(page.parent / path)) for path in paths}
    return {path for path in found if path.is_file()}
