"""Units carry the labels that the makers of a network mean, and ablating one takes exactly that number away."""

import numpy as np
import pytest
import timm
import torch
import torchvision
import transformers
import xarray as xr
from torch import nn

from deeplocalizer import hooks, recording, tracing, units
from deeplocalizer.intervention import intervening, plan

CPU = torch.device("cpu")


def pictures(size, count=1, channels=3):
    rng = np.random.default_rng(0)
    names = [f"s{i}" for i in range(count)]
    return xr.Dataset(
        {
            "pixel_values": (
                ("stimulus", "channel", "y", "x"),
                rng.integers(0, 256, (count, channels, size, size), dtype=np.uint8),
            ),
            "mean": ("channel", [0.5] * channels),
            "std": ("channel", [0.25] * channels),
        },
        coords={
            "stimulus": names,
            **{key: ("stimulus", names) for key in ("category", "label", "group")},
            "split": ("stimulus", ["localize"] * count),
            "fold": ("stimulus", np.zeros(count, dtype=np.int8)),
        },
    )


def tensor(inputs):
    return (torch.from_numpy(inputs["pixel_values"].values).float() / 255 - 0.5) / 0.25


def raw(model, sites, x):
    """What modules give, by hand: no code of the package, copies in their own layout."""
    seen, handles = {}, []
    for path, index in sites:

        def hook(_, __, output, key=(path, index)):
            part = output
            for step in key[1]:
                part = part[step]
            seen.setdefault(key, part.clone())

        handles.append(model.get_submodule(path).register_forward_hook(hook))
    with torch.inference_mode():
        model(x)
    for handle in handles:
        handle.remove()
    return seen


def tv_convnext():
    sizes = ((8, 12, 1), (12, 16, 1), (16, None, 1))
    setting = [torchvision.models.convnext.CNBlockConfig(*size) for size in sizes]
    return torchvision.models.ConvNeXt(setting), 64


def tv_convnext_tiny():
    return torchvision.models.convnext_tiny(weights=None), 64


def tv_swin():
    return torchvision.models.SwinTransformer([4, 4], 12, [1, 2], [2, 2], [4, 4]), 64


def tv_swin_t():
    return torchvision.models.swin_t(weights=None), 64


def tv_vit():
    return torchvision.models.VisionTransformer(32, 8, 2, 2, 16, 32), 32


def tv_vit_b_16():
    return torchvision.models.vit_b_16(weights=None), 224


def hf_resnet():
    config = transformers.ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[2, 1], layer_type="basic")
    return transformers.ResNetForImageClassification(config), 32


def hf_vit():
    config = transformers.ViTConfig(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, image_size=32, patch_size=8
    )
    return transformers.ViTForImageClassification(config), 32


def hf_convnext():
    config = transformers.ConvNextConfig(hidden_sizes=[8, 16], depths=[1, 1], num_stages=2)
    return transformers.ConvNextForImageClassification(config), 32


def hf_swin():
    config = transformers.SwinConfig(
        image_size=32, patch_size=2, embed_dim=8, depths=[1, 1], num_heads=[2, 2], window_size=4
    )
    return transformers.SwinForImageClassification(config), 32


def timm_convnext():
    return timm.create_model("convnext_atto", pretrained=False, conv_mlp=False), 64


def timm_swin():
    return timm.create_model(
        "swin_tiny_patch4_window7_224", pretrained=False, img_size=56, depths=(2, 2), num_heads=(3, 6)
    ), 56


def timm_mixer():
    return timm.models.mlp_mixer.MlpMixer(img_size=64, patch_size=16, num_blocks=2, embed_dim=32), 64


