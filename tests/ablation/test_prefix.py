"""What is computed once for many masks gives the outputs of whole passes, bit by bit."""

import logging

import numpy as np
import pytest
import torch
from torch import nn

from deeplocalizer import ablation, hooks, outcomes, units
from deeplocalizer.ablation.passes import LEAST, Passes
from deeplocalizer.intervention import plan
from tests.ablation.networks import CPU, LABELS, NETWORKS, by_hand, images, inputs, layers, masked, network


@pytest.fixture(autouse=True)
def every_module_called():
    """Plain runs take PyTorch's short cut through transformers, which rounds differently."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    yield
    torch.backends.mha.set_fastpath_enabled(before)


def drawn(name, seed=0):
    """Give a network, its units, places, and a mask that begins in each layer and goes on in all later ones."""
    model, side, patterns = network(name), *NETWORKS[name][1:]
    found, places = layers(model, patterns, side)
    table = units.table(found, ["mean"])
    rng = np.random.default_rng(seed)
    strata = np.unique(np.stack([table["layer"].values, table["call"].values]), axis=1, return_inverse=True)[1]
    masks = {}
    for start in range(strata.max() + 1):
        members = [rng.choice(np.flatnonzero(strata == s), 2, replace=False) for s in range(start, strata.max() + 1)]
        masks[f"from {start}"] = np.sort(np.concatenate(members))
    return model, side, table, places, masks


@pytest.mark.parametrize("name", NETWORKS)
def test_masks_that_begin_anywhere_give_what_plain_hooks_give(name):
    model, side, table, places, masks = drawn(name)
    x = images(inputs(5, side))
    replaced = {
        mask: plan(table, np.isin(np.arange(table.sizes["unit"]), some), np.zeros(table.sizes["unit"]), CPU)
        for mask, some in masks.items()
    }
    with torch.no_grad():
        expected = model(x)
        passes = Passes(model, places, replaced.values(), x, 1, {hooks.Site(*place) for place in units.turned(table)})
        assert torch.equal(passes.intact(x, {}), expected)
        shared = {mask: passes._prefix(plans) for mask, plans in replaced.items()}
        given = {mask: passes.run(x, plans, {}) for mask, plans in replaced.items()}
        again = {mask: passes.run(x, plans, {}) for mask, plans in reversed(replaced.items())}
    assert any(one is not None for one in shared.values()), "nothing was shared"
    for mask, some in masks.items():
        by_plain_hooks = by_hand(model, x, table, some)
        assert torch.equal(given[mask], by_plain_hooks), mask
        assert torch.equal(again[mask], by_plain_hooks), mask
        assert not torch.equal(given[mask], expected)
    assert not any(
        module._forward_hooks or module._forward_pre_hooks or "forward" in vars(module) for module in model.modules()
    )


@pytest.mark.parametrize("name", NETWORKS)
def test_masks_that_share_a_pass_give_what_each_gives_alone(name):
    model, side, table, places, masks = drawn(name)
    tested = inputs(4, side)
    listed = masked(table, masks)
    alone = ablation.ablate(model, places, LABELS, tested, listed, np.zeros(table.sizes["unit"]), {}, 4, CPU)
    grouped = ablation.ablate(model, places, LABELS, tested, listed, np.zeros(table.sizes["unit"]), {}, 12, CPU)
    # sums of a batch of another size are rounded differently
    np.testing.assert_allclose(grouped["kl"], alone["kl"], rtol=2e-3, atol=1e-6)
    assert grouped["intervention"].values.tolist() == ["intact", *masks]
    x = images(tested)
    with torch.no_grad():
        intact = model(x).numpy()
    question = outcomes.ask(tested["label"].values.astype(str), LABELS, {})
    for row, some in enumerate(masks.values(), start=1):
        expected = outcomes.score(by_hand(model, x, table, some).numpy(), intact, question)
        np.testing.assert_array_equal(alone["kl"].values[row], expected["kl"])


def test_late_masks_leave_most_of_a_network_out():
    model, side, table, places, _masks = drawn("resnet18")
    late = masked(table, {"late": np.flatnonzero(units.layer_names(table) == "layer4.1")})
    ran = []
    handles = [
        module.register_forward_pre_hook(lambda *_, p=path: ran.append(p)) for path, module in model.named_modules()
    ]
    ablation.ablate(model, places, LABELS, inputs(4, side), late, np.zeros(table.sizes["unit"]), {}, 4, CPU)
    for handle in handles:
        handle.remove()
    last = ran[len(ran) - 1 - ran[::-1].index("") :]
    assert last == [
        "",
        "conv1",
        "bn1",
        "relu",
        "maxpool",
        "layer1",
        "layer2",
        "layer3",
        "layer4",
        "layer4.0",
        "layer4.1",
        "avgpool",
        "fc",
    ]


class Inner(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.noted = nn.Conv2d(3, 4, 3), None

    def forward(self, x):
        x = self.conv(x)
        self.noted = x.mean((1, 2, 3))[:, None]
        return x


class Noted(nn.Module):
    """A module leaves a note that its successor reads."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.head = Inner(), nn.Conv2d(4, 4, 3), nn.Linear(4, 10)

    def forward(self, x):
        x = self.second(self.first(x))
        return self.head(x.mean((2, 3)) + self.first.noted)


