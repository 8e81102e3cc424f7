"""What tables say to a browser, and what figures and scripts become in a page."""

import math
import re

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deeplocalizer.rendering import RenderError, page
from deeplocalizer.report import markup, wording

NO_BREAK = wording.NO_BREAK


@pytest.mark.parametrize(
    ("shown", "value"),
    [
        ("1,234", 1234),
        ("−0.6 %", -0.6),
        ("+1.86", 1.86),
        ("12 (5.0 %)", 12),
        (f"98.8{NO_BREAK}% [97.0,{NO_BREAK}99.5]", 98.8),
        ("[−1.2, 3.4]", -1.2),
        (f"1.2{NO_BREAK}×{NO_BREAK}10⁻¹²", 1.2e-12),
        ("10⁻⁵", 1e-5),
        (f"8{NO_BREAK}×{NO_BREAK}4{NO_BREAK}×{NO_BREAK}4", 128),
        ("1.5e-7", 1.5e-7),
        ("8.9 8.8 8.0", 8.9),
    ],
)
def test_cells_are_sorted_by_their_first_number(shown, value):
    assert float(markup.sort_value(shown)) == pytest.approx(value, rel=1e-11)


@pytest.mark.parametrize("shown", ["–", "yes", "", "conv2", "BCa bootstrap"])
def test_words_have_no_number(shown):
    assert markup.sort_value(shown) == ""


def test_bounds_lie_just_beyond_their_number():
    assert 0.0009 < float(markup.sort_value("< 0.001")) < 0.001
    assert 0.99 < float(markup.sort_value("> 0.99")) < 0.991


def test_small_powers_do_not_vanish():
    assert markup.sort_value("3.0 × 10⁻⁴⁰⁰") == "3.0e-400"


@given(st.floats(-1e9, 1e9), st.integers(0, 4))
def test_decimals_are_read_as_they_were_written(number, digits):
    read = float(markup.sort_value(wording.decimal(number, digits)))
    assert math.isclose(read, round(number, digits), rel_tol=1e-11, abs_tol=0.5 * 10**-digits + 1e-9)


@given(st.floats(-300, -3.01))
def test_powers_are_read_as_they_were_written(log10):
    assert math.isclose(math.log10(float(markup.sort_value(wording.power(log10)))), log10, abs_tol=0.03)


def test_only_what_a_script_cannot_read_gets_a_value():
    html = markup.html(pd.DataFrame({"a": ["1 %"], "b": ["2"], "c": ["3 %"], "d": ["–"]}))
    assert re.findall("<td[^>]*>", html) == [
        "<td>",
        f"<td{markup.RIGHT}>",
        f'<td{markup.RIGHT} data-sort="3">',
        f"<td{markup.RIGHT}>",
    ]


def test_groups_are_bodies_of_their_own():
    html = markup.html(pd.DataFrame({"Of <x>": ["a", "a", "b"], "n": ["1", "2", "3"]}), by="Of <x>")
    assert html.startswith('<table data-by="Of &lt;x&gt;">')
    bodies = re.findall("<tbody>(.*?)</tbody>", html, re.DOTALL)
    assert [body.count("<tr") for body in bodies] == [3, 2]
    assert all('<tr class="group"><th colspan="1" scope="rowgroup">' in body for body in bodies)


def test_totals_stay_out_of_the_body():
    html = markup.html(pd.DataFrame({"a": ["x", "y", "all"], "n": ["1", "2", "3"]}), totals=1)
    body, foot = re.search("<tbody>(.*)</tbody>\n<tfoot>(.*)</tfoot>\n</table>$", html, re.DOTALL).groups()
    assert body.count("<tr>") == 2
    assert "all" in foot and foot.count("<tr>") == 1


def test_a_table_without_rows_has_a_body():
    assert "<tbody></tbody>" in markup.html(pd.DataFrame(columns=["a", "b"]))


def converted(folder, **options):
    (folder / "bars.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"><path style="fill: #ffffff"/></svg>')
    body = '![Bars.](bars.svg){#fig-bars fig-alt="Bars"}\n\nSee @fig-bars.'
    return page.convert({"title": "One", **options}, body, folder)


def test_a_figure_is_a_region_named_by_its_number(tmp_path):
    html = converted(tmp_path)
    region = re.search('<div class="figure-scroll"[^>]*>', html)[0]
    assert 'tabindex="0"' in region and 'role="group"' in region
    assert f'aria-label="Figure{NO_BREAK}1"' in region
    assert html.index("figure-scroll") < html.index("<img") < html.index("<figcaption")


def test_scripts_and_styles_stand_in_the_page(tmp_path):
    (tmp_path / "one.css").write_text(".one{}")
    (tmp_path / "two.css").write_text(".two{}")
    (tmp_path / "end.html").write_text("<script>1;</script>")
    html = converted(tmp_path, css=["one.css", "two.css"], **{"include-after-body": "end.html"})
    assert html.index(".one{}") < html.index(".two{}") < html.index("</head>")
    assert html.index("</main>") < html.index("<script>1;</script>") < html.index("</body>")


@pytest.mark.parametrize(
    ("key", "what"), [("css", "stylesheet"), ("include-after-body", "file of 'include-after-body'")]
)
def test_a_file_that_is_missing_is_named(tmp_path, key, what):
    with pytest.raises(RenderError, match=f"the {what} 'away.x' is not among the files"):
        converted(tmp_path, **{key: "away.x"})


def test_options_of_quarto_are_no_metadata(tmp_path):
    html = converted(tmp_path, **{"toc-location": "left-side", "respect-user-color-scheme": True})
    assert "left-side" not in html and "respect-user" not in html
