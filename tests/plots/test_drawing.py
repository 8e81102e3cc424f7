"""The common look, and files that do not change without reason."""

import io
import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pytest
import typst
from PIL import Image

from deeplocalizer.plots import changes, drawing, reliability
from tests import changing
from tests.plots import makers


def test_settings_are_as_before_afterwards():
    before = mpl.rcParams.copy()
    with drawing.style():
        assert mpl.rcParams["svg.hashsalt"] == "deeplocalizer"
    assert mpl.rcParams.copy() == before


def test_importing_figures_changes_no_setting_and_loads_neither_torch_nor_pyplot():
    code = (
        "import sys, matplotlib as mpl; before = mpl.rcParams.copy()\n"
        "import deeplocalizer.plots.effects, deeplocalizer.plots.stimuli, deeplocalizer.plots.masks\n"
        "import deeplocalizer.plots.selectivity, deeplocalizer.plots.dissociation\n"
        "assert mpl.rcParams.copy() == before\n"
        "assert not {'torch', 'matplotlib.pyplot'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_swarm_stacks_what_crowds_and_moves_nothing_else():
    values = np.array([1.0, 1.0, 1.0, 5.0])
    level = drawing.swarm(values, (0.0, 10.0), 0.5)
    assert sorted(level[:3]) == pytest.approx([0, 0.0625, 0.125])
    assert level[3] == 0
    crowded = drawing.swarm(np.zeros(1000), (-1.0, 1.0), 0.5)
    assert crowded.min() == 0
    assert crowded.max() < 0.5
    assert len(np.unique(crowded)) == 1000
    assert drawing.swarm(np.array([]), (0.0, 1.0), 0.5).size == 0


def test_equal_figures_give_equal_bytes_and_hold_no_time_and_no_font(tmp_path):
    for name in ("one.svg", "two.svg"):
        with drawing.style():
            made = drawing.figure(2.0)
            made.subplots().set_title("faces > objects")
        drawing.save(made, tmp_path / "deep" / name, "A title & more")
    one, two = ((tmp_path / "deep" / name).read_text() for name in ("one.svg", "two.svg"))
    assert one == two
    assert "<dc:date>" not in one
    assert "A title &amp; more" in one
    # letters are outlines: the figure looks the same where the font is missing
    assert "<text" not in one
    assert sorted(path.name for path in (tmp_path / "deep").iterdir()) == ["one.svg", "two.svg"]


@pytest.mark.parametrize("label", [r"cash $\frac", r"$\notaword{x}$ and $y$", "$$", "a $5 and a $10 note"])
def test_dollars_in_a_label_are_letters(tmp_path, label):
    def written(name, words):
        with drawing.style():
            made = drawing.figure(2.0)
            axes = made.subplots()
            axes.set_title(words)
            axes.set_xticks([0, 1], [words, "no"])
            axes.text(0, 0, words)
            axes.plot([0], [0], label=words)
            axes.legend()
        drawing.save(made, tmp_path / name, "A title")
        return (tmp_path / name).read_text()

    # as many letters as are in it are drawn, and no dollar is lost
    glyphs = written("one.svg", label).count("<use")
    assert glyphs == written("two.svg", label.replace("$", "s").replace("\\", "s")).count("<use") > 0


def test_a_figure_is_written_in_every_format_that_is_asked_for(tmp_path):
    written = []
    for folder in ("one", "two"):
        with drawing.style():
            made = drawing.figure(2.0)
            made.subplots().set_title("faces > objects")
        paths = [tmp_path / folder / "figure.svg", str(tmp_path / folder / "figure.pdf")]
        drawing.save(made, paths, "A title")
        written.append([(tmp_path / folder / f"figure{suffix}").read_bytes() for suffix in (".svg", ".pdf")])
    assert written[0] == written[1]
    svg, pdf = written[0]
    assert svg.startswith(b"<?xml")
    assert pdf.startswith(b"%PDF-")
    assert b"/Type /Font" in pdf
    # fonts are embedded as TrueType, never as the drawings that Type 3 is
    assert b"/Subtype /Type3" not in pdf
    assert b"/FontFile2" in pdf
    assert b"CreationDate" not in pdf
    assert b"(A title)" in pdf
    with pytest.raises(ValueError, match=r"as \.svg or \.pdf, not as 'figure\.png'"):
        drawing.save(made, [tmp_path / "figure.svg", tmp_path / "figure.png"], "A title")
    assert not (tmp_path / "figure.svg").exists()


def test_colours_recur_and_differ_while_they_can():
    few = [drawing.color(index) for index in range(len(drawing.PALETTE))]
    assert len(set(few)) == len(few)
    assert drawing.color(len(few)) == few[0]


@pytest.mark.parametrize(
    "draw",
    [lambda: reliability.draw(makers.reliability()), lambda: changes.draw(changing.measured(), changing.pictures())],
    ids=["marks", "photographs"],
)
def test_the_pdf_shows_what_the_svg_shows(tmp_path, draw):
    drawing.save(draw(), [tmp_path / "a.svg", tmp_path / "a.pdf"], "Twins")
    shown = []
    for name in ("a.svg", "a.pdf"):
        page = f'#set page(width: 8in, height: auto, margin: 0pt)\n#image("{name}", width: 8in)'
        (tmp_path / "page.typ").write_text(page)
        drawn = typst.compile(str(tmp_path / "page.typ"), root=str(tmp_path), format="png", ppi=60)
        with Image.open(io.BytesIO(drawn)) as image:
            shown.append(np.asarray(image.convert("RGB"), dtype=float))
    one, other = shown
    assert abs(one.shape[0] - other.shape[0]) <= 1 and one.shape[1] == other.shape[1]
    rows = min(one.shape[0], other.shape[0])
    apart = np.abs(one[:rows] - other[:rows])
    assert one.std() > 10  # there is something to see
    assert apart.mean() < 2.5 and (apart > 100).mean() < 0.01  # edges of letters may differ
