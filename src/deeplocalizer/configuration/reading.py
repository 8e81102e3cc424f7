"""What YAML itself would pass over in silence.

refuse_repeated   refuse a file in which a key stands twice: YAML would keep the last
"""

from __future__ import annotations

import os
from pathlib import Path

import yaml

from deeplocalizer.configuration.resolution import ConfigurationError


def refuse_repeated(path: str | os.PathLike[str]) -> None:
    """Refuse a file in which a key stands twice in one mapping.

    Parameters
    ----------
    path : path
        A YAML file.

    Raises
    ------
    ConfigurationError
        Naming the key and both of its lines.
    """
    problems: list[str] = []
    _search(yaml.compose(Path(path).read_text(encoding="utf-8"), Loader=yaml.SafeLoader), str(path), problems)
    if problems:
        raise ConfigurationError(problems)


def _search(node: yaml.Node | None, path: str, problems: list[str]) -> None:
    if isinstance(node, yaml.MappingNode):
        lines: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if isinstance(key, yaml.ScalarNode) and lines.setdefault(key.value, line) != line:
                first = lines[key.value]
                problems.append(f"{path}, line {line}: the key {key.value!r} stands in line {first} already; keep one")
            _search(value, path, problems)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _search(item, path, problems)
