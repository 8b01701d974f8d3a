"""What the rule files say of every rule: for tests of the rules themselves."""

import re
import textwrap
from pathlib import Path

REPO = Path(__file__).parents[1]
RULE = re.compile(r"^( *)rule ?(\w*):\n((?:\1 {4}.*\n|\n)*)", re.M)
LOOP = re.compile(r"^for (\w+) in \((.*)\):$", re.M)


def rules_of(text):
    """``{name: body}``; a rule in a loop over names stands there once for each of them."""
    found = {}
    for match in RULE.finditer(text):
        body = textwrap.dedent(match[3])
        if match[2]:
            found[match[2]] = body
            continue
        variable, values = LOOP.findall(text[: match.start()])[-1]
        name = re.search(r'name:\n +f"(.+)"', body)[1]
        found |= {name.replace(f"{{{variable}}}", value): body for value in re.findall(r'"(\w+)"', values)}
    return found


RULES = {
    name: body
    for path in sorted((REPO / "workflow/rules").glob("*.smk"))
    for name, body in rules_of(path.read_text()).items()
}
SCRIPTS = {name: re.search(r'script:\s*"\.\./scripts/(.+?)"', body)[1] for name, body in RULES.items()}
