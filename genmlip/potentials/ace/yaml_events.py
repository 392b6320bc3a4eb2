"""YAML as nested lists and mappings of strings, read from the parser's events.

Potentials are megabytes of short numbers. Building them from events takes a tenth of the time of PyYAML's own
constructor, keeps numbers as written until a reader says what they should be, has no recursion that a deeply
nested file could exhaust, and refuses aliases, so that a small file cannot stand for a huge tree.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from genmlip.errors import FileFormatError

MAX_DEPTH = 16

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parse_yaml(path: Path) -> Any:
    """The document in a file: mappings are dicts, sequences lists, scalars strings, sequences as keys tuples.

    Raises FileFormatError naming the line if it is not YAML, and for aliases, repeated keys and more than one
    document.
    """
    try:
        return _build(path, path.read_bytes())
    except OSError as error:
        raise FileFormatError(f"{path}: {error.strerror or error}") from None
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
        if isinstance(error, FileFormatError):
            raise
        mark = getattr(error, "problem_mark", None)
        line = f" (line {mark.line + 1})" if mark else ""
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "unreadable characters"
        raise FileFormatError(f"{path}: not YAML, or truncated: {problem}{line}") from None


def _build(path: Path, data: bytes) -> Any:
    open_nodes: list[list[Any]] = [[]]  # the items of every sequence or mapping that is not closed yet
    for event in yaml.parse(data, Loader=_LOADER):
        if isinstance(event, yaml.ScalarEvent):
            open_nodes[-1].append(event.value)
        elif isinstance(event, yaml.CollectionStartEvent):
            if len(open_nodes) > MAX_DEPTH:
                raise FileFormatError(f"{path}: line {_line(event)}: nested too deeply")
            open_nodes.append([])
        elif isinstance(event, yaml.CollectionEndEvent):
            items = open_nodes.pop()
            mapping = isinstance(event, yaml.MappingEndEvent)
            open_nodes[-1].append(_mapping(path, items, _line(event)) if mapping else items)
        elif isinstance(event, yaml.AliasEvent):
            raise FileFormatError(f"{path}: line {_line(event)}: aliases are not allowed")
    documents = open_nodes[0]
    if len(documents) != 1:
        raise FileFormatError(f"{path}: holds {len(documents) or 'no'} YAML documents, one is needed")
    return documents[0]


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 0


def _mapping(path: Path, items: list[Any], line: int) -> dict[Any, Any]:
    """Keys and values in turn → a dict."""
    keys = [tuple(key) if isinstance(key, list) else key for key in items[::2]]
    try:
        mapping = dict(zip(keys, items[1::2], strict=True))
    except TypeError:
        raise FileFormatError(f"{path}: mapping that ends in line {line}: a key is no name or list") from None
    if len(mapping) != len(keys):
        raise FileFormatError(f"{path}: mapping that ends in line {line}: a key occurs twice")
    return mapping
