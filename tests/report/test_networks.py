"""Networks are told as they are: whose, of which commit, with which weights, and what of them was recorded."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from deeplocalizer import units
from deeplocalizer.models.specification import Specification
from deeplocalizer.report import networks
from tests import synthetic
from tests.report import studies
from tests.report.studies import spoken
from tests.report.test_claims import rows

BIBLIOGRAPHY = Path(__file__).parents[2] / "report" / "references.bib"
THINGS = ("tench", *(f"thing {i}" for i in range(999)))


def made(library="transformers", name="microsoft/resnet-34", revision="4d18", labels=THINGS, **settings):
    """Give a study of one network of a library."""
    one = studies.study(studies.effects(rows((0.25, 0.1, 0.4, 0.01, 0.02))))
    model = replace(
        one.models[0],
        settings={"weights": "pretrained", "layers": ["layer4.*"]} | settings,
        specification=Specification(library, name, revision, {}, labels, {}),
    )
    return replace(one, models=(model,)), model


def test_a_pretrained_network():
    study, model = made()
    text = spoken(networks.methods(study, model))
    assert "is `microsoft/resnet-34` [@he2016] of transformers [@wolf2020] (commit `4d18`)" in text
    assert "with 1,000 outputs, the classes of ImageNet [@russakovsky2015]" in text
    assert "Its weights are the pretrained ones" in text
    assert "the preprocessing that transformers names for it" in text
    assert networks.introduced(study, model) == "architecture `microsoft/resnet-34` of transformers, used as pretrained"


@pytest.mark.parametrize(
    ("settings", "words", "short"),
    [
        ({"weights": "none"}, "left at its random initialisation (seed 0).", "left at its random initialisation"),
        ({"weights": "mine.pt"}, "Its weights are those in `mine.pt`.", "given the weights in `mine.pt`"),
        (
            {"library": "python", "name": "nets:build", "revision": "", "labels": ("a", "b")},
            "Its weights are those that the function gives it.",
            "used with the weights that its author gives it",
        ),
    ],
)
def test_other_weights(settings, words, short):
    study, model = made(**settings)
    assert words in spoken(networks.methods(study, model))
    assert networks.weights(study, model) == short


def test_the_researchers_own_network():
    study, model = made("python", "nets:build", "", ("a", "b"), preprocessing={"resize": 8})
    text = spoken(networks.methods(study, model))
    assert "is `nets:build` of the study's own code, called by name, with 2 outputs." in text
    assert "as the configuration wants it" in text
    assert "commit" not in text and "@" not in text


def test_an_untrained_twin_is_named():
    study, model = made()
    twin = replace(model, name="twin", settings=model.settings | {"weights": "none"})
    pair = replace(study, models=(model, twin))
    text = spoken(networks.methods(pair, twin))
    assert "as the untrained twin of `network`" in text
    assert "It saw the same inputs as `network`, and the same was recorded of it." in text
    assert pair.views == ((model, twin),)
    assert pair.first_alike(twin) is model
    other = replace(twin, specification=replace(twin.specification, name="another"))
    assert "untrained twin" not in networks.methods(replace(study, models=(model, other)), other)


def test_channels_positions_and_tokens_are_told_apart():
    study, model = made()
    assert spoken(networks.recorded(model)) == "20 channel units in 2 layers were recorded"
    config = synthetic.configuration(recording={"reductions": ["position"], "splits": ["localize"]})
    table = synthetic.stimuli(config)
    layers = [units.Layer("a", 0, (2, 3, 3)), units.Layer("b", 0, (4, 2, 2))]
    contrasted = synthetic.contrasts(config, table, layers)
    by_position = replace(model, contrasts=contrasted)
    study = replace(study, config=config, models=(by_position,))
    assert spoken(networks.recorded(by_position)) == (
        "34 position units, every element of the outputs of 2 layers, were recorded"
    )
    text = spoken(networks.methods(study, by_position))
    assert "A position unit is one element of a layer's output: one channel at one place." in text
    assert "channel unit" not in text
    assert "were recorded for the stimuli of `localize`." in text
    study, model = made()
    tokens = replace(model, architecture=model.architecture.assign(axes=("layer", ["channel y x", "token channel"])))
    assert "of a layer of tokens the same over its tokens" in networks.methods(replace(study, models=(tokens,)), tokens)


def test_what_was_passed_over_and_how_it_ran_are_told():
    study, model = made()
    assert "match too" not in networks.methods(study, model) and "To run faster" not in networks.methods(study, model)
    listed = model.architecture.assign(same_as=("layer", np.array(["a.relu a.drop", ""], dtype=object)))
    listed = listed.assign_coords(left_out=("left_out", ["windows()"]))
    hastened = model.contrasts.assign_attrs(faster="channels_last compile", largest_deviation=2.6e-5)
    changed = replace(model, architecture=listed, contrasts=hastened)
    told = spoken(networks.methods(replace(study, models=(changed,)), changed))
    assert "2 outputs that match too are the same as a recorded one and were not recorded again." in told
    assert "1 output that matches has no units." in told
    assert "the network had its channels last in memory and was compiled; on the first stimuli" in told
    assert "by at most 3e-05 of the standard deviation of their layer" in told


def test_class_tokens_are_told():
    config = synthetic.configuration(recording={"reductions": ["class_token"]})
    layers = [units.Layer("a", 0, (17, 4)), units.Layer("b", 0, (17, 3))]
    study, model = made()
    contrasted = synthetic.contrasts(config, synthetic.stimuli(config), layers)
    tokens = replace(model, contrasts=contrasted)
    told = spoken(networks.methods(replace(study, config=config, models=(tokens,)), tokens))
    assert "The response of a class-token unit is a channel of the first token of a layer." in told
    assert "feature map" not in told


def test_every_citation_is_in_the_bibliography():
    bibliography = BIBLIOGRAPHY.read_text()
    for library in networks.LIBRARIES:
        study, model = made(library)
        cited = re.findall(r"@([a-z]+\d{4})", networks.methods(study, model))
        assert len(cited) == 3
        for key in cited:
            assert f"{{{key}," in bibliography
