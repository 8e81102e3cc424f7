"""Ablation replaces what the mask holds and nothing else; outcomes are what they say."""

import numpy as np
import pytest
import torch
import xarray as xr
from scipy.special import rel_entr, softmax
from torch import nn

from deeplocalizer import ablation, hooks, masks, moments, outcomes, recording, units
from deeplocalizer.hooks import visiting
from deeplocalizer.intervention import intervening, plan
from tests.test_recording import CPU, LAYERS, Network, made


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Network().eval()


def recorded(model, reductions):
    return recording.record(model, hooks.find(model, LAYERS), made(), reductions, 16, CPU)


@pytest.mark.parametrize("reduction", ["mean", "position"])
def test_exactly_the_units_of_the_mask_are_replaced(model, reduction):
    _, table = recorded(model, [reduction])
    modules = hooks.find(model, LAYERS)
    rng = np.random.default_rng(0)
    values = rng.normal(size=table.sizes["unit"])
    x = torch.randn(4, 1, 6, 7)
    layer_order = [("conv", 0), ("norm", 0), ("relu", 0), ("token", 0), ("relu", 1), ("head", 0)]
    names, calls = units.layer_names(table), table["call"].values
    for name, call in layer_order:
        here = (names == name) & (calls == call)
        selected = here & (rng.random(table.sizes["unit"]) < 0.5)
        selected[np.flatnonzero(here)[0]] = True
        made_by_module, after = {}, {}
        with (
            torch.inference_mode(),
            visiting(modules, lambda s, o, d=made_by_module: d.setdefault(s, o.clone())),
        ):
            with intervening(modules, plan(table, selected, values, CPU)) as restart:
                restart()
                with visiting(modules, lambda s, o, d=after: d.update({s: o.clone()})):
                    model(x)
        site = hooks.Site(name, call)
        before, now = made_by_module[site], after[site]
        if reduction == "position":
            flat, changed = before.flatten(1).numpy(), now.flatten(1).numpy()
            inside = selected[here]
            np.testing.assert_allclose(changed[:, inside], np.tile(values[selected], (4, 1)), rtol=1e-6)
            np.testing.assert_array_equal(changed[:, ~inside], flat[:, ~inside])
        else:
            axis = 2 if before.ndim == 3 else 1
            was, became = (np.moveaxis(t.numpy(), axis, 0) for t in (before, now))
            for channel in range(len(was)):
                unit = np.flatnonzero(here)[channel]
                if selected[unit]:
                    np.testing.assert_allclose(became[channel], values[unit], rtol=1e-6)
                else:
                    np.testing.assert_array_equal(became[channel], was[channel])


def test_the_output_that_someone_else_holds_is_not_changed():
    module = nn.Identity()
    held = torch.ones(2, 3)
    table = units.table([units.Layer("m", 0, (3,))], ["mean"])
    with intervening({"m": module}, plan(table, np.array([True, False, False]), np.zeros(3), CPU)) as restart:
        restart()
        result = module(held)
    assert torch.equal(held, torch.ones(2, 3))
    assert result.tolist() == [[0, 1, 1], [0, 1, 1]]


def test_a_site_without_a_module_is_named():
    table = units.table([units.Layer("gone", 0, (3,))], ["mean"])
    with pytest.raises(ValueError, match="layer 'gone' is not among the places"):
        with intervening({}, plan(table, np.ones(3, bool), np.zeros(3), CPU)):
            pass


def test_outcomes_are_what_they_say():
    rng = np.random.default_rng(0)
    outputs, intact = rng.normal(size=(2, 6, 5)) * 3
    label = np.array(["a", "b", "x", "y", "z", "none"])
    tasks = {"one": ["a", "b"], "two": ["x", "y", "z"]}
    names = ["a", "b", "x", "y", "z"]
    scored = outcomes.score(outputs, intact, outcomes.ask(label, names, tasks))
    for i, true in enumerate(label[:5]):
        mine = [names.index(n) for n in next(t for t in tasks.values() if true in t)]
        logits = dict(zip([names[j] for j in mine], outputs[i, mine], strict=True))
        best = max(logits, key=logits.get)
        assert scored["correct"][i] == (best == true)
        assert scored["margin"][i] == pytest.approx(
            logits[true] - max(v for k, v in logits.items() if k != true), rel=1e-5
        )
        share = softmax(list(logits.values()))[list(logits).index(true)]
        assert scored["log_likelihood"][i] == pytest.approx(np.log(share), rel=1e-4, abs=1e-6)
        intact_best = [names[j] for j in mine][int(intact[i, mine].argmax())]
        assert scored["kept"][i] == (best == intact_best)
        assert scored["kl"][i] == pytest.approx(rel_entr(softmax(outputs[i]), softmax(intact[i])).sum(), rel=1e-5)
    assert scored["correct"][5] == -1
    assert np.isnan(scored["margin"][5])
    assert scored["kept"][5] == (outputs[5].argmax() == intact[5].argmax())
    with pytest.raises(ValueError, match="task 'three': the network has no output for the label 'q'"):
        outcomes.ask(label, names, {"three": ["a", "q"]})


class Planted(nn.Module):
    """Channel 0 alone carries label a against b; channel 1 carries x against y; 2 to 9 do nothing."""

    def __init__(self):
        super().__init__()
        self.features = nn.Identity()

    def forward(self, pixels):
        carried = self.features(pixels)
        first, second = carried[:, 0].mean((1, 2)), carried[:, 1].mean((1, 2))
        return torch.stack([first, -first, second, -second], dim=1)


