"""What can be referred to, and its number.

NAMES            what the kinds of targets are called
Target           what a reference leads to
Numbering        the counters of a document
kind_of          what an identifier labels
"""

from dataclasses import dataclass, field

from deeplocalizer.rendering.errors import RenderError

NAMES = {"fig": "Figure", "tbl": "Table", "sec": "Section", "eq": "Equation"}
COUNTED = ("fig", "tbl", "eq")


@dataclass(frozen=True)
class Target:
    """What a reference leads to: a named number or, without a number, a title."""

    name: str
    number: str
    title: str = ""


@dataclass
class Numbering:
    """Counters of a document, and what they have numbered so far."""

    number_sections: bool
    top_level: int
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTED, 0))
    sections: list[int] = field(default_factory=list)
    targets: dict[str, Target] = field(default_factory=dict)

    def add(self, identifier: str, target: Target) -> None:
        """Remember a target.

        Raises
        ------
        RenderError
            If its name is taken: a reference could not tell the two apart.
        """
        if identifier in self.targets:
            raise RenderError(f"the label '{identifier}' is used twice")
        self.targets[identifier] = target

    def next(self, identifier: str) -> Target:
        """Number a figure, a table or an equation."""
        kind = kind_of(identifier)
        self.counts[kind] += 1
        target = Target(NAMES[kind], str(self.counts[kind]))
        self.add(identifier, target)
        return target

    def next_section(self, level: int) -> str:
        """Return the number of the next heading at a level."""
        depth = level - self.top_level + 1
        self.sections = (self.sections + [0] * depth)[:depth]
        self.sections[-1] += 1
        return ".".join(map(str, self.sections))


def kind_of(identifier: str) -> str:
    """Return ``fig``, ``tbl`` or ``eq`` if an identifier labels one."""
    kind, _, rest = identifier.partition("-")
    return kind if kind in COUNTED and rest else ""