# read in the sources of the three libraries: the axes of each output behind the batch, as the module gives them
CONVNEXT = {
    "features.0": "cyx",
    "features.1.0": "cyx",
    "features.1.0.block.0": "cyx",
    "features.1.0.block.1": "yxc",
    "features.1.0.block.2": "yxc",
    "features.1.0.block.3": "yxc",
    "features.1.0.block.4": "yxc",
    "features.1.0.block.6": "cyx",
    "features.5.0": "cyx",
    "avgpool": "cyx",
    "classifier.2": "c",
}
SWIN = {
    "features.0.0": "cyx",
    "features.0.1": "yxc",
    "features.1.0": "yxc",
    "features.1.0.mlp.1": "yxc",
    "features.2": "yxc",
    "features.3.1": "yxc",
    "norm": "yxc",
    "permute": "cyx",
    "flatten": "c",
}
VIT = {
    "conv_proj": "cyx",
    "encoder.layers.encoder_layer_0": "tc",
    "encoder.layers.encoder_layer_1.mlp.1": "tc",
    "encoder.layers.encoder_layer_1.self_attention[0]": "tc",
    "heads.head": "c",
}
LAYOUTS = [
    (tv_convnext, CONVNEXT),
    pytest.param((tv_convnext_tiny, CONVNEXT), marks=pytest.mark.slow),
    (tv_swin, SWIN),
    pytest.param((tv_swin_t, SWIN), marks=pytest.mark.slow),
    (tv_vit, VIT),
    pytest.param((tv_vit_b_16, VIT), marks=pytest.mark.slow),
    (
        hf_resnet,
        {
            "resnet.embedder": "cyx",
            "resnet.encoder.stages.0.layers.0": "cyx",
            "resnet.encoder.stages.0.layers.1": "cyx",
            "resnet.encoder.stages.1.layers.0": "cyx",
            "resnet.pooler": "cyx",
        },
    ),
    (hf_vit, {"vit.embeddings": "tc", "vit.layers.0": "tc", "vit.layers.1.mlp.fc1": "tc", "vit.layernorm": "tc"}),
    (
        hf_convnext,
        {
            "convnext.embeddings": "cyx",
            # as many channels as places along a side
            "convnext.encoder.stages.0.layers.0": "cyx",
            "convnext.encoder.stages.0.layers.0.dwconv": "cyx",
            "convnext.encoder.stages.0.layers.0.layernorm": "yxc",
            "convnext.encoder.stages.0.layers.0.act": "yxc",
            "convnext.encoder.stages.0.layers.0.pwconv2": "yxc",
            "convnext.encoder.stages.1.layers.0": "cyx",
            "convnext.layernorm": "c",
        },
    ),
    (
        hf_swin,
        {
            "swin.embeddings[0]": "tc",
            "swin.encoder.layers.0[1]": "cyx",
            "swin.encoder.layers.0.blocks.0[0]": "tc",
            "swin.encoder.layers.0.downsample": "tc",
            "swin.encoder.layers.1.blocks.0.mlp.fc1": "tc",
            "swin.layernorm": "tc",
            "swin.pooler": "ct",
        },
    ),
    (
        timm_convnext,
        {
            "stem": "cyx",
            "stages.0.blocks.0": "cyx",
            "stages.0.blocks.0.conv_dw": "cyx",
            "stages.0.blocks.0.norm": "yxc",
            "stages.0.blocks.0.mlp": "yxc",
            "stages.3.blocks.1.mlp.act": "yxc",
            "stages.3": "cyx",
        },
    ),
    (
        timm_swin,
        {
            "patch_embed": "yxc",
            "layers.0.blocks.0": "yxc",
            "layers.0.blocks.1.mlp": "tc",
            "layers.1": "yxc",
            "layers.1.downsample": "yxc",
            "norm": "yxc",
            "head.fc": "c",
        },
    ),
    (
        timm_mixer,
        {
            "stem": "tc",
            "blocks.0": "tc",
            "blocks.1.drop_path": "tc",
            "blocks.1.mlp_channels": "tc",
            "blocks.1.mlp_channels.fc1": "tc",
            "norm": "tc",
        },
    ),
]
NAMES = {"c": "channel", "t": "token", "y": "y", "x": "x"}


def step(part):
    return int(part) if part.isdigit() else part


def split(name):
    """Part a layer's name into the module's path and the way into its output."""
    path, *rest = name.removesuffix("]").split("[")
    return path, tuple(step(part) for part in rest)