def planted_inputs(count=80):
    label = np.array(["a", "b", "x", "y"], dtype=object)[np.arange(count) % 4]
    pixels = np.full((count, 10, 2, 2), 128)
    pixels[label == "a", 0], pixels[label == "b", 0] = 200, 50
    pixels[label == "x", 1], pixels[label == "y", 1] = 200, 50
    inputs = made(count).drop_vars(["pixel_values", "mean", "std"])
    return inputs.assign_coords(label=("stimulus", label)).assign(
        pixel_values=(("stimulus", "channel", "y", "x"), pixels.astype(np.uint8)),
        mean=("channel", np.full(10, 0.5)),
        std=("channel", np.full(10, 0.25)),
    )


def test_a_planted_channel_is_needed_by_its_own_task_alone():
    model, inputs = Planted(), planted_inputs()
    modules = hooks.find(model, ["features"])
    _, summary = recording.record(model, modules, inputs, ["mean"], 32, CPU)
    selected = np.zeros((3, 10), dtype=bool)
    selected[0, 0] = selected[1, 1] = selected[2, 2:] = True
    table = xr.Dataset(
        {"selected": (("mask", "unit"), selected)},
        coords={
            "mask": ["one", "two", "rest"],
            **units.table([units.Layer("features", 0, (10, 2, 2))], ["mean"]).coords,
        },
    )
    for name, value in (("localizer", ["one", "two", "two"]), ("role", ["target", "target", "control"])):
        table = table.assign_coords({name: ("mask", value)})
    for name in ("contrast", "rule", "kind"):
        table = table.assign_coords({name: ("mask", ["c"] * 3)})
    table = table.assign_coords(fraction=("mask", [0.1] * 3), seed=("mask", [0] * 3))
    tasks = {"ab": ["a", "b"], "xy": ["x", "y"]}
    for value in ("zero", "mean"):
        values = ablation.replacements(value, summary, ["a", "b", "c"])
        result = ablation.ablate(model, modules, ["a", "b", "x", "y"], inputs, table, values, tasks, 32, CPU)
        label = inputs["label"].values
        correct = result["correct"].values
        ab, xy = np.isin(label, ["a", "b"]), np.isin(label, ["x", "y"])
        assert correct[0].all()
        assert correct[1, ab].mean() == 0.5
        assert correct[1, xy].all()
        assert correct[2, xy].mean() == 0.5
        assert correct[2, ab].all()
        assert correct[3].all()
        assert (result["kl"].values[0] == 0).all()
        assert result["intervention"].values.tolist() == ["intact", "one", "two", "rest"]
        assert result["role"].values.tolist() == ["intact", "target", "target", "control"]


def test_mean_replaces_by_the_mean_of_the_others_in_the_localize_split(model):
    _, summary = recorded(model, ["mean"])
    expected = moments.pool(summary, ["a", "c"], ["localize"])["mean"].values
    np.testing.assert_array_equal(ablation.replacements("mean", summary, ["a", "c"]), expected)
    assert not ablation.replacements("zero", summary, []).any()
    with pytest.raises(ValueError, match="'noise' is unknown; allowed are zero, mean"):
        ablation.replacements("noise", summary, [])


def test_parts_of_a_study_join_on_one_intact_run():
    def part(name, first):
        values = np.array([[1, 1, 0], first]).astype(np.int8)
        return xr.Dataset(
            {key: (("intervention", "stimulus"), values) for key in outcomes.OUTCOMES},
            coords={
                "intervention": ["intact", name],
                "stimulus": ["s", "t", "u"],
                "role": ("intervention", ["intact", "target"]),
            },
        )

    joined = outcomes.join([part("one", [0, 0, 0]), part("two", [1, 1, 1])])
    assert joined["intervention"].values.tolist() == ["intact", "one", "two"]
    assert joined["correct"].values.tolist() == [[1, 1, 0], [0, 0, 0], [1, 1, 1]]
    other = part("two", [1, 1, 1])
    other["correct"][0, 0] = 0
    with pytest.raises(ValueError, match="intact runs of the localizers differ in 'correct'"):
        outcomes.join([part("one", [0, 0, 0]), other])
    with pytest.raises(ValueError, match="different stimuli"):
        outcomes.join([part("one", [0, 0, 0]), part("two", [1, 1, 1]).assign_coords(stimulus=["s", "t", "v"])])
    assert masks.stratum(units.table([units.Layer("a", 0, (2,)), units.Layer("a", 1, (1,))], ["mean"])).tolist() == [
        0,
        0,
        1,
    ]


def test_a_replacement_that_never_happens_is_named(model):
    table = units.table([units.Layer("conv", 1, (3,))], ["mean"])
    modules = hooks.find(model, ["conv"])
    with (
        pytest.raises(ValueError, match=r"layer 'conv' \(call 1\) never ran"),
        intervening(modules, plan(table, np.ones(3, bool), np.zeros(3), CPU)) as restart,
    ):
        restart()
        model(torch.zeros(1, 1, 6, 7))


def test_an_output_that_is_not_finite_is_named():
    model, inputs = Planted(), planted_inputs(8)
    masks_table = xr.Dataset(
        {"selected": (("mask", "unit"), np.ones((1, 10), dtype=bool))},
        coords={"mask": ["all"], **units.table([units.Layer("features", 0, (10, 2, 2))], ["mean"]).coords},
    )
    modules = hooks.find(model, ["features"])
    with pytest.raises(ValueError, match="under 'all' the network's output for 's000' is not finite"):
        ablation.ablate(model, modules, list("abxy"), inputs, masks_table, np.full(10, 3e38), {}, 4, CPU)
