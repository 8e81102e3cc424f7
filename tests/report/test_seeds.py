"""Effects over networks."""

from dataclasses import replace

import pytest

from deeplocalizer.report import limits, methods, seeds
from tests.plots import makers
from tests.report import studies
from tests.report.studies import spoken
from tests.report.test_claims import rows
from tests.report.test_tables import cells


@pytest.fixture(scope="module")
def study():
    one = studies.study(studies.effects(rows((0.25, 0.1, 0.4, 0.01, 0.02))))
    config = one.config | {"replicates": {"seeds": ["one", "two", "three"]}}
    return replace(one, config=config, replicates={"seeds": makers.replicates()})


def test_every_effect_stands_with_that_of_every_network(study):
    made = makers.replicates()
    shown = cells(seeds.table(study, "seeds"))
    assert shown[0] == ["Comparison", "Silenced", "Mean", "Interval", "p", "Models", "Method", "Each model"]
    assert shown[1] == ["Face detection"]
    one = made.isel(comparison=0, outcome=0)
    ends = f"[{100 * float(one['low']):.1f}, {100 * float(one['high']):.1f}]"
    each = " ".join(f"{100 * float(value):.1f}" for value in one["estimate_of_model"])
    mean = f"{100 * float(one['estimate']):.1f}"
    assert shown[2] == ["harm", "faces", mean, ends, "0.004", "3", "t over models", each]
    assert shown[3][1] == "faces − random"


def test_who_replicates_whom_and_what_that_allows(study):
    assert "The networks `one`, `two` and `three` replicate one another" in seeds.sentence(study, "seeds")
    assert "*t* interval over networks" in methods.inference(study)
    assert "only @sec-replicates does" in "\n".join(limits.write(study))
    alone = replace(study, replicates={})
    assert "sec-replicates" not in spoken("\n".join(limits.write(alone)))
