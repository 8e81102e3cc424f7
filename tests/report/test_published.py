"""Published numbers stand beside those of the study, and no more is said of them than is so."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from deeplocalizer import summaries
from deeplocalizer.report import published
from tests import synthetic
from tests.report import studies
from tests.report.studies import spoken
from tests.report.test_claims import rows
from tests.report.test_tables import cells

SOURCE = "DeepLocalizer 0.0.3"


@pytest.fixture(scope="module")
def effects():
    config = synthetic.configuration(tasks={}, dissociations=[])
    for localizer in config["localizers"].values():
        del localizer["task"]
    return synthetic.measured(config, synthetic.stimuli(config), synthetic.DOUBLE)


def beside(effects, *given, **changes):
    """Give a study without tasks that has these numbers to compare."""
    report = {"title": "T", "authors": [], "identifiable": False}
    report["published"] = [
        dict(zip(("localizer", "sample", "outcome", "value", "source"), (*one, SOURCE), strict=True)) for one in given
    ]
    one = studies.study(studies.effects(rows((0.25, 0.1, 0.4, 0.01, 0.02))), report=report, **changes)
    return replace(one, models=(replace(one.models[0], effects=effects),))


def here(effects, outcome, kind="ablated", category="faces"):
    localizer = "" if kind == "intact" else "faces"
    return summaries.find(effects, kind, outcome, localizer=localizer, task=category)


def test_each_number_stands_beside_the_same_outcome_of_the_study(effects):
    study = beside(effects, ("faces", "faces", "kept", 0.026), ("faces", "faces", "kl", 3.1148))
    kept, kl = here(effects, "kept"), here(effects, "kl")
    (head, group, shares, nats) = cells(published.table(study, study.models[0]))
    assert head == ["Mean", "Published", "Here", "Interval", "Inside", "n", "Random units", "Intact"]
    assert group == ["Without the faces units (DeepLocalizer 0.0.3)"]
    random = 1 - here(effects, "kept", "control").estimate
    inside = "yes" if kept.low <= 0.026 <= kept.high else "no"
    assert shares == [
        "decisions kept: faces", "2.6 %", f"{100 * kept.estimate:.1f} %",
        f"[{100 * kept.low:.1f}, {100 * kept.high:.1f}]", inside, str(kept.n), f"{100 * random:.1f} %", "100.0 %",
    ]  # fmt: skip
    # the divergence under random masks is what the intact network has (nearly nothing) and what they add to it
    random = here(effects, "kl", "intact").estimate + here(effects, "kl", "control").estimate
    assert nats[:3] == ["KL divergence, nats: faces", "3.1148", f"{kl.estimate:.4f}"]
    assert nats[4] == "no"
    assert nats[6] == f"{random:.4f}"


def test_inside_outside_and_absent(effects):
    kept = here(effects, "kept").estimate
    study = beside(effects, ("faces", "faces", "kept", kept))
    text = spoken(published.sentence(study, study.models[0]))
    assert "The one number published by DeepLocalizer 0.0.3 lies in this study's 95 % interval" in text
    study = beside(effects, ("faces", "faces", "kl", 99.0))
    text = spoken(published.sentence(study, study.models[0]))
    assert text.startswith("The one number published by DeepLocalizer 0.0.3 does not lie in this study's 95 % interval")
    study = beside(effects, ("faces", "faces", "kept", kept), ("faces", "faces", "kl", 99.0))
    text = spoken(published.sentence(study, study.models[0]))
    assert "Of the 2 numbers published by DeepLocalizer 0.0.3, 1 lies in this study's 95 % interval." in text
    assert "Outside is the KL divergence of faces (published 99.0000, here" in text
    study = beside(effects, ("faces", "faces", "kl", 98.0), ("faces", "faces", "kl", 99.0))
    text = spoken(published.sentence(study, study.models[0]))
    assert "none lies in" in text and "Outside are the KL" in text
    emptied = effects.assign(estimate=xr.full_like(effects["estimate"], np.nan))
    study = beside(emptied, ("faces", "faces", "kept", 0.5))
    text = spoken(published.sentence(study, study.models[0]))
    assert text.startswith("On decisions kept of faces this study has no number.")
    row = cells(published.table(study, study.models[0]))[-1]
    assert row[2:] == ["–"] * 6
    for word in ("significant", "nan"):
        assert word not in text


def test_an_untrained_network_is_not_compared(effects):
    study = beside(effects, ("faces", "faces", "kept", 0.5))
    model = study.models[0]
    untrained = replace(model, name="other", settings=model.settings | {"weights": "none"})
    assert published.compared(replace(study, models=(model, untrained))) == [model]
    assert published.compared(replace(study, models=(untrained,))) == [untrained]
    assert published.compared(beside(effects)) == []
