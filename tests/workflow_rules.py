"""What the rule files say of every rule: for tests of the rules themselves."""

import re
import textwrap
from pathlib import Path

REPO = Path(__file__).parents[1]
RULE = re.compile(r"^( *)(?:use rule (\w+) as (\w+) with|rule ?(\w*)):\n((?:\1 {4}.*\n|\n)*)", re.M)
LOOP = re.compile(r"^for (\w+) in \((.*)\):$", re.M)


def rules_of(text):
    """``{name: body}``; a rule in a loop over names stands there once for each of them.

    The body of a rule that uses another one is its own, and that of the other after it.
    """
    found = {}
    for match in RULE.finditer(text):
        body = textwrap.dedent(match[5])
        if match[2]:
            found[match[3]] = body + found[match[2]]
            continue
        if match[4]:
            found[match[4]] = body
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
