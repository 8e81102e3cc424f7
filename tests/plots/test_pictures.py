"""Every figure looks as it did when somebody last looked at it.

After a change that is meant, draw the pictures anew and look at each:
``python -m pytest tests/plots/test_pictures.py --mpl-generate-path=tests/plots/pictures``
"""

import numpy as np
import pytest

from deeplocalizer.plots import (
    changes,
    curves,
    dissociation,
    drawing,
    extremes,
    graph,
    reliability,
    selectivity,
    stimuli,
)
from deeplocalizer.plots import confounds as confounds_figure
from deeplocalizer.plots import effects as effects_figure
from deeplocalizer.plots import masks as masks_figure
from deeplocalizer.plots import nulls as nulls_figure
from deeplocalizer.plots import robustness as robustness_figure
from tests import changing, extremal
from tests.plots import makers, robust
from tests.plots.conftest import hand_made
from tests.plots.test_confounds import study
from tests.plots.test_graph import architecture, residual
from tests.plots.test_long_names import OWN as LONG_OWN
from tests.plots.test_long_names import renamed
from tests.plots.test_nulls import measured

OWN = {"faces": "face_detection", "digits": "digit_recognition"}
# what draws a figure must have its look; other releases of the library that draws letters may move them by a hair
looks_as_before = pytest.mark.mpl_image_compare(tolerance=2, style=list(drawing.STYLE), savefig_kwargs={"dpi": 72})


@looks_as_before
def test_stimuli(table, config):
    return stimuli.draw(table, list(config["stimuli"]["categories"]), ["faces"])


@looks_as_before
def test_confounds():
    return confounds_figure.draw(*study(["faces", "scrambled_faces", "objects"], 30))


@looks_as_before
def test_selectivity(contrasts):
    return selectivity.draw(contrasts, 0.05)


@looks_as_before
def test_reliability():
    return reliability.draw(makers.reliability())


@looks_as_before
def test_masks(masks):
    return masks_figure.draw(masks)


@looks_as_before
def test_effects(effects):
    return effects_figure.draw(effects, "correct", OWN)


@looks_as_before
def test_dissociation(effects):
    return dissociation.draw(effects, "correct", OWN)


@looks_as_before
def test_curves():
    return curves.draw(makers.curves(), "correct", OWN)


@looks_as_before
def test_curves_of_many_tasks():
    tasks = [f"task_number_{i}" for i in range(5)]
    points = makers.points(["faces"], tasks, layers=(), keep=False)
    return curves.draw(makers.curves(points), "correct", {"faces": tasks[0]})


@looks_as_before
def test_effects_without_tasks():
    categories, localizers = ["faces", "objects", "digits"], ["faces", "digits"]
    nothing = (np.nan, np.nan)  # p
    rows = {("intact", "", "", name, "raw"): (1.0, 1.0, 1.0, *nothing) for name in categories}
    for shift, localizer in enumerate(localizers):
        for place, name in enumerate(categories):
            kept = 0.95 - 0.1 * ((place + shift) % 3)
            rows["ablated", localizer, "", name, "raw"] = (kept, kept - 0.08, kept + 0.04, *nothing)
            rows["advantage", localizer, "", name, "raw"] = (0.9 - kept, 0.0, 0.2, 0.02, 0.04)
    return effects_figure.draw(hand_made(categories, localizers, rows, chance=np.nan, outcome="kept"), "kept", {})


@looks_as_before
def test_effects_of_long_names(effects):
    return effects_figure.draw(renamed(effects), "correct", LONG_OWN)


@looks_as_before
def test_masks_of_long_names(masks):
    return masks_figure.draw(renamed(masks))


@looks_as_before
def test_dissociation_of_long_names(effects):
    return dissociation.draw(renamed(effects), "correct", LONG_OWN)


@looks_as_before
def test_nulls():
    return nulls_figure.draw(measured(["faces", "digits"]))


@looks_as_before
def test_extremes():
    return extremes.draw(extremal.found(), extremal.pictured(extremal.noise()))


@looks_as_before
def test_extremes_withheld():
    return extremes.draw(extremal.found(), extremal.pictured(extremal.noise()), ["faces"])


@looks_as_before
def test_changes():
    return changes.draw(changing.measured(), changing.pictures())


@looks_as_before
def test_robustness():
    return robustness_figure.draw(robust.table(networks=4))


@looks_as_before
def test_robustness_of_decisions():
    return robustness_figure.draw(robust.table(localizers=1, dissociations=False, networks=0, outcome="kept"))


@looks_as_before
def test_rules():
    stages = {"draw": "stimuli", "inputs": "stimuli", "record": "record", "contrast": "localize", "masks": "localize"}
    stages |= {"ablate": "ablate", "effects": "ablate", "effects_figure": "figures", "report": "report"}
    edges = [("draw", "inputs"), ("inputs", "record"), ("record", "contrast"), ("contrast", "masks")]
    edges += [("masks", "ablate"), ("inputs", "ablate"), ("ablate", "effects"), ("effects", "effects_figure")]
    edges += [("effects_figure", "report"), ("masks", "report")]
    rules = [{"name": name, "stage": stage} for name, stage in stages.items()]
    return graph.rules({"rules": rules, "edges": edges})


@looks_as_before
def test_layers_in_a_chain():
    names = ["conv1", "conv2", "conv3", "hidden"]
    return graph.layers(architecture(names, [(0, 1), (1, 2), (2, 3)]))


@looks_as_before
def test_layers_of_residual_blocks():
    names, edges = residual(6)
    return graph.layers(architecture(names, edges, ["Conv2d", *["Conv2d", "Conv2d", "add"] * 6]))
