"""The text of configuration files, checked before it is trusted: where a key stands twice, YAML keeps the last one.

``check_files(paths)`` raises for the first mistake in one line; ``check_command_line(argv)`` does so for the files of
``--configfile``, which Snakemake opens before any rule file (profiles/default/config.yaml calls it).
"""

import argparse
import json
import os
import sys

import yaml

from gravispec.errors import InputError


class StrictLoader(yaml.SafeLoader):
    """Refuses keys that stand twice in one mapping, and aliases inside what they name. Merge keys may be overridden."""

    def __init__(self, text):
        super().__init__(text)
        self.here = []  # (key, anchor) of the nodes that are open

    def compose_node(self, parent, index):
        event, key = self.peek_event(), index.value if isinstance(index, yaml.ScalarNode) else index
        if isinstance(event, yaml.AliasEvent):
            if event.anchor in [anchor for _, anchor in self.here]:
                raise _problem(f"alias *{event.anchor} stands inside what it names: write out what is meant", event)
            return super().compose_node(parent, index)
        self.here.append((key, event.anchor))
        node = super().compose_node(parent, index)
        if isinstance(node, yaml.MappingNode):
            self._check_keys(node)
        self.here.pop()
        return node

    def _check_keys(self, node):
        first = {}
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                other = first.setdefault(self._value(key), key)
                if other is not key:
                    name = ".".join(str(part) for part in [*[k for k, _ in self.here if k is not None], key.value])
                    line = other.start_mark.line + 1
                    raise _problem(f"key {name} stands there twice, first in line {line}: keep one of them", key)

    def _value(self, key):
        """What the key is in a dictionary: ``1`` and ``0x1`` are the same."""
        try:
            return self.construct_object(key)
        except (yaml.YAMLError, ValueError):  # a merge key, or no valid value: compared as written
            return key.tag, key.value


def check_files(paths):
    """Raise ``InputError`` for the first of these files that is not a mapping in UTF-8 with every key once."""
    for path in paths:
        if not os.path.isfile(path):  # not a FIFO either, which would be read once and be empty for the jobs
            raise InputError(f"{path}: no file is there; the configuration is one in YAML or JSON")
        with open(path, "rb") as file:
            _check(path, file.read())


def check_command_line(argv):
    """End this process with one line where a file of ``--configfile`` cannot be used."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--configfile", "--configfiles", nargs="*", action="extend", dest="files", default=[])
    end_unless_readable(parser.parse_known_args(argv)[0].files)


def end_unless_readable(paths):
    """End this process with one line at the first mistake in these files."""
    try:
        check_files(paths)
    except InputError as mistake:
        sys.exit(str(mistake))


def _check(path, content):
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise InputError(f"{path}: line {line}: not UTF-8 (byte {content[error.start]:#x}); save it as UTF-8") from None
    try:
        json.loads(text)
        text = text.replace("\t", " ")  # which YAML refuses, and JSON allows between values alone
    except (ValueError, RecursionError):
        pass
    try:
        found = StrictLoader(text).get_single_data()
    except (yaml.YAMLError, ValueError) as error:
        raise InputError(f"{path}: {_in_one_line(error)}") from None
    except RecursionError:
        raise InputError(f"{path}: nested too deeply; the configuration has five levels at most") from None
    if not isinstance(found, dict):
        kind = "nothing" if found is None else f"a {type(found).__name__}"
        raise InputError(f"{path}: {kind} instead of keys; config/config.yaml shows them all")


def _problem(text, at):
    return yaml.MarkedYAMLError(problem=text, problem_mark=at.start_mark)


def _in_one_line(error):
    mark = getattr(error, "problem_mark", None)
    text = " ".join(str(getattr(error, "problem", None) or error).split())
    hint = "; indent by spaces, not tabs" if "'\\t'" in text else ""
    return f"line {mark.line + 1}: {text}{hint}" if mark else f"{text}{hint}"
