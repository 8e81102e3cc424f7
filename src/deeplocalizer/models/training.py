"""Train a network on all tasks at once, seeded.

train            fit a network to the labels of a split
accuracy         share of right decisions in each task, balanced over its labels
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch.nn.functional import cross_entropy, pad

from deeplocalizer import seeding
from deeplocalizer.models.feeding import batches, normalise
from deeplocalizer.models.network import Network

logger = logging.getLogger(__name__)
SHIFT = 2  # pixels by which a training image may be moved
JITTER = 0.2  # range of the change of brightness and contrast


def train(
    network: Network,
    inputs: xr.Dataset,
    tasks: Mapping[str, Sequence[str]],
    settings: Mapping[str, Any],
    seed: int,
) -> Network:
    """Fit a network to the labels of its inputs, on the CPU, in one thread.

    Parameters
    ----------
    network : Network
        Changed in place.
    inputs : Dataset
        The train split alone.
    tasks : mapping of sequences of str
        The labels of each task. Every task, and every label within it, is drawn equally often.
    settings : mapping
        ``epochs``, ``batch_size``, ``learning_rate``, ``weight_decay`` and ``mirror``: the labels that keep their
        meaning in a mirror.
    seed : int

    Returns
    -------
    Network
        The same, in evaluation mode.

    Notes
    -----
    One softmax over the labels of all tasks, as the dual-task network of Dobs et al. (2022, Sci Adv 8:eabl8913). One
    thread, so that the weights do not depend on the number of cores.
    """
    inputs = inputs.sortby("stimulus")  # the draw must not depend on the order in the file
    mean, std = (torch.as_tensor(inputs[name].values, dtype=torch.float32)[:, None, None] for name in ("mean", "std"))
    pixels = torch.from_numpy(inputs["pixel_values"].values)
    target, weight = _targets(inputs, network.labels, tasks)
    mirrored = torch.from_numpy(np.isin(inputs["label"].values.astype(str), settings["mirror"]))
    generator = torch.Generator().manual_seed(seeding.integer(seed, "training"))
    steps = max(1, len(target) // settings["batch_size"])
    optimizer = torch.optim.AdamW(
        network.module.parameters(), lr=settings["learning_rate"], weight_decay=settings["weight_decay"]
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, settings["learning_rate"], total_steps=steps * settings["epochs"]
    )
    network.module.train()
    # dropout draws from the global generator
    with torch.random.fork_rng(devices=[]), _one_thread():
        torch.manual_seed(seeding.integer(seed, "dropout"))
        for epoch in range(settings["epochs"]):
            total = 0.0
            for _ in range(steps):
                drawn = torch.multinomial(weight, settings["batch_size"], replacement=True, generator=generator)
                images = _augment(pixels[drawn].float(), mirrored[drawn], generator)
                loss = cross_entropy(network.module(normalise(images, mean, std)), target[drawn])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
                total += loss.item()
            logger.info("epoch %d of %d: loss %.4f", epoch + 1, settings["epochs"], total / steps)
    network.module.eval()
    return network


def accuracy(network: Network, inputs: xr.Dataset, tasks: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """Measure the share of right decisions in each task, balanced over its labels.

    A decision is made among the labels of the stimulus's own task, so chance is one over their number.
    """
    with torch.inference_mode(), _one_thread():
        outputs = [network.module(images) for _, images in batches(inputs, 256, torch.device("cpu"))]
    logits = torch.cat(outputs).numpy()
    label = inputs["label"].values.astype(str)
    result = {}
    for task, names in tasks.items():
        columns = [network.labels.index(name) for name in names]
        decided = np.array(names)[logits[:, columns].argmax(axis=1)]
        hits = [np.mean(decided[label == name] == name) for name in names if np.any(label == name)]
        result[task] = float(np.mean(hits))
    return result


def _targets(
    inputs: xr.Dataset, labels: Sequence[str], tasks: Mapping[str, Sequence[str]]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Give each stimulus its output and the weight with which it is drawn."""
    label = inputs["label"].values.astype(str)
    weight = np.zeros(len(label))
    for task, names in tasks.items():
        for name in names:
            members = label == name
            if not members.any():
                raise ValueError(f"task {task!r}: no stimulus of the train split has the label {name!r}")
            weight[members] = 1 / (len(tasks) * len(names) * members.sum())
    target = np.array([labels.index(name) if name in labels else 0 for name in label])
    return torch.from_numpy(target), torch.from_numpy(weight)


def _augment(images: torch.Tensor, may_mirror: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Shift, mirror and relight each image of a batch (stimulus, channel, y, x), on a scale of 0 to 255."""
    count, _, height, width = images.shape
    padded = pad(images, (SHIFT,) * 4, mode="replicate")
    down, right = torch.randint(2 * SHIFT + 1, (2, count), generator=generator)
    rows = (torch.arange(height) + down[:, None])[:, None, :, None]
    columns = (torch.arange(width) + right[:, None])[:, None, None, :]
    images = padded[
        torch.arange(count)[:, None, None, None], torch.arange(images.shape[1])[:, None, None], rows, columns
    ]
    mirrored = may_mirror & (torch.rand(count, generator=generator) < 0.5)
    images = torch.where(mirrored[:, None, None, None], images.flip(-1), images)
    light, contrast = (torch.rand(2, count, generator=generator) * 2 - 1) * JITTER
    centre = images.mean(dim=(1, 2, 3), keepdim=True)
    images = centre + (images - centre) * (1 + contrast[:, None, None, None]) + 255 * light[:, None, None, None] / 2
    return images.clamp(0, 255)


class _one_thread:
    """Run torch in one thread for a while."""

    def __enter__(self) -> None:
        self.threads = torch.get_num_threads()
        torch.set_num_threads(1)

    def __exit__(self, *_: object) -> None:
        torch.set_num_threads(self.threads)
