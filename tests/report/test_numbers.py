"""Numbers on the page are those that NumPy and SciPy compute from the files, and words go the way that they go."""

import html
import re

import pytest
import yaml

from deeplocalizer.report import abstract, sentences, verdicts
from deeplocalizer.report.claims import dissociation
from deeplocalizer.report.loading import load
from tests import synthetic
from tests.report import recomputed, whole
from tests.report.defaults import completed
from tests.report.studies import spoken
from tests.report.test_report import page_of, text_of

TARGET = ("faces", "faces"), ("faces", "objects"), ("digits", "digits")
OTHER = ("faces", "digits"), ("digits", "faces"), ("digits", "objects")


def outcomes(config, harm, intact, count):
    """Make up what `synthetic.measured` measures: of both localizers at once."""
    made = synthetic.outcomes(config, synthetic.stimuli(config, count), harm, intact)
    return dict.fromkeys(config["localizers"], made)


def read(text):
    """Take text as a reader does: without the space that a tag leaves before a mark."""
    return re.sub(r"\( ", "(", re.sub(r" ([,.;:)\]])", r"\1", text)).replace("| d |", "|d|").replace("’", "'")


@pytest.mark.slow
def test_every_section_has_the_numbers_of_the_files(tmp_path):
    config = whole.configuration()
    written, page = page_of(whole.write(tmp_path, config), tmp_path)
    text = read(text_of(page))
    made = outcomes(config, synthetic.DOUBLE, 0.95, 40)
    expected = recomputed.said(tmp_path / "results" / "network", config, made)
    assert len(expected) == 13
    for section, phrases in expected.items():
        assert len(phrases) > 1, section
        for phrase in phrases:
            assert phrase in text, f"{section}: {phrase}"
    assert len(written.models) == 1
    # what reruns it
    shown = [re.sub(r"<[^>]+>", "", block) for block in re.findall(r"<pre.*?</pre>", page, re.DOTALL)]
    assert "snakemake --cores all --configfile synthetic.yaml" in [html.unescape(block).strip() for block in shown]
    assert config in [yaml.safe_load(html.unescape(block)) for block in shown if "localizers:" in block]
    assert "Every table of this report is a CSV file" in text
    # on a dark page what is drawn in ink is white
    assert not re.search(r"\b(black|dark)\b (line|dot|mark|band)", text)


@pytest.mark.parametrize(
    ("harm", "intact", "present", "absent"),
    [
        # nothing
        (
            {},
            0.95,
            ("not demonstrably more harm than", "neither set of units is shown to harm"),
            ("That is more harm", "doubly dissociate"),
        ),
        # each its own
        (synthetic.DOUBLE, 0.95, ("That is more harm than", "doubly dissociate"), ("not demonstrably", "not more")),
        # the other's: reversed
        (
            dict.fromkeys(TARGET, -0.15) | dict.fromkeys(OTHER, 0.5),
            0.8,
            (
                "That is less harm, not more, than",
                "rises from",
                "does less harm, not more, than",
                "units: each does less harm to its own task",
                "both point the other way",
                "each set of units harms its own task less than the other does",
            ),
            ("That is more harm", "doubly dissociate", "falls from"),
        ),
        # everything: every decision changes
        (
            dict.fromkeys((*TARGET, *OTHER), 1.0),
            1.0,
            ("falls from 100.0 % to 0.0 %", "That is more harm than", "neither set of units is shown to harm"),
            ("doubly dissociate", "less harm"),
        ),
        # one of two
        (
            {key: 0.7 for key in TARGET[:2]},
            0.95,
            ("That is more harm than", "not demonstrably more harm", "only the *faces* units are shown to harm"),
            ("doubly dissociate",),
        ),
    ],
    ids=["null", "double", "reversed", "all", "single"],
)  # fmt: skip
def test_words_go_the_way_of_the_numbers(tmp_path, harm, intact, present, absent):
    config, count = completed(synthetic.configuration()), 160
    study = load(synthetic.write(tmp_path, config, harm, intact, count=count).description)
    (model,) = study.models
    told = (
        sentences.harms(study, model),
        *verdicts.verdict(study, dissociation(study, model.effects, ("faces", "digits"))),
    )
    text = spoken(" ".join([*told, abstract.write(study)]))
    for words in present:
        assert words in text, words
    for words in absent:
        assert words not in text, words
    plain = text.replace("*", "")
    made = outcomes(config, harm, intact, count)
    for phrase in recomputed.ablation_of(made, model.effects, config):
        assert phrase in plain, phrase


def test_nothing_is_said_of_numbers_that_are_not_there(tmp_path):
    config = completed(synthetic.configuration())
    study = load(synthetic.write(tmp_path, config, count=40).description)
    (model,) = study.models
    for name in ("estimate", "low", "high", "p", "p_family"):
        model.effects[name] = model.effects[name] * float("nan")
    title, text = verdicts.verdict(study, dissociation(study, model.effects, ("faces", "digits")))
    every = spoken(" ".join([title, text, sentences.harms(study, model), abstract.write(study)]))
    assert title.startswith("There is no number") and "nothing is claimed" in text
    assert every.count("there is no number") == 5
    assert "With as few as" not in every
    assert not re.search(r"\bnan\b|–|percentage points|doubly dissociate", every)
