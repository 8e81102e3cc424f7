"""The common look, and files that do not change without reason."""

import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pytest

from deeplocalizer.plots import drawing


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


def test_colours_recur_and_differ_while_they_can():
    few = [drawing.color(index) for index in range(len(drawing.PALETTE))]
    assert len(set(few)) == len(few)
    assert drawing.color(len(few)) == few[0]
