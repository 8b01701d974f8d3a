"""What a module says of itself, read from its source: nothing is imported, so that rules are planned quickly."""

import ast
from functools import cache

from gravispec.errors import InputError


@cache
def tree(path):
    """The syntax tree of a module; an empty one where there is no file."""
    return ast.parse(path.read_text(encoding="utf-8") if path.is_file() else "")


def function(path, name):
    """The function ``name`` at the top of the file, a node of its tree; None where there is no such function."""
    return next((node for node in tree(path).body if isinstance(node, ast.FunctionDef) and node.name == name), None)


def arguments(path, name):
    """Names of the arguments of a function at the top of the file; None where there is no such function."""
    found = function(path, name)
    return None if found is None else [argument.arg for argument in (*found.args.args, *found.args.kwonlyargs)]


def check_asked(who, asked, allowed):
    """Raise ``InputError`` where the function ``who`` has other arguments than those ``allowed``."""
    unknown = [argument for argument in asked if argument not in allowed]
    if unknown:
        raise InputError(f"{who} asks for {', '.join(unknown)}; it can have {', '.join(allowed)}")


def constants(path, *names):
    """``{name: value}`` of those of ``names`` that are set to a literal at the top of the file."""
    found = (node for node in tree(path).body if isinstance(node, ast.Assign))
    return {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in found
        if getattr(node.targets[0], "id", "") in names
    }
