"""Figures follow the reader's setting, and stay readable whatever her colour vision."""

import io
import itertools
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from deeplocalizer.plots import drawing
from deeplocalizer.rendering import dark

# Machado, Oliveira & Fernandes (2009), severity 1, on linear RGB
VISIONS = {
    "full": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
# Ottosson (2020), Oklab: linear RGB to cone responses, and their cube roots to a uniform space
CONES = np.array(
    [[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566],
     [0.0883024619, 0.2817188376, 0.6299787005]]
)  # fmt: skip
UNIFORM = np.array(
    [[0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099],
     [0.0259040371, 0.7827717662, -0.8086757660]]
)  # fmt: skip
COLORS = st.integers(0, 0xFFFFFF).map("#{:06x}".format)


def linear(color):
    channels = np.array([int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def contrast(one, other):
    """Contrast ratio, WCAG 2.1."""
    darker, lighter = sorted(float(np.array([0.2126, 0.7152, 0.0722]) @ linear(color)) for color in (one, other))
    return (lighter + 0.05) / (darker + 0.05)


def nearest(palette, vision):
    """Distance of the two colours of a palette that are most alike."""
    seen = [UNIFORM @ np.cbrt(CONES @ np.clip(VISIONS[vision] @ linear(color), 0, 1)) for color in palette]
    return min(np.linalg.norm(one - other) for one, other in itertools.combinations(seen, 2))


def drawn():
    """Draw a line, a white ground and a shade that no palette knows."""
    made = Figure()
    FigureCanvasSVG(made)
    axes = made.subplots()
    axes.plot([0, 1], color=drawing.PALETTE[0])
    axes.axhspan(0, 1, color="#abcdef")
    written = io.StringIO()
    made.savefig(written, format="svg")
    return written.getvalue()


def test_every_colour_of_the_figures_has_a_counterpart():
    known = (*drawing.PALETTE, drawing.INK, drawing.MUTED, drawing.FAINT, drawing.RANDOM)
    assert {color.lower() for color in known} <= set(dark.COUNTERPARTS)


def test_the_ground_is_that_of_the_page():
    style = (Path(__file__).parents[2] / "report" / "style.css").read_text()
    assert re.findall(r"--paper: (#[0-9a-f]{6});", style)[1] == dark.PAPER
    assert re.findall(r"--ink: (#[0-9a-f]{6});", style)[1] == dark.INK


def test_words_and_marks_stand_out_from_the_dark_ground():
    for color in (*drawing.PALETTE, drawing.INK, drawing.MUTED, drawing.RANDOM):
        assert contrast(dark.counterpart(color), dark.PAPER) >= 4.5


@pytest.mark.parametrize("vision", VISIONS)
def test_the_dark_palette_is_told_apart_as_well_as_the_light_one(vision):
    light = drawing.PALETTE
    assert nearest([dark.counterpart(color) for color in light], vision) >= nearest(light, vision)


@given(COLORS)
def test_any_colour_has_a_counterpart(color):
    assert re.fullmatch("#[0-9a-f]{6}", dark.counterpart(color))


@given(st.integers(0, 255), st.integers(0, 255))
def test_darker_greys_become_lighter(one, other):
    darker, lighter = sorted((one, other))
    values = [int(dark.counterpart(f"#{grey:02x}{grey:02x}{grey:02x}")[5:], 16) for grey in (darker, lighter)]
    assert values[0] >= values[1]


@pytest.mark.parametrize("color", ["#fff1c9", "#dbeaf3", "#f9e7db"])
def test_what_is_but_tinted_in_the_light_is_but_tinted_in_the_dark(color):
    def chroma(one):
        channels = [int(one[i : i + 2], 16) for i in (1, 3, 5)]
        return max(channels) - min(channels)

    assert 0 < chroma(dark.counterpart(color)) <= chroma(color) + 5


def test_an_image_has_a_rule_for_every_colour_it_paints():
    svg = drawn()
    adapted = dark.adapt(svg)
    style = re.search("<style>@media screen and (.*?)</style>", adapted)[1]
    for kind, color in set(re.findall("(fill|stroke): (#[0-9a-f]{6})", svg)):
        assert f'[style*="{kind}: {color}"]' in style
        assert f"{{{kind}:{dark.counterpart(color)}!important}}" in style
    assert adapted.replace(re.search("<style>@media.*?</style>", adapted)[0], "") == svg
    ElementTree.fromstring(adapted)


def test_an_image_that_paints_nothing_keeps_a_light_ground():
    plain = '<svg xmlns="http://www.w3.org/2000/svg"><rect width="3" height="3"/></svg>'
    assert "dark){:root{background:#fff}}</style><rect" in dark.adapt(plain)


def test_what_is_no_vector_image_is_refused():
    with pytest.raises(ValueError, match="holds no <svg>"):
        dark.adapt("PNG")
