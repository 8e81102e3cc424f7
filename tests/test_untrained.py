"""An untrained network gives no more claims than chance allows: the whole study, over seeds."""

import numpy as np
import pytest
import scipy.stats
import torch

from deeplocalizer import ablation, contrast, effects, hooks, inputs, masks, recording
from deeplocalizer.models import network
from deeplocalizer.models.catalogue import architecture
from deeplocalizer.stimuli import table
from tests.workflow.conftest import small

CPU = torch.device("cpu")
ALPHA = 0.05


def p_values(seed):
    """Give the p of each localizer's advantage on its own task, by every outcome that needs a true label."""
    config = small()
    labels = [label for names in config["tasks"].values() for label in names]
    localizers = {
        name: {"statistic": "t", "sign": "positive", "scope": "network"} | localizer
        for name, localizer in config["localizers"].items()
    }
    stimuli = table.gather(config["stimuli"] | {"folds": 8}, seed)
    made = inputs.prepare(stimuli, architecture("small_cnn").preprocessing)
    built = network.build("small_cnn", labels, seed)
    modules = hooks.find(built.module, ["conv*", "hidden"])
    _, moments = recording.record(built.module, modules, made, ["mean"], 64, CPU)
    drawn = masks.table(contrast.welch(moments, config["contrasts"]), localizers, 40, seed)
    tested = made.isel(stimulus=(made["split"] == "test").values)
    zeros = np.zeros(drawn.sizes["unit"])
    outcomes = ablation.ablate(built.module, modules, built.labels, tested, drawn, zeros, config["tasks"], 256, CPU)
    settings = {"alpha": ALPHA, "confidence": 0.95, "resamples": 1000, "least_performance": 0.1}
    found = effects.measure(outcomes, config["tasks"], localizers, [], settings, seed)
    rows = [f"advantage/{name}/{localizer['task']}/raw" for name, localizer in localizers.items()]
    return found["p"].sel(comparison=rows, outcome=list(effects.PERFORMANCE)).values


@pytest.mark.slow
@pytest.mark.long
def test_untrained_networks_are_claimed_to_need_units_no_more_often_than_chance(capsys):
    p = np.array([p_values(seed) for seed in range(30)])
    hits = (p <= ALPHA).sum(axis=(0, 1))
    tests = p.shape[0] * p.shape[1]
    with capsys.disabled():
        print(f"\nclaims at 5 % about {tests} untrained networks and tasks: {hits.tolist()} by {effects.PERFORMANCE}")
    for count in hits:
        assert scipy.stats.binomtest(int(count), tests, ALPHA, alternative="greater").pvalue > 0.05