def test_a_network_that_hands_numbers_on_past_its_outputs_is_run_whole(caplog):
    torch.manual_seed(0)
    model = Noted().eval()
    found, places = layers(model, ["second"], 16)
    table = units.table(found, ["mean"])
    tested = inputs(6, 16)
    with caplog.at_level(logging.INFO, "deeplocalizer"):
        result = ablation.ablate(model, places, LABELS, tested, masked(table, {"m": [1]}), np.zeros(4), {}, 3, CPU)
    assert "whole passes for the masks that begin after" in caplog.text
    x = images(tested)
    question = outcomes.ask(tested["label"].values.astype(str), LABELS, {})
    for block in (slice(0, 3), slice(3, 6)):
        with torch.no_grad():
            intact = model(x[block]).numpy()
        expected = outcomes.score(by_hand(model, x[block], table, [1]).numpy(), intact, question.at(block))
        np.testing.assert_array_equal(result["kl"].values[1, block], expected["kl"])


class Branching(nn.Module):
    """Takes another way for a batch that is bright."""

    def __init__(self):
        super().__init__()
        self.dark, self.bright, self.last = nn.Conv2d(3, 4, 3), nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3)
        self.head = nn.Linear(4, 10)

    def forward(self, x):
        x = self.bright(x) if x.mean() > 0 else self.dark(x)
        return self.head(self.last(x).mean((2, 3)))


def test_a_network_that_takes_another_way_is_run_whole_for_that_block(caplog):
    torch.manual_seed(0)
    model = Branching().eval()
    tested = inputs(6, 16)
    tested["pixel_values"].values[:3] //= 4
    tested["pixel_values"].values[3:] = 255 - tested["pixel_values"].values[3:] // 4
    found, places = layers(model, ["last"], 16)
    table = units.table(found, ["mean"])
    with caplog.at_level(logging.INFO, "deeplocalizer"):
        result = ablation.ablate(model, places, LABELS, tested, masked(table, {"m": [1]}), np.zeros(4), {}, 3, CPU)
    assert "whole passes for 3 stimuli: the network calls a Conv2d where" in caplog.text
    x = images(tested)
    question = outcomes.ask(tested["label"].values.astype(str), LABELS, {})
    for block in (slice(0, 3), slice(3, 6)):
        with torch.no_grad():
            intact = model(x[block]).numpy()
        expected = outcomes.score(by_hand(model, x[block], table, [1]).numpy(), intact, question.at(block))
        np.testing.assert_array_equal(result["kl"].values[1, block], expected["kl"])


class Sociable(nn.Module):
    """Subtracts the mean of the batch."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.head = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3), nn.Linear(4, 10)

    def forward(self, x):
        x = self.first(x)
        return self.head(self.second(x - x.mean(0)).mean((2, 3)))


def test_masks_share_no_pass_where_stimuli_of_a_batch_influence_one_another(caplog):
    torch.manual_seed(0)
    model = Sociable().eval()
    found, places = layers(model, ["second"], 16)
    table = units.table(found, ["mean"])
    listed = masked(table, {"m": [1], "n": [2], "o": [0, 3]})
    alone = ablation.ablate(model, places, LABELS, inputs(4, 16), listed, np.zeros(4), {}, 4, CPU)
    with caplog.at_level(logging.INFO, "deeplocalizer"):
        grouped = ablation.ablate(model, places, LABELS, inputs(4, 16), listed, np.zeros(4), {}, 12, CPU)
    assert "one mask in a pass" in caplog.text
    np.testing.assert_array_equal(grouped["kl"], alone["kl"])


def test_everything_is_restored_after_an_exception():
    model, side, table, places, masks = drawn("resnet18")
    listed = masked(table, masks)
    values = np.zeros(table.sizes["unit"])
    values[-1] = 3e38
    listed["selected"].values[-1, -1] = True
    with pytest.raises(ValueError, match="is not finite"):
        ablation.ablate(model, places, LABELS, inputs(4, side), listed, values, {}, 4, CPU)

    def fail(module, args):
        raise RuntimeError("interrupted")

    handle = model.fc.register_forward_pre_hook(fail)
    with pytest.raises(RuntimeError, match="interrupted"):
        ablation.ablate(model, places, LABELS, inputs(4, side), listed, values, {}, 4, CPU)
    handle.remove()
    assert not any(
        module._forward_hooks or module._forward_pre_hooks or "forward" in vars(module) for module in model.modules()
    )


def test_less_than_a_trial_is_worth_is_not_shared():
    model, side, _, places, _ = drawn("resnet18")
    with torch.no_grad():
        passes = Passes(model, places, [{hooks.Site("conv1", 0)}], torch.zeros(2, 3, side, side), 1)
    assert passes._prefix({hooks.Site("conv1", 0)}) is None
    assert 1 / len([m for m in model.modules() if not any(m.children())]) < LEAST
