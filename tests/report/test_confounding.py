"""What else tells categories apart is told as it was measured."""

import re
from dataclasses import replace

import numpy as np
import pytest

from deeplocalizer.report import abstract, confounding, limits
from tests.report import studies
from tests.report.studies import spoken
from tests.report.test_claims import rows


def study(d, reach=0.1):
    """Give a study whose images differ by so much: by contrast, what each statistic differs by."""
    one = studies.study(studies.effects(rows((0.25, 0.1, 0.4, 0.01, 0.02))))
    model = one.models[0]
    known = model.confounds.copy(deep=True)
    for contrast, values in d.items():
        at = {"contrast": contrast}
        known["d"].loc[at] = values
        known["d_low"].loc[at] = np.array(values) - reach
        known["d_high"].loc[at] = np.array(values) + reach
    return replace(one, models=(replace(model, confounds=known),))


def test_a_warning_names_what_tells_the_sides_apart_the_largest_first():
    one = study({"faces": [0.5, -0.9, 0.1], "digits": [0.0, 0.1, 0.15]})
    assert one.models[0].confounds["statistic"].values.tolist() == ["luminance", "contrast", "slope"]
    text = spoken(confounding.sentence(one))
    assert "callout-warning" in text
    assert (
        "In the contrast *faces*, faces differ from objects and digits in contrast (*d* = −0.90 [−1.00, −0.80]) and "
        "mean luminance (*d* = 0.50 [0.40, 0.60])." in text
    )
    assert "In the contrast *digits*, no statistic tells digits from faces and objects." in text
    assert "also differ in mean luminance and contrast, which units may follow." in abstract.write(one)
    assert "**Confounds.** Categories differ in more than what they show (in the contrast *faces* in mean" in spoken(
        "\n".join(limits.write(one))
    )


def test_what_is_small_or_uncertain_is_no_warning():
    for d, reach in ((0.19, 0.1), (0.5, 0.6), (-0.19, 0.01), (np.nan, 0.1)):
        one = study({"faces": [d] * 3, "digits": [-d] * 3}, reach)
        text = confounding.sentence(one)
        assert "callout" not in text
        assert text.count("no statistic tells") == 2
        assert confounding.brief(one) == ""
        assert "Confounds" not in "\n".join(limits.write(one))
        assert not re.search(r"\bnan\b", confounding.table(one, one.models[0]), re.IGNORECASE)


def test_the_end_of_a_scale_has_a_word():
    one = study({"faces": [np.inf, 0, 0], "digits": [0, 0, 0]})
    text = confounding.sentence(one)
    assert "in mean luminance (without any overlap)" in text
    assert "inf" not in text + confounding.table(one, one.models[0])


def test_mirror_images_are_told_once():
    one = study({"faces": [0.5, 0, 0], "digits": [0, 0, 0]})
    sides = one.config["contrasts"]["faces"]
    one.config["contrasts"]["digits"] = {"preferred": sides["other"], "other": sides["preferred"]}
    assert "*digits*" not in confounding.sentence(one)


def test_networks_that_see_images_otherwise_are_told_apart():
    one, other = study({"faces": [0.5, 0, 0], "digits": [0] * 3}), study({"faces": [0, 0, 0.4], "digits": [0] * 3})
    both = replace(one, models=(one.models[0], replace(other.models[0], name="other")))
    assert [[model.name for model in view] for view in both.views] == [["network"], ["other"]]
    text = spoken(confounding.sentence(both))
    assert "As `network` see them" not in text
    assert "As `network` sees them, in the contrast *faces*, faces differ from objects and digits in mean lum" in text
    assert "As `other` sees them, in the contrast *faces*, faces differ from objects and digits in slope" in text


def test_means_are_those_of_the_images_that_are_compared():
    one = study({"faces": [0.5, 0, 0], "digits": [0] * 3})
    known = one.models[0].confounds
    found = confounding.differences(one, one.models[0], "faces")[0]
    used = (known["category"].values == "faces") & (known["split"].values != "train")
    assert found.preferred == pytest.approx(known["value"].sel(statistic="luminance").values[used].mean())
    assert confounding.scope(one) == "the splits `localize`, `select` and `test`"


@pytest.mark.parametrize(
    ("value", "text"), [(0.48812, "0.488"), (113.2, "113"), (-3.7812, "−3.78"), (0.00018, "0.00018"), (0.0, "0")]
)
def test_means_have_three_digits(value, text):
    assert confounding._significant(value) == text
