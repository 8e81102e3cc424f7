"""The comparisons that a study is about.

Result           one of them
central          all of them
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deeplocalizer import summaries


@dataclass(frozen=True)
class Result:
    """One comparison that a study is about.

    Parameters
    ----------
    kind : str
        ``advantage`` (of a mask over random masks) or ``double_dissociation`` (of two masks).
    localizer : str
    other : str
        The second localizer of a dissociation.
    task : str
        Of an advantage: a task, a readout or, where there are no tasks, a category.
    """

    kind: str
    localizer: str
    other: str = ""
    task: str = ""

    @property
    def name(self) -> str:
        """What the comparison is called in effects."""
        return "/".join(part for part in (self.kind, self.localizer, self.other, self.task, "raw") if part)


def central(
    tasks: Mapping[str, Sequence[str]],
    localizers: Mapping[str, Mapping[str, Any]],
    contrasts: Mapping[str, Mapping[str, Any]],
    dissociations: Sequence[Sequence[str]],
) -> list[Result]:
    """List the comparisons that a study is about.

    Parameters
    ----------
    tasks, localizers, contrasts : mapping
        By name, as configured.
    dissociations : sequence of pairs of str

    Returns
    -------
    list of Result
        The advantage of each localizer on its own task or readout; without tasks, also on the categories that its units
        prefer (by absolute size, on all that it compares); where no localizer names a task, of each on all of them.
        Then the double dissociations.
    """
    own = [(name, str(one["task"])) for name, one in localizers.items() if one.get("task")]
    asked = own
    if not tasks:
        asked = [
            (name, sample)
            for name, one in localizers.items()
            for sample in [*summaries.preferred(one, contrasts), *([str(one["task"])] if one.get("task") else [])]
        ]
    elif not own:
        asked = [(name, task) for name in localizers for task in tasks]
    found = [Result("advantage", name, task=task) for name, task in dict.fromkeys(asked)]
    return found + [Result("double_dissociation", *pair) for pair in dissociations]
