"""The rooms give, number by number, what the original DeepLocalizer gives on the same weights and images."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
import transformers
import xarray as xr

from deeplocalizer import ablation, contrast, hooks, masks, recording, tracing, units
from tests import original

CPU = torch.device("cpu")
PATTERN = "resnet.encoder.stages.*.layers.*"
FACES = {"faces": {"preferred": ["faces"], "other": ["objects"]}}
LEGACY = {"contrast": "faces", "statistic": "difference", "sign": "absolute", "scope": "network"}
LABELS = [f"label {i:03d}" for i in range(20)]


def resnet(depths, hidden, labels, inputs, seed=0):
    """A random ResNet of basic blocks, normalised to its images as a trained one is, with logits of like spread."""
    torch.manual_seed(seed)
    config = transformers.ResNetConfig(
        embedding_size=hidden[0], hidden_sizes=hidden, depths=depths, layer_type="basic", num_labels=labels
    )
    model = transformers.ResNetForImageClassification(config).train()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, 0, 0.3)
    with torch.no_grad():
        seen = torch.cat([images(inputs, category, "localize")[:8] for category in ("faces", "objects")])
        model(seen)
        logits = model.eval()(seen).logits
        scale = 5 / logits.std()
        model.classifier[-1].weight *= scale
        # what all images share would decide the label of all of them
        model.classifier[-1].bias.copy_(model.classifier[-1].bias * scale - scale * logits.mean(0))
    return model


def pictures(size, count, seed=0):
    """Blurred noise: smooth, bright in the middle for faces, with stripes for objects; half of each to localize."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (4 * count, 3, size // 8, size // 8)).repeat(8, axis=2).repeat(8, axis=3)
    y, x = np.mgrid[:size, :size] / size - 0.5
    blob, stripes = 90 * np.exp(-8 * (y**2 + x**2)), 60 * np.sign(np.sin(40 * x))
    category = np.repeat(["faces", "objects"], 2 * count)
    added = np.where((category == "faces")[:, None, None], blob, stripes)[:, None]
    pixels = np.clip(0.6 * coarse + added, 0, 255).astype(np.uint8)
    ids = [f"{name}-{i:03d}" for i, name in enumerate(category)]
    return xr.Dataset(
        {
            "pixel_values": (("stimulus", "channel", "y", "x"), pixels),
            "mean": ("channel", [0.485, 0.456, 0.406]),
            "std": ("channel", [0.229, 0.224, 0.225]),
        },
        coords={
            "stimulus": ids,
            "category": ("stimulus", category.astype(object)),
            "label": ("stimulus", np.array([""] * len(ids), dtype=object)),
            "group": ("stimulus", np.array(ids, dtype=object)),
            "split": ("stimulus", np.tile(np.repeat(["localize", "test"], count), 2).astype(object)),
            "fold": ("stimulus", (np.arange(len(ids)) % 2).astype(np.int8)),
        },
    )


def images(inputs, category, split):
    """The same images, normalised by hand."""
    chosen = (inputs["category"].values == category) & (inputs["split"].values == split)
    mean, std = (torch.tensor(inputs[name].values, dtype=torch.float32)[:, None, None] for name in ("mean", "std"))
    return (torch.from_numpy(inputs["pixel_values"].values[chosen]).float() / 255 - mean) / std


@dataclass
class Both:
    """What the original gives, and what the rooms give."""

    difference: np.ndarray
    mask: np.ndarray
    kept: dict[str, int]
    kl: dict[str, np.ndarray]
    contrasts: xr.Dataset
    masks: xr.Dataset
    outcomes: xr.Dataset
    activations: xr.Dataset


def run(model, inputs, labels, batch_size, percent=1.0, controls=1):
    layers = [layer for stage in model.resnet.encoder.stages for layer in stage.layers]

    def forward(batch):
        return model(batch).logits

    means = original.compute_task_activations(
        images(inputs, "faces", "localize"), images(inputs, "objects", "localize"), forward, layers, batch_size
    )
    chosen = original.top_percent_global(means, percent)
    flat = [np.isin(np.arange(one.numel()), idxs.numpy()) for one, idxs in zip(means, chosen, strict=True)]
    kept, kl = {}, {}
    for category in ("faces", "objects"):
        tested = images(inputs, category, "test")
        regular = original.inference(tested, forward, batch_size)
        ablated = original.ablated_inference(tested, forward, layers, chosen, batch_size)
        # a share in float32, so the number of images is exact
        kept[category] = round(original.percent_label_stayed_same(regular, ablated) / 100 * len(tested))
        kl[category] = original.kl_divergence(regular, ablated).numpy()

    modules = hooks.find(model, [PATTERN])
    localizing = inputs.isel(stimulus=(inputs["split"] == "localize").values)
    activations, moments = recording.record(model, modules, localizing, ["position"], batch_size, CPU)
    contrasts = contrast.welch(moments, FACES)
    rule = LEGACY | {"count": sum(len(idxs) for idxs in chosen)}
    selected = masks.table(contrasts, {"faces": rule}, controls, seed=0)
    theirs = selected.copy(deep=True)
    theirs["selected"].values[0] = np.concatenate(flat)  # the same but for ties, which `same` looks at
    outcomes = ablation.ablate(
        model,
        modules,
        labels,
        inputs.isel(stimulus=(inputs["split"] == "test").values),
        theirs,
        ablation.replacements("zero", moments, []),
        {},
        batch_size,
        CPU,
    )
    difference = np.concatenate([one.flatten().numpy() for one in means])
    return Both(difference, np.concatenate(flat), kept, kl, contrasts, selected, outcomes, activations)


