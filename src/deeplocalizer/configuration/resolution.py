"""From what a researcher wrote to what the workflow runs on.

resolve              fill in the defaults, or name all mistakes at once
ConfigurationError   those mistakes
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from deeplocalizer.configuration import contradictions, networks, problems, sources, validation
from deeplocalizer.configuration.schema import fill
from deeplocalizer.configuration.spelling import path_text, plain_key, value_text
from deeplocalizer.configuration.words import Problem, allowed_text

DEEPEST = 40  # levels; the schema has nine


class ConfigurationError(ValueError):
    """A configuration has mistakes.

    Parameters
    ----------
    problems : sequence of str
        One sentence or more for each mistake: where it is, what is there, what is allowed.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        number = "1 mistake" if len(self.problems) == 1 else f"{len(self.problems)} mistakes"
        super().__init__("\n".join([f"the configuration has {number}:", *(f"- {line}" for line in self.problems)]))


def resolve(configuration: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Fill in every default of a configuration.

    Parameters
    ----------
    configuration : mapping
        As read from YAML; not changed.
    schema : mapping
        As `load_schema` reads it.

    Returns
    -------
    dict
        A deep copy with every default. Resolving it again changes nothing.

    Raises
    ------
    ConfigurationError
        If a value is not allowed or values do not fit together. It names all such mistakes.
    """
    plain = _plain(configuration, ())
    if not isinstance(plain, dict):
        whole = Problem((), f"got {value_text(plain)}", allowed_text(schema, schema))
        raise ConfigurationError([str(whole)])
    refused = validation.refusals(plain, schema)
    found = problems.find(plain, refused, schema)
    found += contradictions.find(fill(validation.sound(plain, refused), schema, schema))
    if found:
        raise ConfigurationError([str(problem) for problem in found])
    filled: dict[str, Any] = fill(plain, schema, schema)
    stimuli = {**filled["stimuli"], "categories": sources.complete(filled["stimuli"]["categories"])}
    ablation = filled["ablation"]
    # the value itself is run anyway: named again, it is no further one
    further = [value for value in ablation["values"] if value != ablation["value"]]
    return {
        **filled,
        "stimuli": stimuli,
        "models": networks.complete(filled["models"]),
        "ablation": {**ablation, "values": further},
    }


def _plain(value: Any, path: tuple[Any, ...]) -> Any:
    """Copy a value with plain dictionaries and lists in place of whatever mappings and sequences it has."""
    if len(path) > DEEPEST:
        where = path_text(tuple(map(plain_key, path[:3])))
        raise ConfigurationError([f"{where}: it is nested too deeply; at most {DEEPEST} levels"])
    if isinstance(value, Mapping):
        return {key: _plain(inner, (*path, key)) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, (*path, index)) for index, item in enumerate(value)]
    return value
