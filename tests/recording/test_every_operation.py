"""What is recorded of every module and operation is what two other readers find, bit for bit.

The same arithmetic runs in the same batch on the same device, so nothing less than equality will do.
"""

import pytest
import torch
import torchvision
from torch import nn
from torchvision.models.convnext import CNBlockConfig, ConvNeXt
from torchvision.models.densenet import DenseNet
from torchvision.models.efficientnet import EfficientNet, FusedMBConvConfig, MBConvConfig
from torchvision.models.googlenet import GoogLeNet
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet
from torchvision.models.shufflenetv2 import ShuffleNetV2
from torchvision.models.swin_transformer import SwinTransformer
from torchvision.models.vision_transformer import VisionTransformer

from deeplocalizer import hooks, tracing
from tests.peers import agree, extracted, pixels, responses, traced
from tests.recording.examples import images

EVERYTHING = ["**", "**()"]


def efficientnet():
    blocks = [MBConvConfig(1, 3, 1, 8, 8, 1), FusedMBConvConfig(4, 3, 2, 8, 16, 2), MBConvConfig(4, 5, 2, 16, 24, 2)]
    return EfficientNet(blocks, 0.1, stochastic_depth_prob=0.2, num_classes=5, last_channel=24)


def convnext():
    return ConvNeXt([CNBlockConfig(8, 12, 1), CNBlockConfig(12, None, 2)], num_classes=5)


def swin():
    return SwinTransformer([4, 4], 16, [2, 2], [2, 4], [4, 4], num_classes=5)


class Recurrent(nn.Module):
    """Calls one cell four times, and forgets in place."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 8, stride=8)
        self.cell = nn.Conv2d(6, 6, 3, padding=1)
        self.norms = nn.ModuleList(nn.BatchNorm2d(6) for _ in range(4))
        self.relu = nn.ReLU(inplace=True)
        self.head = nn.Linear(6, 5)

    def forward(self, x):
        drive = self.stem(x)
        state = torch.zeros_like(drive)
        for norm in self.norms:
            state = state * 0.5
            state += norm(self.cell(state) + drive)
            state = self.relu(state)
        return self.head(state.mean((2, 3)))


# name: how it is made, and the parts of what is recorded that torchvision (it has no blocks) and TorchLens (it looks
# into attention, and has no such thing as its two outputs) find too
NETWORKS = {
    "resnet": (lambda: ResNet(BasicBlock, [1, 1, 1, 1], num_classes=5), 1, 1),
    "bottleneck": (lambda: ResNet(Bottleneck, [1, 1, 1, 1], num_classes=5), 1, 1),
    "densenet": (lambda: DenseNet(8, (2, 2), 16, num_classes=5), 0.9, 1),
    "googlenet": (lambda: GoogLeNet(num_classes=5, aux_logits=False, init_weights=False, transform_input=True), 0.6, 1),
    "shufflenet": (lambda: ShuffleNetV2([1, 2, 1], [8, 12, 16, 24, 32], num_classes=5), 0.9, 1),
    "vit": (lambda: VisionTransformer(32, 8, 2, 2, 16, 32, num_classes=5), 0.6, 0.9),
    "swin": (swin, 0.3, 1),
    "convnext": (convnext, 0.7, 1),
    "efficientnet": (efficientnet, 0.05, 1),
    "recurrent": (Recurrent, 0.9, 1),
}
LARGE = ("densenet121", "resnet50", "vgg11_bn", "swin_t", "swin_v2_t", "maxvit_t")
FULL = [
    "googlenet",
    "vit_b_32",
    "convnext_tiny",
    "efficientnet_b0",
    "resnet18",
    "inception_v3",
    "regnet_y_400mf",
    "mnasnet0_5",
    "squeezenet1_1",
    *(pytest.param(name, marks=pytest.mark.long) for name in LARGE),
]


def made(make):
    """Make a network whose batch norms do something, so that their outputs are no others'."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = make().eval()
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.5, 2)
        return model


def compare(recorded, turned, expected, least):
    both = recorded.keys() & expected.keys()
    wrong = sorted(str(site) for site in both if not agree(site, recorded[site], expected[site], turned))
    assert not wrong, f"{len(wrong)} of {len(both)} differ"
    assert len(both) >= least * len(recorded), sorted(map(str, recorded.keys() - both))


@pytest.mark.parametrize("name", NETWORKS)
def test_every_element_is_what_others_find(name):
    make, torchvisions, torchlens = NETWORKS[name]
    model, inputs = made(make), images(2)
    recorded, turned = responses(model, EVERYTHING, inputs)
    compare(recorded, turned, extracted(model, inputs), torchvisions)
    compare(recorded, turned, traced(model, inputs), torchlens)


@pytest.mark.slow
@pytest.mark.parametrize("name", FULL)
def test_every_element_at_full_size(name):
    extras = {"aux_logits": False, "init_weights": False} if name in ("googlenet", "inception_v3") else {}
    model = made(lambda: torchvision.models.get_model(name, weights=None, **extras))
    inputs = images(1, (3, 224, 224))
    recorded, turned = responses(model, EVERYTHING, inputs)
    compare(recorded, turned, extracted(model, inputs), 0.05)
    compare(recorded, turned, traced(model, inputs), 0.85)


def test_a_module_called_four_times_has_four_sites():
    model = made(Recurrent)
    recorded, _ = responses(model, EVERYTHING, images(2))
    for place, calls in (("cell", 4), ("relu", 4), ("norms.0", 1), ("mul()", 4), ("add()", 8)):
        assert sum(site.name == place for site in recorded) == calls


@pytest.mark.parametrize("name", ["resnet", "googlenet", "vit", "swin", "recurrent"])
def test_nothing_is_recorded_twice_and_nothing_that_has_units_is_lost(name):
    model, inputs = made(NETWORKS[name][0]), images(3)  # no axis but the first is as long
    example = pixels(inputs)
    chosen = tracing.select(model, EVERYTHING, example)
    kept = {hooks.Site(layer.name, layer.call) for layer in chosen.layers}
    twins = {other: site for site, others in chosen.others.items() for other in others}
    assert not kept & twins.keys() and set(twins.values()) <= kept
    values = {}
    with torch.no_grad(), hooks.visiting(chosen.places, lambda site, output: values.update({site: output.clone()})):
        model(example)
    everything = tracing.operations(model, example)
    places = hooks.find(model, EVERYTHING, everything)
    seen = {}
    with torch.no_grad(), hooks.visiting(places, lambda site, output: seen.update({site: output.clone()})):
        model(example)
    for other, site in twins.items():
        assert torch.equal(seen[other], seen[site])
    left = {site for site in seen if site not in kept | twins.keys()}
    assert {str(site) for site in left} == chosen.left_out.keys()
    unclear = "it cannot be told which axis is the channel"  # the heads of a window that is the whole map
    for site in (site for site in left if chosen.left_out[str(site)] != unclear):
        assert len(seen[site]) != len(example) or seen[site].ndim not in (2, 3, 4)
