"""The whole configuration.

configuration    the same, as YAML
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from deeplocalizer.rendering.escaping import inert
from deeplocalizer.rendering.outputs import fenced
from deeplocalizer.report.study import Study


def configuration(study: Study) -> str:
    """Write the whole configuration, as YAML."""
    text = yaml.safe_dump(_plain(study.config), sort_keys=False, allow_unicode=True, width=100)
    return fenced(inert(text.rstrip()), "yaml").replace("``` yaml", "```yaml", 1)


def _plain(value: Any) -> Any:
    """Copy a value with plain dictionaries and lists, which is all that YAML should show."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value
