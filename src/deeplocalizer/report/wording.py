"""Numbers and names as a reader meets them, in Markdown.

percent          a share in per cent
points           a difference of shares, in percentage points
interval         the ends of an interval of shares
p                a p-value
power            a number given by its logarithm
decimal          a number with a true minus sign
count            a number with its noun
sample           a number of test stimuli
plural           a noun without its number
listed           names in a row
name             a name of the configuration, in words
code             text as it is written in a file

Nothing here shows NaN: a number that is not there is a dash.
"""

from __future__ import annotations

import math
import re
import string
from collections.abc import Iterable

from deeplocalizer import summaries
from deeplocalizer.rendering.escaping import inert
from deeplocalizer.summaries import Effect

ABSENT = "–"
MINUS = "−"
NO_BREAK = "\N{NO-BREAK SPACE}"
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def decimal(value: float, digits: int = 1) -> str:
    """Write a number: true minus sign, no negative zero, thousands apart."""
    if not math.isfinite(value):
        return ABSENT
    text = f"{abs(value):,.{digits}f}"
    negative = value < 0 and float(text.replace(",", "")) != 0
    return (MINUS if negative else "") + text


def percent(share: float, digits: int = 1) -> str:
    """Write a share in per cent."""
    return ABSENT if not math.isfinite(share) else f"{decimal(100 * share, digits)}{NO_BREAK}%"


def round_percent(share: float) -> str:
    """Write a share that was chosen, not measured, with as many digits as it has."""
    return f"{100 * share:.6g}{NO_BREAK}%"


def interval(effect: Effect) -> str:
    """Write the ends of an interval of shares, in per cent."""
    return f"[{decimal(100 * effect.low)},{NO_BREAK}{decimal(100 * effect.high)}]"


def level(effect: Effect | None) -> str:
    """Write a share with its interval."""
    return ABSENT if effect is None else f"{percent(effect.estimate)} {interval(effect)}"


def points(effect: Effect | None) -> str:
    """Write a difference of shares with its interval."""
    if effect is None:
        return ABSENT
    return f"{decimal(100 * effect.estimate)} percentage points {interval(effect)}"


def p(value: float) -> str:
    """Write a p-value with its letter."""
    return f"*p*{NO_BREAK}{p_text(value)}" if math.isfinite(value) else f"*p* {ABSENT}"


def p_text(value: float) -> str:
    """Write a p-value with its relation."""
    return summaries.p_text(value).replace(" ", NO_BREAK)


def p_cell(value: float) -> str:
    """Write a p-value as it stands in a table, where the head says that it is one."""
    return ABSENT if not math.isfinite(value) else p_text(value).removeprefix(f"={NO_BREAK}")


def power(log10: float) -> str:
    """Write a number between 0 and 1 that is given by its logarithm."""
    if not math.isfinite(log10):
        return ABSENT
    if log10 > -3:
        return f"{10**log10:.3f}" if log10 < 0 else "1"
    exponent = math.floor(log10)
    lead = round(10 ** (log10 - exponent), 1)
    if lead >= 10:
        lead, exponent = 1.0, exponent + 1
    return f"{lead:.1f}{NO_BREAK}×{NO_BREAK}10{str(exponent).translate(_RAISED)}"


def count(number: int, noun: str, plural: str = "") -> str:
    """Write a number with its noun, such as ``1 unit`` or ``2,097 units``."""
    return f"{number:,}{NO_BREAK}{noun if number == 1 else plural or noun + 's'}"


def listed(names: Iterable[str], last: str = "and") -> str:
    """Write names in a row, such as ``a, b and c``."""
    row = list(names)
    return row[0] if len(row) == 1 else f"{', '.join(row[:-1])} {last} {row[-1]}" if row else ""


def name(given: str) -> str:
    """Write a name of the configuration in words."""
    return escaped(summaries.plain(given))


def escaped(text: str) -> str:
    """Write text, on one line, so that Markdown shows every character of it."""
    line = inert(" ".join(text.splitlines()))
    return "".join(f"\\{mark}" if mark in string.punctuation and mark not in ",.-()" else mark for mark in line)


def code(text: str) -> str:
    """Write text as it stands in a file, on one line; nothing in it ends the code or is more than code."""
    line = inert(" ".join(text.splitlines()))
    longest = max(map(len, re.findall("`+", line)), default=0)
    mark = "`" * (longest + 1)
    return f"{mark} {line} {mark}" if longest else f"`{line}`"


def capitalized(sentence: str) -> str:
    """Begin a sentence with a capital letter."""
    return sentence[:1].upper() + sentence[1:]


def sample(stimuli: int, groups: int) -> str:
    """Write a number of test stimuli, and of their groups where these are fewer."""
    told = count(stimuli, "test stimulus", "test stimuli")
    return told if groups == stimuli else f"{told} in {count(groups, 'group')}"


def plural(noun: str, number: int) -> str:
    """Write a noun as its number wants it."""
    return noun if number == 1 else f"{noun}s"
