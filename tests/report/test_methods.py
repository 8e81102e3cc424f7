"""Methods follow the configuration."""

import pytest
import yaml

from deeplocalizer.report import methods, networks
from tests import synthetic
from tests.report import studies
from tests.report.studies import spoken
from tests.report.test_claims import rows


def study(**changes):
    return studies.study(studies.effects(rows((0.25, 0.1, 0.4, 0.01, 0.02))), **changes)


def test_stimuli():
    text = spoken(methods.stimuli(study()))
    assert "- *faces*: 40 images, faces of Labeled Faces in the Wild [@huang2007]" in text
    assert "`train` (25 %), `localize` (25 %), `select` (25 %) and `test` (25 %)" in text
    assert "4 folds" in text
    unknown = study()
    unknown.config["stimuli"]["categories"]["faces"]["source"] = "holiday_pictures"
    unknown.config["stimuli"]["splits"] = {"localize": 0.5, "test": 0.5, "train": 0}
    assert "source `holiday_pictures`." in methods.stimuli(unknown)
    assert "`train`" not in methods.stimuli(unknown)


def test_networks():
    one = study()
    text = spoken(networks.methods(one, one.models[0]))
    assert "for 3 epochs of AdamW [@loshchilov2019] with batches of 8" in text
    assert "a peak learning rate of 0.003" in text
    assert "labelled face also mirrored" in text
    assert "8 × 8 were kept, in grey" in text
    one.models[0].settings["weights"] = "untrained"
    one.models[0].preprocessing["mode"] = "RGB"
    text = networks.methods(one, one.models[0])
    assert "left at its random initialisation (seed 0)" in text
    assert "AdamW" not in text
    assert "in colour" in text


def test_localizers():
    text = spoken(methods.localizers(study()))
    assert (
        "- *faces*: the 25 % of units of the whole network with the highest Welch's *t* in the contrast *faces*."
        in text
    )
    localizers = synthetic.configuration()["localizers"]
    localizers["faces"] |= {"sign": "absolute", "scope": "layer", "statistic": "d", "fraction": 0.025}
    text = spoken(methods.localizers(study(localizers=localizers)))
    assert "the 2.5 % of units of each layer with the largest absolute Cohen's *d*" in text


def test_ablation():
    text = spoken(methods.ablation(study()))
    assert "by zero" in text
    assert "39 random masks" in text
    assert "The tasks are face detection (face or non-face) and digit recognition (0 or 1)" in text
    free = study(tasks={}, ablation={"value": "mean", "controls": 1, "batch_size": 1})
    text = spoken(methods.ablation(free))
    assert "its mean response to the other categories" in text
    assert "There are no tasks" in text


def test_inference():
    text = spoken(methods.inference(study()))
    assert "Intervals cover 95 %" in text
    assert "1,000 samples" in text
    assert "The advantages of the 2 localizers" in text
    assert "more than 10 % of the way from chance to perfect" in text
    assert "A double dissociation is claimed only if" in text
    assert "not adjusted for their number" not in text
    localizers = {"faces": synthetic.configuration()["localizers"]["faces"]}
    text = methods.inference(study(localizers=localizers, dissociations=[]))
    assert "double dissociation is claimed" not in text
    assert "family" not in text
    del localizers["faces"]["task"]
    free = methods.inference(study(localizers=localizers, dissociations=[], tasks={}))
    assert "not adjusted for the number of comparisons" in free
    assert "from chance" not in free
    two = methods.inference(study(dissociations=[["faces", "digits"], ["digits", "faces"]]))
    assert "not adjusted for their number" in two


def test_the_configuration_can_be_run_again():
    one = study()
    text = methods.configuration(one)
    assert yaml.safe_load(text.removeprefix("```yaml\n").removesuffix("```")) == one.config


@pytest.mark.parametrize(
    "tell", [methods.stimuli, methods.contrasts, methods.localizers, methods.ablation, methods.inference]
)
def test_every_citation_is_in_the_bibliography(tell):
    import re
    from pathlib import Path

    bibliography = (Path(__file__).parents[2] / "report" / "references.bib").read_text()
    for key in re.findall(r"@([a-z]+\d{4})", tell(study())):
        assert f"{{{key}," in bibliography
