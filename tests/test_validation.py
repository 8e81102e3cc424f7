"""Recorded values reproduce the output; layers that the network does not use are told."""

import pytest
import torch
import torchvision
from torch import nn

from deeplocalizer import tracing, validation


def run(model, x, patterns=("**", "**()")):
    chosen = tracing.select(model, patterns, x[:1])
    return validation.validate(model, chosen.places, chosen.layers, x, seed=0)


def test_every_operation_of_a_residual_network_reproduces_its_output():
    torch.manual_seed(0)
    model = torchvision.models.ResNet(torchvision.models.resnet.BasicBlock, [1, 1, 1, 1], num_classes=5).eval()
    found = run(model, torch.randn(2, 3, 32, 32))
    assert {"layer1.0.bn1", "layer1.0.relu", "layer1.0.add()", "flatten()"} <= set(found["layer"].values)
    assert (found["error"] == 0).all() and found["has_influence"].all()


class Branched(nn.Module):
    """One branch is multiplied by nothing."""

    def __init__(self):
        super().__init__()
        self.used, self.idle, self.head = nn.Linear(6, 4), nn.Linear(6, 4), nn.Linear(4, 2)

    def forward(self, x):
        x = x.flatten(1)
        return self.head(self.used(x) + 0 * self.idle(x))


def test_a_layer_without_influence_is_listed():
    torch.manual_seed(0)
    found = run(Branched().eval(), torch.randn(3, 1, 2, 3))
    silent = set(found["layer"].values[~found["has_influence"].values])
    assert silent == {"idle"}
    assert (found["error"] == 0).all()


def test_the_influence_of_a_linear_layer_is_what_arithmetic_says():
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 1, bias=False))
    nn.init.ones_(model[1].weight)
    x = torch.tensor([[[[0.0, 0, 0, 0]]], [[[2.0, 0, 0, 0]]]])
    found = run(model.eval(), x, ["1"])
    # the outputs are 0 and 2, of standard deviation 1: so is the noise, and the influence is its largest value
    noise = torch.randn((2, 1), generator=torch.Generator().manual_seed(0))
    assert float(found["influence"][0]) == pytest.approx(float(noise.abs().max()), rel=1e-6)


def test_a_network_that_is_not_deterministic_is_refused_by_name():
    class Noisy(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(3, 2)

        def forward(self, x):
            return self.linear(x.flatten(1)) + torch.randn(1)

    torch.manual_seed(0)
    with pytest.raises(ValueError, match=r"changes the output of Noisy, .* not deterministic: linear \("):
        run(Noisy().eval(), torch.randn(2, 3, 1, 1), ["linear"])


def test_a_layer_that_reads_a_value_before_it_is_overwritten_is_right():
    class Overwritten(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm = nn.BatchNorm2d(2)
            self.relu = nn.ReLU(inplace=True)

        def forward(self, x):
            return self.relu(self.norm(x)).mean((2, 3))

    torch.manual_seed(0)
    found = run(Overwritten().eval(), torch.randn(4, 2, 5, 5), ["norm", "relu"])
    assert (found["error"] == 0).all() and found["has_influence"].all()


def test_a_network_without_real_outputs_cannot_be_validated():
    class Decided(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(3, 2)

        def forward(self, x):
            return self.linear(x.flatten(1)).argmax(1)

    with pytest.raises(ValueError, match="Decided gives no real numbers"):
        run(Decided().eval(), torch.randn(2, 3, 1, 1), ["linear"])
