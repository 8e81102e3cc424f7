"""Every figure looks as it did when somebody last looked at it.

After a change that is meant, draw the pictures anew and look at each:
``python -m pytest tests/plots/test_pictures.py --mpl-generate-path=tests/plots/pictures``
"""

import pytest

from deeplocalizer.plots import confounds as confounds_figure
from deeplocalizer.plots import curves, dissociation, reliability, selectivity, stimuli
from deeplocalizer.plots import effects as effects_figure
from deeplocalizer.plots import masks as masks_figure
from tests.plots import makers
from tests.plots.test_confounds import study

OWN = {"faces": "face_detection", "digits": "digit_recognition"}
# other releases of the library that draws letters may move them by a hair
looks_as_before = pytest.mark.mpl_image_compare(tolerance=2, savefig_kwargs={"dpi": 72}, remove_text=False)


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
