"""Pages with the signatures and docstrings of all public modules, classes and functions; nothing is imported."""

import ast
import re
from pathlib import Path

PACKAGE = Path("gravispec")


def pages() -> dict[str, str]:
    """``{name of a page: Markdown}``: one for the modules at the top, one a package."""
    found = {}
    for folder in [PACKAGE, *sorted(path.parent for path in PACKAGE.rglob("*/__init__.py"))]:
        modules = [path for path in sorted(folder.glob("*.py")) if not path.name.startswith("_")]
        if folder == PACKAGE / "config":
            modules.insert(0, folder / "__init__.py")
        if modules:
            name = ".".join(folder.parts)
            found[name] = "\n".join([f"# {name}", *(part for path in modules for part in module(path))]) + "\n"
    return found


def module(path: Path) -> list[str]:
    """Lines of a module."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    name = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
    lines = ["", f"## {name}", "", *text(tree)]
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            lines += ["", f"### {node.name}", "", "```python", signature(node), "```", "", *text(node)]
            if isinstance(node, ast.ClassDef):
                lines += [line for part in node.body if is_shown(part) for line in method(node, part)]
    return lines


def method(owner: ast.ClassDef, node: ast.FunctionDef) -> list[str]:
    """Lines of a method that has a docstring."""
    return ["", f"#### {owner.name}.{node.name}", "", "```python", signature(node), "```", "", *text(node)]


def is_shown(node: ast.AST) -> bool:
    """Whether a part of a class is a public method with a docstring."""
    named = isinstance(node, ast.FunctionDef) and (not node.name.startswith("_") or node.name == "__call__")
    return named and ast.get_docstring(node) is not None


def signature(node: ast.FunctionDef | ast.ClassDef) -> str:
    """Its first line, with decorators but those of the command line, and the fields of a class with their types."""
    before = [f"@{ast.unparse(one)}" for one in node.decorator_list]
    before = [line for line in before if not line.startswith(("@click.", "@main."))]
    if isinstance(node, ast.ClassDef):
        bases = ", ".join(ast.unparse(base) for base in node.bases)
        fields = [f"    {ast.unparse(part)}" for part in node.body if isinstance(part, ast.AnnAssign)]
        public = [field for field in fields if not field.startswith("    _")]
        return "\n".join([*before, f"class {node.name}({bases}):" if bases else f"class {node.name}:", *public])
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return "\n".join([*before, f"def {node.name}({ast.unparse(node.args)}){returns}"])


def text(node: ast.AST) -> list[str]:
    """The docstring as Markdown: sections such as Args become lists; what is no code means itself."""
    lines = []
    for line in (ast.get_docstring(node) or "").splitlines():
        if match := re.fullmatch(r"(Args|Returns|Raises|Yields|Parameters):", line):
            lines += ["", f"{match[1]}:", ""]
        elif re.match(r" {4}\w", line) and (match := re.match(r" {4}(\w+)(: .*)", line)):
            lines.append(f"* `{match[1]}`{plain(match[2])}")
        else:
            lines.append(plain(line.strip()))
    return lines


def plain(line: str) -> str:
    """Characters that mean something in Markdown escaped, but in code."""
    parts = re.split(r"(``.*?``)", line)
    return "".join(part if i % 2 else re.sub(r"([*<>\[\]|$#~])", r"\\\1", part) for i, part in enumerate(parts))
