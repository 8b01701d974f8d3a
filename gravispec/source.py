"""What a module asks for, read from its source: nothing is imported, so that rules are planned quickly."""

import ast
from functools import lru_cache


def arguments(path, function):
    """Names of the arguments of ``function``, defined at the top of the file; None where there is no such function."""
    return _functions(path.read_text(encoding="utf-8")).get(function) if path.is_file() else None


@lru_cache(maxsize=256)
def _functions(source):
    """``{function: names of its arguments}`` of those at the top of a module."""
    functions = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    return {f.name: [argument.arg for argument in (*f.args.args, *f.args.kwonlyargs)] for f in functions}