def same(both):
    """Compare the two, number by number."""
    difference = both.contrasts["difference"].values[0]
    np.testing.assert_allclose(difference, both.difference, rtol=1e-4, atol=2e-6 * np.abs(difference).max())
    mine = both.masks["selected"].values[0]
    # a unit may swap with another only where float32 means cannot tell the two apart
    swapped = mine != both.mask
    threshold = np.abs(difference[mine]).min()
    np.testing.assert_allclose(np.abs(difference[swapped]), threshold, rtol=1e-4)
    assert mine.sum() == both.mask.sum()
    assert swapped.sum() <= 2
    for category in ("faces", "objects"):
        here = both.outcomes["category"].values == category
        assert both.outcomes["kept"].values[1, here].sum() == both.kept[category]
        np.testing.assert_allclose(both.outcomes["kl"].values[1, here], both.kl[category], rtol=1e-4, atol=1e-5)
        assert both.outcomes["kl"].values[1, here].mean() == pytest.approx(both.kl[category].mean(), abs=1e-5)


@pytest.mark.parametrize("seed", [0, 1])
def test_the_rooms_agree_with_the_original_number_by_number(seed):
    inputs = pictures(64, 20, seed)
    model = resnet([1, 1, 1, 1], [8, 12, 16, 24], len(LABELS), inputs, seed)
    both = run(model, inputs, LABELS, batch_size=8)
    same(both)
    assert both.activations.sizes["unit"] == 0
    # the ablation does something, and not the same to both: else the comparison says little
    assert min(values.mean() for values in both.kl.values()) > 1e-3
    assert 0 < min(both.kept.values()) < 20


def test_position_units_stand_in_the_order_of_the_flattened_outputs():
    model = resnet([1, 1], [4, 6], 3, pictures(32, 4))
    layers = tracing.trace(model, hooks.find(model, [PATTERN]), torch.zeros(1, 3, 32, 32))
    table = units.table(layers, ["position"])
    names = units.layer_names(table)
    for layer in layers:
        mine = names == layer.name
        where = tuple(table[axis].values[mine] for axis in ("channel", "y", "x"))
        np.testing.assert_array_equal(np.ravel_multi_index(where, layer.shape), np.arange(mine.sum()))


def test_dead_units_never_matter():
    """The original may take dead units, these rooms may not; a difference of 0 is no reason to be taken."""
    inputs = pictures(64, 20)
    model = resnet([1, 1, 1, 1], [8, 12, 16, 24], len(LABELS), inputs)
    with torch.no_grad():
        for block in hooks.find(model, [PATTERN]).values():
            # two thirds of the channels give 0 to every image
            norm = block.layer[-1].normalization
            norm.weight[::3], norm.weight[1::3], norm.bias[::3], norm.bias[1::3] = 0, 0, -50, -50
    both = run(model, inputs, LABELS, batch_size=8)
    dead = both.contrasts["dead"].values[0]
    assert 0.5 < dead.mean() < 0.9
    assert not (both.mask & dead).any()
    same(both)
    # more than live: the original fills up with dead units, these rooms say so
    rule = LEGACY | {"count": int((~dead).sum()) + 1}
    with pytest.raises(
        ValueError, match="localizer 'faces': count is .* eligible units have a difference that is not 0"
    ):
        masks.table(both.contrasts, {"faces": rule}, 1, seed=0)


@pytest.mark.slow
def test_a_resnet_34_has_the_units_of_the_original():
    inputs = pictures(224, 32)
    model = resnet([3, 4, 6, 3], [64, 128, 256, 512], 1000, inputs)
    both = run(model, inputs, [f"label {i}" for i in range(1000)], batch_size=32)
    assert len(both.difference) == both.contrasts.sizes["unit"] == 1_379_840
    assert both.mask.sum() == both.masks["selected"].values[0].sum() == 13_798
    same(both)
    layer = units.layer_names(both.contrasts)
    shapes = [(64, 56, 56)] * 3 + [(128, 28, 28)] * 4 + [(256, 14, 14)] * 6 + [(512, 7, 7)] * 3
    names = list(dict.fromkeys(layer))
    assert [int((layer == name).sum()) for name in names] == [int(np.prod(shape)) for shape in shapes]