@pytest.fixture(params=LAYOUTS, ids=lambda case: case[0].__name__)
def case(request):
    build, layouts = request.param
    torch.manual_seed(0)
    model, size = build()
    return model.eval(), size, layouts


def places(table, chosen, layout):
    """Where some units of a layer are in the output as the module gives it, by their labels."""
    return tuple(table[NAMES[axis]].values[chosen] for axis in layout)


def test_every_unit_is_where_its_labels_say(case):
    model, size, layouts = case
    inputs = pictures(size)
    truth = raw(model, [split(name) for name in layouts], tensor(inputs))
    for name, layout in layouts.items():
        path = split(name)[0]
        _, moments = recording.record(model, {path: model.get_submodule(path)}, inputs, ["position"], 1, CPU)
        chosen = np.flatnonzero((units.layer_names(moments) == name) & (moments["call"].values == 0))
        recorded = moments["mean"].values.reshape(-1)
        given = truth[split(name)][0].numpy()
        assert len(chosen) == given.size, name
        # every place once, and there the number that was recorded
        where = places(moments, chosen, layout)
        assert len(np.unique(np.ravel_multi_index(where, given.shape))) == given.size, name
        np.testing.assert_allclose(recorded[chosen], given[where], rtol=1e-5, atol=1e-6, err_msg=name)
        for axis in set("ctyx") - set(layout):
            assert (moments[NAMES[axis]].values[chosen] == units.ABSENT).all(), name


def test_ablating_a_unit_takes_exactly_that_number_away(case):
    model, size, layouts = case
    x = tensor(pictures(size, 2))
    rng = np.random.default_rng(1)
    for name, layout in layouts.items():
        path, index = split(name)
        modules = {path: model.get_submodule(path)}
        layers = tracing.trace(model, modules, x[:1])
        with hooks.every_module_called():
            before = raw(model, [(path, index)], x)[path, index].numpy()
        for reduction in ("position", "mean"):
            table = units.table(layers, [reduction])
            mine = np.flatnonzero((units.layer_names(table) == name) & (table["call"].values == 0))
            one = rng.choice(mine, 1)
            selected = np.isin(np.arange(table.sizes["unit"]), one)
            with intervening(modules, plan(table, selected, np.full(len(selected), 7.5), CPU)) as restart:
                restart()
                after = raw(model, [(path, index)], x)[path, index].numpy()
            expected = before.copy()
            if reduction == "position":
                expected[(slice(None), *places(table, one, layout))] = 7.5
            else:
                axis = layout.index("c") + 1
                np.moveaxis(expected, axis, 0)[table["channel"].values[one]] = 7.5
            np.testing.assert_array_equal(after, expected, err_msg=f"{name} {reduction}")


def test_the_blocks_of_a_resnet_34_are_found_and_nothing_deeper():
    config = transformers.ResNetConfig(
        embedding_size=64, hidden_sizes=[64, 128, 256, 512], depths=[3, 4, 6, 3], layer_type="basic"
    )
    with torch.device("meta"):
        model = transformers.ResNetForImageClassification(config)
    found = hooks.find(model, ["resnet.encoder.stages.*.layers.*"])
    assert list(found) == [
        f"resnet.encoder.stages.{stage}.layers.{block}" for stage, n in enumerate([3, 4, 6, 3]) for block in range(n)
    ]
    assert list(found.values()) == [layer for stage in model.resnet.encoder.stages for layer in stage.layers]


class Turning(nn.Module):
    """Moves channels without a module that says so."""

    def __init__(self, last):
        super().__init__()
        self.last = last

    def forward(self, x):
        return x.permute(0, 2, 3, 1) if self.last else x.permute(0, 3, 1, 2)


class Cube(nn.Module):
    """As many channels as rows and columns: shapes tell nothing."""

    def __init__(self, fixed, side=8):
        super().__init__()
        self.fixed, self.side = fixed, side
        self.conv = nn.Conv2d(3, side, 1)
        self.to_last, self.act, self.to_first = Turning(True), nn.ReLU(), Turning(False)

    def forward(self, x):
        if self.fixed and x.shape[-1] != self.side:
            raise TypeError("another size")
        return self.to_first(self.act(self.to_last(self.conv(x)))).mean((2, 3))


