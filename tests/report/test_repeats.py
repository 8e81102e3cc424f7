"""What repeats is told with what shuffled labels give."""

import numpy as np
import pytest
import xarray as xr

from deeplocalizer.report import repeats
from tests.plots import makers
from tests.report import studies
from tests.report.studies import spoken
from tests.report.test_claims import rows
from tests.report.test_tables import cells


@pytest.fixture(scope="module")
def study():
    return studies.study(studies.effects(rows((0.25, 0.1, 0.4, 0.01, 0.02))))


def test_means_ranges_and_bands_are_those_of_the_artefact(study):
    made = makers.reliability()
    shown = cells(repeats.table(study, made))
    assert shown[0] == ["Localizer", "Mean", "Range", "By chance", "Shuffled labels", "p"]
    assert shown[1] == ["Correlation of contrast maps"]
    assert shown[4] == ["Dice coefficient of masks"]
    one = made.sel(localizer="faces")
    low, high = np.quantile(one["dice_null"], [0.025, 0.975])
    assert shown[5] == [
        "faces", f"{float(one['dice'].mean()):.2f}",
        f"[{float(one['dice'].min()):.2f}, {float(one['dice'].max()):.2f}]",
        f"{float(one['dice_chance'].mean()):.2f}", f"[{low:.2f}, {high:.2f}]", "0.095",
    ]  # fmt: skip
    assert shown[2][3] == "0.00"


@pytest.mark.parametrize(
    ("maps", "masks", "words"),
    [
        (0.01, 0.01, "both are more than with shuffled labels"),
        (0.01, 0.2, "the first is more than"),
        (0.2, 0.05, "the second is more than"),
        (0.2, 0.2, "neither is demonstrably more than"),
    ],
)
def test_only_what_is_shown_is_claimed(study, maps, masks, words):
    made = makers.reliability(localizers=["faces"])
    made["correlation_p"][:], made["dice_p"][:] = maps, masks
    text = spoken(repeats.sentence(study, made))
    assert words in text
    assert f"*r* = {float(made['correlation'].mean()):.2f} on average" in text
    assert f"Dice coefficient of {float(made['dice'].mean()):.2f}" in text


def test_without_shuffled_labels_or_halves_nothing_is_compared(study):
    text = repeats.sentence(study, makers.reliability(localizers=["faces"], shuffles=0))
    assert "shuffled" not in text
    none = makers.reliability(localizers=["faces"]).isel(half=[])
    assert "too few" in repeats.sentence(study, none)
    table = cells(repeats.table(study, none))
    assert table[2][1:3] == ["–", "–"]
    undefined = makers.reliability(localizers=["faces"])
    undefined["dice"] = xr.full_like(undefined["dice"], np.nan)
    assert "nan" not in str(cells(repeats.table(study, undefined))).lower()
