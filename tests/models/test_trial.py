"""A network that answers by chance, by what else is in the batch, or not at all is refused before it is used."""

import pytest
import torch
import torchvision
from torch import nn

from deeplocalizer.models import network, trial
from deeplocalizer.models.description import describe

SHAPE = (3, 16, 16)


class Net(nn.Module):
    """A small network with something at its features."""

    def __init__(self, change=None, outputs=3, end=None):
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.head = nn.Conv2d(3, 8, 3), nn.Linear(8, outputs)
        self.change = change or (lambda x: x)
        self.end = end or (lambda x: x)

    def forward(self, x):
        return self.end(self.head(self.change(self.conv(x).relu().mean((2, 3)))))


def always_dropped(x):
    return nn.functional.dropout(x, 0.1, training=True)


def of_the_first(x):
    return x + 0.1 * x[:1]


def refused(net, words):
    with pytest.raises(ValueError, match=rf"m: {words}"):
        trial.refuse_unsteady(net.eval(), SHAPE, "m")


def test_one_output_makes_no_decision():
    assert trial.outputs(Net(outputs=2), SHAPE, "m") == 2
    with pytest.raises(ValueError, match="m: a network with one output makes no decision; give it one output for each"):
        trial.outputs(Net(outputs=1, end=torch.sigmoid), SHAPE, "m")
    # what the message advises is the same detector
    score = Net(outputs=1)
    two = Net(outputs=1, end=lambda z: torch.cat([torch.zeros_like(z), z], dim=1))
    image = torch.rand(4, *SHAPE)
    assert trial.outputs(two, SHAPE, "m") == 2
    torch.testing.assert_close(two(image).softmax(1)[:, 1:], score(image).sigmoid())


def test_chance_is_refused_and_the_generator_left_alone():
    dropping = Net(always_dropped)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    refused(dropping, r"its outputs for the same images are not the same in a second run \(up to 0\.\d+ apart")
    assert torch.equal(torch.rand(3), expected)
    refused(Net(end=lambda x: x + 0.01 * torch.randn_like(x)), ".*drawn at random in evaluation mode too")


@pytest.mark.parametrize("change", [lambda x: x - x.mean(0), of_the_first, lambda x: x / x.max()])
def test_dependence_on_the_batch_is_refused(change):
    refused(Net(change), r"its outputs for an image depend on the other images of its batch \(up to [\d.e-]+ apart")


class Before(nn.Module):
    """Something before a deep network."""

    def __init__(self, change):
        super().__init__()
        torch.manual_seed(0)
        self.deep, self.change = torchvision.models.resnet18(num_classes=3), change

    def forward(self, x):
        return self.deep(self.change(x))


def test_dependence_before_a_deep_untrained_network_is_refused():
    assert trial.refuse_unsteady(Before(nn.Identity()).eval(), SHAPE, "m") is None
    for change in (lambda x: x - x.mean(0), nn.BatchNorm2d(3, track_running_stats=False)):
        refused(Before(change), "its outputs for an image depend on the other")


def test_rounding_that_a_chaotic_network_amplifies_is_told_by_float64():
    """As MaxViT without its weights does: other sizes of the batch round otherwise."""

    def amplify(x):
        return x + 1e5 * torch.finfo(x.dtype).eps * len(x)

    assert trial.refuse_unsteady(Net(end=amplify).eval(), SHAPE, "m") is None
    # where float64 cannot be asked, the doubt stays
    refused(Net(end=lambda x: amplify(x.reshape(-1, 3) @ torch.eye(3))), "its outputs for an image depend on the other")


def test_what_cannot_take_two_images_is_named():
    refused(Net(lambda x: x.view(1, 8)), "it cannot take 2 images at once of 3 x 16 x 16 .*RuntimeError")
    refused(Net(end=lambda x: x.mean(0, keepdim=True)), "it returns 1 rows of outputs for 2 images")


@pytest.mark.parametrize("scale", [0.0, 1.0, 1e30])
@pytest.mark.parametrize("shift", [0.0, 1e4])
def test_steady_networks_pass_however_their_outputs_are_scaled(scale, shift):
    assert trial.refuse_unsteady(Net(end=lambda x: x * scale + shift), SHAPE, "m") is None


def test_what_overflows_alike_is_the_same():
    for value in (float("inf"), float("nan")):
        steady = Net(end=lambda x, value=value: torch.where(x > 0, x, value))
        assert trial.refuse_unsteady(steady, SHAPE, "m") is None
    odd = Net(end=lambda x: torch.where(torch.tensor(len(x) > 1), x, float("nan")))
    refused(odd, r"its outputs for an image depend .* \(up to nan apart")


@pytest.mark.parametrize(
    "name",
    [
        "torchvision:resnet34",
        "torchvision:googlenet",
        "torchvision:efficientnet_b0",
        "torchvision:swin_t",
        "torchvision:vit_b_16",
        "timm:test_convnext",
        "timm:test_efficientnet.r160_in1k",
        "timm:test_vit.r160_in1k",
        "small_cnn",
    ],
)
def test_networks_of_libraries_pass(name):
    described = describe(name, weights="none", task_labels=["a", "b"])
    found = network.initial(described, 1)
    assert trial.refuse_unsteady(found.module, described.input_shape, name) is None
