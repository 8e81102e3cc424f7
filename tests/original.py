"""The method of DeepLocalizer 0.0.3, written anew in plain PyTorch from its documentation: an outside truth.

It keeps the names, the order of operations and the in-place ways of the original; nothing here imports this package.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import nn


class ActivationTracker:
    """Collects what some layers give, image by image, flattened."""

    def __init__(self, layers: Sequence[nn.Module]):
        self.layers, self.list_activations = layers, []

    def __enter__(self):
        self.handles = [layer.register_forward_hook(self._hook) for layer in self.layers]
        return self

    def _hook(self, _, __, output):
        self.list_activations.append(output.detach().clone())

    def __exit__(self, *_):
        for handle in self.handles:
            handle.remove()


def mean_accumulate_tensors(accumulator, tensors, total_length):
    """Add a batch to running means: each image counts one over the number of all."""
    return [kept + tensor.sum(dim=0) / total_length for kept, tensor in zip(accumulator, tensors, strict=True)]


def accumulate_activations(data, model_forward, layers_activations, batch_size=32):
    means = None
    for start in range(0, len(data), batch_size):
        with ActivationTracker(layers_activations) as tracker, torch.no_grad():
            model_forward(data[start : start + batch_size])
        batch = tracker.list_activations
        means = [torch.zeros_like(one[0]) for one in batch] if means is None else means
        means = mean_accumulate_tensors(means, batch, len(data))
    return means


def compute_task_activations(positive, control, model_forward, layers_activations, batch_size=32):
    """Mean response to the positive images minus that to the others, layer by layer."""
    with_task = accumulate_activations(positive, model_forward, layers_activations, batch_size)
    without = accumulate_activations(control, model_forward, layers_activations, batch_size)
    return [one - other for one, other in zip(with_task, without, strict=True)]


def percent_to_k(tensors, percent):
    return int(sum(tensor.numel() for tensor in tensors) * percent / 100)


def topk_global(tensors, k):
    """The k largest numbers of all tensors together, as flat indices within each tensor."""
    flat = torch.cat([tensor.flatten() for tensor in tensors])
    chosen = torch.topk(flat, k).indices
    starts = torch.tensor([0, *torch.tensor([tensor.numel() for tensor in tensors]).cumsum(0).tolist()])
    return [
        chosen[(chosen >= low) & (chosen < high)] - low
        for low, high in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True)
    ]


def top_percent_global(tensors, percent=1.0, transform: Callable = torch.abs):
    return topk_global([transform(tensor) for tensor in tensors], percent_to_k(tensors, percent))


def default_flat_idxs_ablate(activations, ablate, scalar):
    flat = activations.view(activations.shape[0], -1)
    flat[:, ablate] *= scalar
    return activations


class AblateTorchModel:
    """Multiplies units of all layers at once, in place, for as long as the context lasts."""

    def __init__(self, layers, to_ablate, scalar=0.0):
        self.layers, self.to_ablate, self.scalar = layers, to_ablate, scalar

    def __enter__(self):
        self.handles = [
            layer.register_forward_hook(lambda _, __, output, idxs=idxs: self._hook(output, idxs))
            for layer, idxs in zip(self.layers, self.to_ablate, strict=True)
        ]

    def _hook(self, output, idxs):
        return default_flat_idxs_ablate(output, idxs, self.scalar)

    def __exit__(self, *_):
        for handle in self.handles:
            handle.remove()


def inference(data, model_forward, batch_size=32):
    with torch.no_grad():
        return torch.cat([model_forward(data[i : i + batch_size]) for i in range(0, len(data), batch_size)])


def ablated_inference(data, model_forward, layers, to_ablate, batch_size=32):
    with AblateTorchModel(layers, to_ablate):
        return inference(data, model_forward, batch_size)


def percent_label_stayed_same(before, after):
    return (before.argmax(dim=1) == after.argmax(dim=1)).float().mean().item() * 100


def kl_divergence(regular, ablated):
    """KL(ablated || regular) of the softmax, for each image, in nats."""
    log_ablated, log_regular = (logits.double().log_softmax(dim=1) for logits in (ablated, regular))
    return (log_ablated.exp() * (log_ablated - log_regular)).sum(dim=1)
