"""Figures on a dark page: colours of a vector image that follow the reader's setting.

COUNTERPARTS     the colours of the figures, and what they become on a dark page
adapt            let an SVG follow the reader's setting
counterpart      the colour that another one becomes

The file of a figure stays as it is, in light colours: this is for the copy inside a page. On paper it stays light.
Photographs keep their colours; shaded matrices, which are images too, are inverted together with the numbers on them.
"""

from __future__ import annotations

import colorsys
import re
from collections.abc import Mapping

PAPER = "#14181d"  # the ground of a dark page, as in report/style.css
INK = "#e2e6ea"
LEAST = 0.35  # of the saturation of a very light colour that is left
#: Light colours of `deeplocalizer.plots.drawing`; its palette with at least 4.5 : 1 on the dark ground, and apart from
#: each other for readers of any colour vision at least as far as on white (tests/report/test_dark.py).
COUNTERPARTS: Mapping[str, str] = {
    "#ffffff": PAPER,
    "#000000": INK,
    "#1d242c": INK,
    "#5b6672": "#a5afba",
    "#8d99a6": "#83909d",
    "#c9d0d7": "#46515c",
    "#0072b2": "#2989da",
    "#d55e00": "#dc6239",
    "#009e73": "#35bd87",
    "#cc79a7": "#fb8dc5",
    "#e69f00": "#e7c724",
    "#56b4e9": "#5ed0ff",
}
#: A matrix whose cells carry numbers, which are drawn in ink.
MATRIX = 'g:has(> [id^="overlap/"]) image'
_INVERTED = f"{MATRIX}{{filter:invert(.908) hue-rotate(180deg) brightness(.85)}}"
_PAINTED = re.compile(r"\b(fill|stroke|stop-color): ?(#[0-9a-fA-F]{6})\b")
_OPENING = re.compile(r"<svg\b[^>]*>")


def adapt(svg: str) -> str:
    """Let an SVG follow the reader's setting.

    Parameters
    ----------
    svg : str
        A vector image, painted by style attributes as Matplotlib does.

    Returns
    -------
    str
        The image with a stylesheet for dark pages: on a light page and on paper it looks as before. An image that
        paints nothing by style attributes keeps its colours on a light ground.

    Raises
    ------
    ValueError
        If the text holds no ``<svg>`` element.
    """
    opening = _OPENING.search(svg)
    if opening is None:
        raise ValueError("the image to adapt to dark pages holds no <svg> element")
    rules = [_rule(kind, color) for kind, color in sorted(set(_PAINTED.findall(svg)))]
    rules.append(_INVERTED if rules else ":root{background:#fff}")
    # a character of markup may not stand in the text of an element
    style = "".join(rules).replace(">", "&gt;")
    sheet = f"<style>@media screen and (prefers-color-scheme: dark){{{style}}}</style>"
    return svg[: opening.end()] + sheet + svg[opening.end() :]


def counterpart(color: str) -> str:
    """Give the colour that stands on a dark page for one that stands on a light page.

    Parameters
    ----------
    color : str
        ``#rrggbb``.

    Returns
    -------
    str
        The known counterpart; otherwise the same hue with its lightness reversed, between the dark page's paper and
        ink, so that what stood out from white stands out from the dark ground.
    """
    known = COUNTERPARTS.get(color.lower())
    if known is not None:
        return known
    hue, light, saturation = colorsys.rgb_to_hls(*_channels(color))
    dark, bright = (colorsys.rgb_to_hls(*_channels(end))[1] for end in (PAPER, INK))
    # a tint is called saturated however pale it is: what is full of colour in the light would shout in the dark
    saturation *= min(1.0, 2 * (1 - light) + LEAST)
    reversed_ = colorsys.hls_to_rgb(hue, bright - light * (bright - dark), saturation)
    return "#" + "".join(f"{round(255 * channel):02x}" for channel in reversed_)


def _channels(color: str) -> tuple[float, float, float]:
    red, green, blue = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue


def _rule(kind: str, color: str) -> str:
    written = (f'[style*="{kind}:{space}{color}"]' for space in (" ", ""))
    return f"{','.join(written)}{{{kind}:{counterpart(color)}!important}}"
