"""What a module asks for, read from its source: nothing is imported, so that rules are planned quickly."""

import ast


def arguments(path, function):
    """Names of the arguments of ``function``, defined at the top of the file; None where there is no such function."""
    body = ast.parse(path.read_text(encoding="utf-8")).body if path.is_file() else []
    for node in body:
        if isinstance(node, ast.FunctionDef) and node.name == function:
            return [argument.arg for argument in (*node.args.args, *node.args.kwonlyargs)]
    return None
