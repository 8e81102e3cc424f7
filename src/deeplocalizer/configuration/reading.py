"""What YAML itself, or Snakemake's way to read it, would pass over in silence.

refuse_repeated   refuse a file in which a key stands twice, or that is more than plain values
read              the plain values of a file; nothing in it is run

A file may be somebody else's. Its values are numbers, words, lists and mappings: no objects of Python, no aliases that
unfold to more than anybody wrote, and no template. Snakemake evaluates a file with the key ``__use_yte__`` as a
template, Python and all, **before** a workflow is asked; so such a file is refused, and `read` never does that.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml

from deeplocalizer.configuration.resolution import DEEPEST, ConfigurationError

TEMPLATE = "__use_yte__"
LARGEST = 8 * 1024**2  # bytes
MOST = 200_000  # values, aliases unfolded


def refuse_repeated(path: str | os.PathLike[str]) -> None:
    """Refuse a file in which a key stands twice in one mapping, or that is more than plain values.

    Parameters
    ----------
    path : path
        A YAML file.

    Raises
    ------
    ConfigurationError
        Naming the key and both of its lines; or the line of what cannot be read, is no plain value, or unfolds to too
        much.
    """
    _composed(path)


def read(path: str | os.PathLike[str]) -> Any:
    """Read the plain values of a file.

    Raises
    ------
    ConfigurationError
        As `refuse_repeated`.
    """
    node = _composed(path)
    loader = yaml.SafeLoader("")
    try:
        return None if node is None else loader.construct_document(node)
    except Exception as error:  # the values of some tags, such as `!!int ""`, it stumbles over in its own way
        raise _unreadable(path, error) from error
    finally:
        loader.dispose()


def _composed(path: str | os.PathLike[str]) -> yaml.Node | None:
    """Read a file as far as its nodes, and look at each."""
    try:
        content = Path(path).read_bytes()
        if len(content) > LARGEST:
            raise ConfigurationError([f"{path}: it has {len(content):,} bytes; no configuration has over {LARGEST:,}"])
        text = content.decode("utf-8-sig")
        if text.lstrip().startswith("{"):
            text = text.replace("\t", " ")  # JSON may be indented by them, YAML may not
        node: yaml.Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValueError) as error:
        if isinstance(error, ConfigurationError):
            raise
        raise _unreadable(path, error) from error
    except RecursionError as error:
        raise ConfigurationError([f"{path}: it is nested too deeply; at most {DEEPEST} levels"]) from error
    if node is not None:
        search = _Search(str(path))
        search.visit(node, 0)
        if search.problems:
            raise ConfigurationError(search.problems)
    return node


def _unreadable(path: str | os.PathLike[str], error: Exception) -> ConfigurationError:
    mark = getattr(error, "problem_mark", None)
    place = f"{path}, line {mark.line + 1}" if mark else str(path)
    reason = getattr(error, "problem", None) or str(error) or type(error).__name__
    return ConfigurationError([f"{place}: it cannot be read as YAML in UTF-8: {' '.join(str(reason).split())}"])


class _Search:
    """The search of a file for keys that stand twice and values that are not plain; each node is looked at once."""

    def __init__(self, path: str) -> None:
        self.problems: list[str] = []
        self._path = path
        self._sizes: dict[int, int] = {}  # of nodes that were looked at, aliases unfolded
        self._above: set[int] = set()

    def visit(self, node: yaml.Node, depth: int) -> int:
        """Look at a node and all below it; say how many values these are."""
        line = node.start_mark.line + 1
        if id(node) in self._above or depth > DEEPEST:
            self._refuse(line, f"a value holds itself, or is nested in more than {DEEPEST} levels")
        if id(node) in self._sizes:
            return self._sizes[id(node)]
        if not node.tag.startswith("tag:yaml.org,2002:") or ":python/" in node.tag:
            self._refuse(line, f"the tag {node.tag!r} makes something else than a plain value; leave it out")
        self._above.add(id(node))
        size = 1
        if isinstance(node, yaml.MappingNode):
            self._keys(node)
            size += sum(self.visit(part, depth + 1) for pair in node.value for part in pair)
        elif isinstance(node, yaml.SequenceNode):
            size += sum(self.visit(item, depth + 1) for item in node.value)
        self._above.remove(id(node))
        self._sizes[id(node)] = size
        if size > MOST:
            self._refuse(line, f"it holds more than {MOST:,} values, counted where an alias repeats them, too")
        return size

    def _keys(self, node: yaml.MappingNode) -> None:
        lines: dict[str, int] = {}
        for key, _ in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                self._refuse(line, "a key is a list or a mapping; keys are words")
            if key.value == TEMPLATE:
                self._refuse(
                    line,
                    f"the key {TEMPLATE!r} makes Snakemake run the Python code of a file, which it has done by now if "
                    "it was given this one; a configuration has values only: take the key out",
                )
            if lines.setdefault(key.value, line) != line:
                first = lines[key.value]
                self.problems.append(
                    f"{self._path}, line {line}: the key {key.value!r} stands in line {first} already; keep one"
                )

    def _refuse(self, line: int, what: str) -> None:
        raise ConfigurationError([*self.problems, f"{self._path}, line {line}: {what}"])
