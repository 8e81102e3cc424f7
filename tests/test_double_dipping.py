"""What is measured in the test split cannot have been chosen there: whoever tries gets the same units, or an error."""

import numpy as np
import pytest
import xarray as xr

from deeplocalizer import contrast, curves, effects, masks, moments, readout, reliability, units
from tests import synthetic

SIDES = {"faces": {"preferred": ["faces"], "other": ["objects"]}}
LOCALIZERS = {
    "faces": {"contrast": "faces", "statistic": "auroc", "sign": "positive", "scope": "network", "fraction": 0.2}
}
SETTINGS = {"controls": 19, "matching": "response", "bins": 3, "compare": ["shuffled"], "shuffles": 2}


def recorded(seed: int, others: int) -> tuple[xr.Dataset, xr.Dataset]:
    """Make responses that depend on one seed in the localize split, and on another one elsewhere."""
    count, wide = 320, 40
    split = np.array(["localize", "select", "test", "train"])[np.arange(count) % 4]
    category = np.array(["faces", "objects"])[np.arange(count) // 4 % 2]
    fold = np.arange(count) // 8 % 8
    mine, yours = (np.random.default_rng(one).gamma(2.0, size=(count, wide)) for one in (seed, others))
    values = np.where((split == "localize")[:, None], mine, 50 + 9 * yours).astype("float32")
    layout = units.table([units.Layer("layer", 0, (wide,))], ["mean"])
    cell = (np.unique(category, return_inverse=True)[1] * 4 + np.unique(split, return_inverse=True)[1]) * 8 + fold
    names = [np.unique(one).tolist() for one in (category, split)]
    table = moments.table(moments.of(values, cell, 64), layout, *names, 8)
    columns = {
        "category": category,
        "split": split,
        "fold": fold,
        "label": category,
        "group": np.arange(count).astype(str),
    }
    activations = xr.Dataset(
        {"activation": (("stimulus", "unit"), values)},
        coords={
            "stimulus": [f"s{number:03d}" for number in range(count)],
            **{name: ("stimulus", column) for name, column in columns.items()},
            **layout.coords,
        },
        attrs=layout.attrs,
    )
    return table, activations


def test_no_other_split_changes_which_units_are_chosen():
    found = []
    for others in (1, 2):
        table, activations = recorded(0, others)
        contrasts = contrast.welch(table, SIDES, auroc=contrast.auroc.of(activations, SIDES))
        drawn = masks.table(contrasts, LOCALIZERS, SETTINGS, 0, moments=table, sides=SIDES)
        halves = reliability.measure(table, SIDES, LOCALIZERS, {}, 0)
        found.append((contrasts, drawn, halves))
    for one, other in zip(*found, strict=True):
        xr.testing.assert_identical(one, other)
    # and those of the localize split do
    changed = contrast.welch(recorded(3, 1)[0], SIDES)
    assert not np.array_equal(changed["t"].values, found[0][0]["t"].values)


def test_readouts_learn_from_the_select_split_alone():
    asked = {"which": {"layer": "layer", "reduction": "mean", "classes": "category", "folds": 3}}
    activations = recorded(0, 1)[1]
    known = activations[["category", "label", "split", "group"]]
    fitted = readout.fit(activations, known, asked, 0)
    outside = (activations["split"] != "select").values
    tampered = activations.copy(deep=True)
    tampered["activation"].values[outside] = np.random.default_rng(5).normal(size=(outside.sum(), 40))
    again = readout.fit(tampered, known, asked, 0)
    np.testing.assert_array_equal(fitted["weight_which"].values, again["weight_which"].values)
    with pytest.raises(ValueError, match="select"):
        readout.heads(fitted, known.isel(stimulus=np.flatnonzero(known["split"].values == "select")))


@pytest.mark.parametrize("split", ["localize", "select", "train"])
@pytest.mark.parametrize("room", [effects, curves])
def test_effects_of_stimuli_that_were_looked_at_are_refused(room, split):
    config = synthetic.configuration()
    table = synthetic.stimuli(config)
    made = (synthetic.outcomes if room is effects else synthetic.series)(config, table, {}, 0.9)
    seen = made["split"].values.astype(object)
    seen[3] = split
    seen = made.assign_coords(split=("stimulus", seen))
    rest = [config["dissociations"]] if room is effects else []
    with pytest.raises(ValueError, match=f"of the split '{split}'; effects are measured in the split 'test' alone"):
        room.measure(seen, config["tasks"], config["localizers"], *rest, config["inference"], 0)
