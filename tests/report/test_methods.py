"""Methods follow the configuration."""

import pytest
import yaml

from deeplocalizer.report import methods, networks
from tests import synthetic
from tests.report import studies, whole
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


def changed(section, **changes):
    """Give a study of which a section of the configuration is changed."""
    one = study()
    one.config[section] |= changes
    return one


def test_weights_and_conjunctions_are_told():
    text = spoken(methods.contrasts(study()))
    assert "conjunction" not in text and "weights" not in text
    contrasts = synthetic.configuration()["contrasts"]
    contrasts["faces"] |= {"other": {"objects": 3, "digits": 1}}
    contrasts["digits"]["each"] = True
    text = spoken(methods.contrasts(study(contrasts=contrasts)))
    assert "In *faces* (preferred: faces 1; other: objects 3 and digits 1) the means of the categories" in text
    assert "The contrast *digits* is a conjunction" in text and "[@nichols2005]" in text


def test_false_discovery_rates_and_the_minimum_effect_are_those_configured():
    text = spoken(methods.contrasts(study()))
    assert "over all units of a network after Benjamini and Hochberg [@benjamini1995]" in text
    assert "|*d*| ≤ 0.2" in text
    other = changed("inference", fdr="benjamini_yekutieli", family="layer", least_d=0.35)
    text = spoken(methods.contrasts(other))
    assert "over the units of each layer after Benjamini and Yekutieli" in text
    assert "[@benjamini1995]" not in text
    assert "|*d*| ≤ 0.35" in text


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"q": 0.01}, "all units with a one-sided *q* ≤ 0.01 and a Welch's *t* in the contrast *faces* above"),
        (
            {"q": 0.01, "sign": "absolute", "least": True},
            "a two-sided *q* ≤ 0.01 against the minimum effect and a Welch",
        ),
        (
            {"percentile": [90, 99.5]},
            "above percentile 90 and up to percentile 99.5 of a ranking in which 100 is the highest",
        ),
        ({"count": 1500}, "the 1,500 units of the whole network with the highest"),
        ({"fraction": 0.1, "statistic": "auroc"}, "the 10 % of units of the whole network with the highest AUROC"),
    ],
)
def test_every_rule_of_a_localizer(rule, words):
    one = study()
    del one.config["localizers"]["faces"]["fraction"]
    one.config["localizers"]["faces"] |= rule
    assert words in spoken(methods.localizers(one))


def test_reliability_is_told_as_it_was_measured():
    from dataclasses import replace

    from tests.plots import makers

    one = study()
    assert "even and the odd folds" in methods.localizers(one)
    one = replace(one, models=(replace(one.models[0], reliability=makers.reliability()),))
    text = spoken(methods.localizers(one))
    assert "over 7 ways of halving" in text
    # of 4 folds there are 16 exchanges, and an exchange of all is none
    assert "under 20 exchanges of labels" in text and "no *p* is below 0.12" in text


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (
            {"value": "mean"},
            "by its mean response to the other categories of its contrast in the split `localize`, position",
        ),
        ({"value": "mean", "mean": "scalar"}, "in the split `localize`. For each"),
        ({"value": "resample"}, "its response to another stimulus, drawn at random from the other categories"),
        ({"value": "keep", "background": "zero"}, "that of every other recorded unit replaced by zero"),
        ({"matching": "response", "bins": 7}, "in each of 7 bins of the mean size of the response"),
        ({"compare": ["shuffled"], "shuffles": 12}, "12 masks that the localizer selects when the sides"),
        ({"compare": ["random"]}, "The network was run intact"),
        ({"fractions": [0.05, 0.1]}, "5 % and 10 % of the units that can be selected"),
        ({"layers": True, "series_controls": 50}, "one layer at a time. Each stood beside 50 random masks"),
        ({"keep": True}, "to see whether the mask suffices"),
    ],
)
def test_ablation_follows_the_configuration(settings, words):
    assert words in spoken(methods.ablation(changed("ablation", **settings)))


def test_what_was_not_done_is_not_told():
    text = methods.ablation(study())
    assert "further runs" not in text and "other controls" not in text and "highest 5" not in text
    # random masks are no further control where they are what p-values come from
    assert "other controls" not in methods.ablation(changed("ablation", compare=["random"]))
    tasks = {"face_detection": ["face", "non-face"], "digit_recognition": [str(i) for i in range(10)]}
    assert "among the highest 5" in methods.ablation(study(tasks=tasks))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"interval": "basic"}, "the basic bootstrap [@davison1997]"),
        ({"interval": "percentile"}, "the percentile bootstrap [@davison1997]"),
        ({"adjust": "maximum"}, "adjusted by the maximum of the family over random masks [@westfall1993]"),
    ],
)
def test_inference_follows_the_configuration(settings, words):
    assert words in methods.inference(changed("inference", **settings))
    assert words not in methods.inference(study())


def test_every_citation_of_a_study_with_everything_is_in_the_bibliography():
    import re
    from dataclasses import replace
    from pathlib import Path

    from tests.plots import makers

    bibliography = (Path(__file__).parents[2] / "report" / "references.bib").read_text()
    one = study()
    config = whole.configuration()
    config["contrasts"]["faces"]["each"] = True
    config["inference"] |= {"fdr": "benjamini_yekutieli", "adjust": "maximum"}
    one = replace(one, config=config, models=(replace(one.models[0], reliability=makers.reliability()),))
    tells = (methods.contrasts, methods.localizers, methods.ablation, methods.readouts, methods.inference)
    keys = {key for tell in tells for key in re.findall(r"@([a-z]+\d{4})", tell(one))}
    assert {"nichols2005", "hedges1981", "benjamini2001", "rosenblatt2018", "westfall1993", "alain2016"} <= keys
    for key in keys:
        assert bibliography.count(f"{{{key},") == 1, key
