"""Masks of a series have names of their own, however close their fractions are."""

from deeplocalizer import contrast, masks, recording
from tests.ablation.networks import CPU, inputs, network

SIDES = {"a": {"preferred": ["a"], "other": ["b"]}}
LOCALIZERS = {
    "a": {"contrast": "a", "statistic": "t", "sign": "positive", "scope": "network", "fraction": 0.1},
}


def test_fractions_that_print_alike_have_masks_of_their_own():
    _, moments = recording.record(network("resnet18"), ["layer1.0"], inputs(24, 32), ["mean"], 8, CPU)
    contrasts = contrast.welch(moments, SIDES)
    fractions = [0.1, 0.1000000001, 0.25]
    made = masks.series(contrasts, LOCALIZERS, {"fractions": fractions, "series_controls": 3}, 0)
    names = made["mask"].values.tolist()
    assert len(set(names)) == len(names)
    assert [float(level) for level in dict.fromkeys(made["level"].values.tolist())] == fractions
    assert "a@fraction=0.25" in names
