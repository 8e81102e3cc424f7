"""Tables show the numbers of the artefacts, and no others."""

import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from deeplocalizer import summaries
from deeplocalizer.report import comparisons, floats, resources, tables
from deeplocalizer.report.loading import load
from tests import synthetic
from tests.report.defaults import completed
from tests.report.studies import spoken


class Cells(HTMLParser):
    """Collect the cells of a table, row by row."""

    def __init__(self):
        super().__init__()
        self.rows, self.inside = [], False

    def handle_starttag(self, tag, attrs):
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self.inside = True

    def handle_endtag(self, tag):
        self.inside = self.inside and tag not in ("td", "th")

    def handle_data(self, data):
        if self.inside:
            self.rows[-1][-1] += data


def cells(html):
    reader = Cells()
    reader.feed(html)
    return [[spoken(cell) for cell in row] for row in reader.rows]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    written = synthetic.write(tmp_path_factory.mktemp("study"), completed(synthetic.configuration()))
    return load(written.description)


@pytest.fixture(scope="module")
def model(study):
    return study.models[0]


def test_html_escapes_aligns_and_groups():
    frame = pd.DataFrame(
        {"Of": ["a", "a", "b"], "Name": ["<x>", "y", "z"], "n": ["1", "2", "3"], "File": ["f", "–", "g"]}
    )
    html = tables.html(frame, code=["File"], by="Of")
    assert cells(html) == [["Name", "n", "File"], ["a"], ["<x>", "1", "f"], ["y", "2", "–"], ["b"], ["z", "3", "g"]]
    assert "<td>&lt;x&gt;</td>" in html
    assert '<td style="text-align: right">1</td>' in html
    assert "<td><code>f</code></td>" in html
    assert "<td>–</td>" in html


def test_stimuli_are_counted(study):
    (head, *rows) = cells(tables.stimuli(study))
    assert head == ["Category", "Labels", "Pixels", "train", "localize", "select", "test", "all", "groups"]
    assert rows[0] == ["faces", "face", "5 × 5", "10", "10", "10", "10", "40", "40"]
    assert rows[1][-2:] == ["40", "38"]
    assert rows[2][1] == "0, 1"
    assert tables._labels([str(i) for i in range(10)]) == "0, …, 9"
    assert tables._labels([]) == "–"


def test_layers_and_preferences(study, model):
    assert cells(tables.layers(model))[1] == ["conv1", "Conv2d", "8 × 4 × 4", "8", "72"]
    summary = summaries.selectivity(model.contrasts, 0.05).sel(contrast="digits", place="conv2")
    row = next(row for row in cells(tables.selectivity(study, model)) if row[:2] == ["digits", "conv2"])
    share = 100 * int(summary["preferring"]) / int(summary["units"])
    assert row[2:5] == ["12", "2", f"{share:.1f} %"]
    assert row[-1].replace("−", "-") == f"{float(summary['median_d']):.2f}"


def test_the_best_units_are_those_with_the_largest_d(study, model):
    rows = [row for row in cells(tables.best_units(study, model)) if row[0] == "faces"]
    d = np.sort(model.contrasts["d"].sel(contrast="faces").values)[::-1]
    assert [row[2] for row in rows] == [f"{value:.2f}" for value in d[d > 0][: tables.BEST]]
    assert rows[0][-1] == "faces"


def test_selected_units_add_up(model):
    rows = cells(tables.selection(model))
    assert rows[-1][0] == "all"
    assert [sum(int(row[column].split(" ")[0]) for row in rows[1:-1]) for column in (1, 2, 3)] == [20, 5, 5]


def test_comparisons_are_those_of_the_effects(study, model):
    rows = cells(comparisons.table(study, model))
    effects = summaries.effect_table(model.effects)
    effects = effects[effects["outcome"] == "correct"]
    assert len([row for row in rows[1:] if len(row) > 1]) == len(effects)
    assert rows[1] == ["Face detection (20 test stimuli)"]
    ablated = summaries.find(model.effects, "ablated", "correct", localizer="faces", task="face_detection")
    row = next(row for row in rows if row[:2] == ["ablated", "faces"])
    assert row[2] == f"{100 * ablated.estimate:.1f}"
    assert row[3] == f"[{100 * ablated.low:.1f}, {100 * ablated.high:.1f}]"
    assert rows[-1][0] == "double dissociation, scaled"
    assert not re.search(r"\bnan\b", str(rows), re.IGNORECASE)


def test_what_the_intact_network_can_do(study, model):
    rows = cells(tables.intact(study, model))
    intact = summaries.find(model.effects, "intact", "correct", task="face_detection")
    assert rows[1][:3] == ["face detection", "2", "50.0 %"]
    assert rows[1][3].startswith(f"{100 * intact.estimate:.1f} %")
    assert rows[1][4] == "> 55.0 %"
    assert rows[1][-1] == "20 (20)"


def test_files_software_and_jobs(study):
    rows = cells(tables.artefacts(study))
    assert next(row[:2] for row in rows if "effects" in row[0]) == ["results/network/effects.nc", "Effects"]
    assert all(re.fullmatch("[0-9a-f]{16}", row[2]) for row in rows[1:])
    assert {"numpy", "snakemake"} <= {row[0] for row in cells(resources.software(study))}
    assert cells(resources.jobs(study))[1:] == [["quick", "0.1", "–"], ["stimuli", "1.2", "100"]]
    assert cells(resources.machines(study))[1:] == [["a laptop; 2 logical cores; Linux", "–", "1"]]


def test_floats_are_numbered_markdown():
    assert floats.figure("a.svg", "fig-a", "One\n  caption.", 'A "word"') == (
        '\n![One caption.](a.svg){#fig-a fig-alt="A \\"word\\""}\n'
    )
    assert floats.table("<table></table>", "tbl-a", "Caption.").startswith("\n::: {#tbl-a}\n\n``` {=html}\n<table>")
