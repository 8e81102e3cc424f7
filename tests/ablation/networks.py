"""Networks with random weights, and what their layers give when some channels are set by hand.

NETWORKS         how each is made, the side of its images, and patterns of layers from early to late
network          one of them
images           normalised stimuli
inputs           stimuli as `inputs.prepare` makes them
by_hand          a forward pass with channels set by plain hooks
masked           a table of masks of channels
"""

import numpy as np
import torch
import torchvision
import xarray as xr
from torch import nn

from deeplocalizer import tracing, units

CPU = torch.device("cpu")
TV = torchvision.models


def densenet():
    return TV.DenseNet(8, (2, 2), 16, bn_size=2, num_classes=10)


def swin():
    return TV.SwinTransformer([4, 4], 12, [1, 2], [2, 2], [4, 4], num_classes=10)


def vit():
    return TV.VisionTransformer(32, 8, 3, 2, 16, 32, num_classes=10)


class Recurrent(nn.Module):
    """One cell that is called four times, with an activation that works in place and is used by all."""

    def __init__(self):
        super().__init__()
        self.stem, self.cell, self.relu = nn.Conv2d(3, 6, 3, 4), nn.Conv2d(6, 6, 3, padding=1), nn.ReLU(inplace=True)
        self.head = nn.Linear(6, 10)

    def forward(self, x):
        x = self.relu(self.stem(x))
        for _ in range(4):
            x = self.relu(self.cell(x)) + x
        return self.head(x.mean((2, 3)))


class Pair(nn.Module):
    """Gives two maps, one of them a view of what it keeps itself."""

    def __init__(self):
        super().__init__()
        self.conv, self.held = nn.Conv2d(6, 8, 3), None

    def forward(self, x):
        self.held = self.conv(x)
        return self.held[:, :4], self.held[:, 4:] * 2


class Tuples(nn.Module):
    """Modules that give tuples; an addition in place; a module that changes its argument for whoever holds it."""

    def __init__(self):
        super().__init__()
        self.stem, self.pair, self.relu = nn.Conv2d(3, 6, 3, 4), Pair(), nn.ReLU(inplace=True)
        self.lstm, self.mix, self.head = nn.LSTM(4, 5, batch_first=True), nn.Linear(5, 5), nn.Linear(5, 10)

    def forward(self, x):
        kept = self.stem(x)
        y = self.relu(kept)
        one, other = self.pair(y + kept)  # both are rectified
        one = one + 1
        one += other
        out, (last, _) = self.lstm(one.flatten(2).transpose(1, 2))
        return self.head(self.mix(out).mean(1) + last[0])


NETWORKS = {
    "resnet18": (
        lambda: TV.resnet18(weights=None, num_classes=10),
        64,
        ["conv1", "layer1.0", "layer3.*.relu", "layer4.1"],
    ),
    "vit": (vit, 32, ["encoder.layers.*.mlp.0", "encoder.layers.*"]),
    "swin": (swin, 64, ["features.1.*", "features.3.1", "features.3.*.mlp.0"]),
    "densenet": (densenet, 64, ["features.conv0", "features.denseblock2.denselayer1.conv1", "features.denseblock2.*"]),
    "googlenet": (
        lambda: TV.GoogLeNet(num_classes=10, aux_logits=False, init_weights=False),
        64,
        ["conv2", "inception4b.branch2.0", "inception5a"],
    ),
    "recurrent": (Recurrent, 32, ["cell", "relu"]),
    "tuples": (Tuples, 32, ["pair", "relu", "mix"]),
}


def network(name, seed=0):
    """Make a network, with batch norms that do something."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        made = NETWORKS[name][0]().eval()
        for module in made.modules():
            if isinstance(module, nn.BatchNorm2d):
                nn.init.normal_(module.running_mean, std=0.2)
                nn.init.uniform_(module.running_var, 0.5, 1.5)
        for parameter in made.parameters():
            if not parameter.any():  # a head that says nothing would hide every error
                nn.init.normal_(parameter, std=0.1)
        return made


def inputs(count, side, channels=3, seed=0):
    """Make noise; the categories are a and b, the splits localize and test."""
    rng = np.random.default_rng(seed)
    return xr.Dataset(
        {
            "pixel_values": (
                ("stimulus", "channel", "y", "x"),
                rng.integers(0, 256, (count, channels, side, side), dtype=np.uint8),
            ),
            "mean": ("channel", [0.5] * channels),
            "std": ("channel", [0.25] * channels),
        },
        coords={
            "stimulus": [f"s{i:03d}" for i in range(count)],
            "category": ("stimulus", np.array(["a", "b"], dtype=object)[np.arange(count) % 2]),
            "label": ("stimulus", np.array(["l0", "l1", "l2"], dtype=object)[np.arange(count) % 3]),
            "split": ("stimulus", np.array(["localize", "localize", "test"], dtype=object)[np.arange(count) % 3]),
            "fold": ("stimulus", (np.arange(count) % 4).astype(np.int8)),
            "group": ("stimulus", np.array([f"s{i:03d}" for i in range(count)], dtype=object)),
        },
    )


LABELS = [f"l{i}" for i in range(10)]


def images(stimuli):
    """Normalise pixels."""
    return (torch.from_numpy(stimuli["pixel_values"].values).float() / 255 - 0.5) / 0.25


def layers(model, patterns, side):
    """Give the layers of patterns, by name and call, and the places that they lie in."""
    chosen = tracing.select(model, patterns, torch.zeros(1, 3, side, side))
    return chosen.layers, chosen.places


def masked(table, masks):
    """Make a table of masks from the units of each."""
    selected = np.zeros((len(masks), table.sizes["unit"]), dtype=bool)
    for row, members in enumerate(masks.values()):
        selected[row, members] = True
    return xr.Dataset(
        {"selected": (("mask", "unit"), selected)}, coords={"mask": [*masks], **table.coords}, attrs=table.attrs
    )


def by_hand(model, x, table, members, values=0.0):
    """Run with channels set by plain hooks; none of the package's own are used."""
    names, calls, channel = units.layer_names(table), table["call"].values, table["channel"].values
    values = np.broadcast_to(values, table.sizes["unit"])
    modules, handles, counts = dict(model.named_modules()), [], {}
    turned = units.turned(table)

    def hook_of(path):
        def hook(module, _, output):
            call = counts.get(path, 0)
            counts[path] = call + 1
            parts = list(output) if isinstance(output, tuple) else [output]
            for index in range(len(parts)):
                name = f"{path}[{index}]" if isinstance(output, tuple) else path
                for unit in members:
                    if names[unit] == name and calls[unit] == call:
                        last = parts[index].ndim != 4 or (name, call) in turned
                        parts[index] = parts[index].clone()
                        place = (Ellipsis, channel[unit]) if last else (slice(None), channel[unit])
                        parts[index][place] = float(values[unit])
            return tuple(parts) if isinstance(output, tuple) else parts[0]

        return hook

    for path in {str(names[unit]).split("[")[0] for unit in members}:
        handles.append(modules[path].register_forward_hook(hook_of(path)))
    with torch.no_grad():
        given = model(x)
    for handle in handles:
        handle.remove()
    return given
