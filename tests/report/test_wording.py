"""Numbers and names as a reader meets them."""

import math

import pytest

from deeplocalizer.report import wording
from deeplocalizer.summaries import Effect


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (1234.5, 1, "1,234.5"),
        (-0.04, 1, "0.0"),
        (-0.05001, 1, "−0.1"),
        (-3.2, 1, "−3.2"),
        (0.0, 2, "0.00"),
        (math.nan, 1, "–"),
        (math.inf, 1, "–"),
    ],
)
def test_decimal(value, digits, text):
    assert wording.decimal(value, digits) == text


def test_shares():
    effect = Effect(0.9390, -0.001, 1.0, 0.01, math.nan, 61, 43, "BCa bootstrap")
    assert wording.percent(0.939) == "93.9\N{NO-BREAK SPACE}%"
    assert wording.percent(math.nan) == "–"
    assert wording.interval(effect) == "[−0.1,\N{NO-BREAK SPACE}100.0]"
    assert wording.level(effect) == "93.9\N{NO-BREAK SPACE}% [−0.1,\N{NO-BREAK SPACE}100.0]"
    assert wording.points(effect).startswith("93.9 percentage points [")
    assert wording.level(None) == wording.points(None) == "–"
    assert wording.round_percent(0.1) == "10\N{NO-BREAK SPACE}%"
    assert wording.round_percent(0.975) == "97.5\N{NO-BREAK SPACE}%"


def test_p_values():
    assert wording.p(0.0123) == "*p*\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}0.012"
    assert wording.p(0.0001) == "*p*\N{NO-BREAK SPACE}<\N{NO-BREAK SPACE}0.001"
    assert "nan" not in wording.p(math.nan)
    assert wording.p_cell(0.5) == "0.50"
    assert wording.p_cell(0.0001) == "<\N{NO-BREAK SPACE}0.001"
    assert wording.p_cell(math.nan) == "–"


@pytest.mark.parametrize(
    ("log10", "text"),
    [(0.0, "1"), (math.log10(0.034), "0.034"), (-12.5, "3.2 × 10⁻¹³"), (-4.00001, "1.0 × 10⁻⁴"), (-math.inf, "–")],
)
def test_powers(log10, text):
    assert wording.power(log10).replace("\N{NO-BREAK SPACE}", " ") == text


def test_words():
    assert wording.count(1, "unit") == "1\N{NO-BREAK SPACE}unit"
    assert wording.count(2097, "stimulus", "stimuli") == "2,097\N{NO-BREAK SPACE}stimuli"
    assert wording.sample(61, 43).replace("\N{NO-BREAK SPACE}", " ") == "61 test stimuli in 43 groups"
    assert wording.sample(1, 1).replace("\N{NO-BREAK SPACE}", " ") == "1 test stimulus"
    assert [wording.listed("abc"[:n]) for n in range(4)] == ["", "a", "a and b", "a, b and c"]
    assert wording.listed(["a", "b"], "or") == "a or b"
    assert wording.name("face_detection") == "face detection"
    assert wording.name("a*b[c]") == r"a\*b\[c\]"
    assert wording.code("conv*") == "`conv*`"
    assert wording.capitalized("the network `X`") == "The network `X`"
    assert wording.plural("Network", 1) + wording.plural("Network", 2) == "NetworkNetworks"
