"""What must not reach a reader: markup that nothing read, and values that are none.

WORDS            how missing values are written
markup           what is left of markup in a text
values           what is left of missing values in a text
"""

import re

_REFERENCES = "fig|tbl|sec|eq"
_MARKUP = re.compile(
    rf"\?@\w|\\?[?@](?:{_REFERENCES})-\w|\?(?:{_REFERENCES})\b|:{{3,}}|\\?\{{python\\?\}}|\{{\{{<|(?:^|\s)#\||\{{#\w"
)
# As Python, NumPy and pandas write what is missing; "None of them", at the start of a sentence, is English.
_VALUES = re.compile(
    r"(?<![\w.])[-+\u2212]?(?:nan|NaN|NAN|inf|Inf|INF|infinity|Infinity|NaT|None(?!\s+(?:of|is|are|was|were|has|have)\b))"
    r"(?![\w])|\\?<NA\\?>"
)
WORDS = frozenset(["nan", "NaN", "inf", "-inf", "None", "NaT", "<NA>"])
_AROUND = 30  # characters of what is shown in a message


def markup(text: str) -> list[str]:
    """Return what is left of markup, each with the words around it."""
    return _found(_MARKUP, text)


def values(text: str) -> list[str]:
    """Return what is left of missing values, each with the words around it."""
    return _found(_VALUES, text)


def _found(pattern: re.Pattern[str], text: str) -> list[str]:
    listed = []
    for found in pattern.finditer(text):
        near = " ".join(text[max(0, found.start() - _AROUND) : found.end() + _AROUND].split())
        listed.append(f"it shows '{found[0].strip()}', in '{near}'")
    return listed