def layouts_of(model, patterns, x):
    return {layer.name: layer.turned for layer in tracing.trace(model, hooks.find(model, patterns), x)}


def test_where_shapes_tell_nothing_a_larger_image_does():
    found = layouts_of(Cube(fixed=False), ["*"], torch.randn(1, 3, 8, 8))
    assert found == {"conv": False, "to_last": True, "act": True, "to_first": False}


def test_where_nothing_tells_the_layer_is_named():
    class Split(nn.Module):
        def __init__(self):
            super().__init__()
            self.turn = Turning(True)

        def forward(self, x):
            assert x.shape[-1] == 3
            return self.turn(x).mean((1, 2))

    with pytest.raises(ValueError, match=r"layer 'turn' \(Turning\) gives a map of shape \(3, 3, 3\) per stimulus"):
        layouts_of(Split(), ["*"], torch.randn(1, 3, 3, 3))
    # the layer before had as many channels, and left them where they are
    plain = nn.Sequential(nn.Conv2d(3, 3, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(3), nn.Flatten(), nn.Linear(27, 2))
    assert not any(layouts_of(plain, ["*"], torch.randn(1, 3, 3, 3)).values())


def test_maps_of_oblong_pictures_are_told_by_what_made_them():
    # a map of 4 x 4 x 5 is not channels last because two of its sides agree
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), Turning(True), nn.ReLU())
    found = layouts_of(model, ["*"], torch.randn(1, 3, 6, 7))
    assert found == {"0": False, "1": False, "2": True, "3": True}


def test_one_dimensional_convolutions_have_channels_before_tokens():
    class Waves(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.norm, self.act = nn.Conv1d(4, 6, 3), nn.BatchNorm1d(6), nn.GELU()
            self.linear = nn.Linear(6, 5)

        def forward(self, x):
            return self.linear(self.act(self.norm(self.conv(x.flatten(2)))).transpose(1, 2))

    model, x = Waves().eval(), torch.randn(1, 4, 5, 5)
    layers = tracing.trace(model, hooks.find(model, ["*"]), x)
    assert [(layer.shape, layer.turned) for layer in layers] == [((23, 6), True)] * 3 + [((23, 5), False)]
    table = units.table(layers[:1], ["position"])
    given = raw(model, [("conv", ())], x)["conv", ()][0]
    assert given.shape == (6, 23)
    assert table["channel"].values.max() == 5
    assert table["token"].values.max() == 22


def test_a_hot_pixel_is_found_in_its_channel_and_place():
    """Channel 2 sees one white pixel at row 1, column 3, and the network turns it around on the way."""
    model = nn.Sequential(nn.Conv2d(1, 4, 1, bias=False), Turning(True), nn.LayerNorm(4), Turning(False))
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([0.0, 0, 1, 0])[:, None, None, None])
    x = torch.zeros(1, 1, 6, 6)
    x[0, 0, 1, 3] = 1
    inputs = pictures(6, channels=1)
    inputs["pixel_values"][:] = (x.numpy() * 255).astype(np.uint8)
    inputs["mean"][:], inputs["std"][:] = 0, 1
    _, moments = recording.record(model.eval(), hooks.find(model, ["*"]), inputs, ["position"], 1, CPU)
    names, means = units.layer_names(moments), moments["mean"].values.reshape(-1)
    for layer in "0123":
        mine = np.flatnonzero(names == layer)
        hot = mine[np.argmax(means[mine])]
        assert [int(moments[axis][hot]) for axis in ("channel", "y", "x")] == [2, 1, 3], layer


def test_turned_layers_travel_with_the_units_and_count_in_their_fingerprint():
    plain, turned = (units.table([units.Layer("a b", 1, (2, 3, 3), is_turned)], ["mean"]) for is_turned in (0, 1))
    assert units.turned(plain) == frozenset()
    assert units.turned(turned) == {("a b", 1)}
    assert units.turned(turned.isel(unit=[0])) == {("a b", 1)}
    with pytest.raises(units.UnitsMismatchError):
        units.align(plain, turned)
