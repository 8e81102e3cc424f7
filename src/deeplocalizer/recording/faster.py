"""Run a network faster, as far as its responses stay what they are.

hasten           take those ways that keep the responses within a tolerance
deviation        how far two sets of responses are apart
"""

from __future__ import annotations

import dataclasses
import logging
import math
from collections.abc import Mapping, Sequence

import torch

from deeplocalizer.hooks import Site, visiting
from deeplocalizer.models.feeding import feed
from deeplocalizer.recording.passes import Recording
from deeplocalizer.recording.recorder import Collector
from deeplocalizer.recording.ways import WAYS, impossible, steered

log = logging.getLogger("deeplocalizer")


def hasten(recording: Recording, ways: Sequence[str], tolerance: float) -> Recording:
    """Take those ways that keep the responses within a tolerance.

    Parameters
    ----------
    recording : Recording
    ways : sequence of str
        Of `ways.WAYS`. Each is tried on the first block, on top of those that were taken before.
    tolerance : float
        The largest `deviation` from the network as it is.

    Returns
    -------
    Recording
        It says which ways it takes, and its deviation. The log says which are left off, and why.

    Raises
    ------
    ValueError
        If there is no such way.
    """
    reasons = {way: impossible(way, recording.places, recording.device) for way in ways}
    exact = _responses(recording) if ways else {}
    for way in sorted(ways, key=WAYS.index):
        reason = reasons[way]
        if reason is None:
            quicker = dataclasses.replace(recording, ways=(*recording.ways, way))
            try:
                apart = deviation(exact, _responses(quicker))
            except torch._dynamo.exc.TorchDynamoException as error:
                reason = f"it fails: {str(error).splitlines()[0]}"
            else:
                says = f"it changes responses by {apart:.2g} of their standard deviation"
                if apart <= tolerance:
                    log.info("%s is taken: %s", way, says)
                    recording = dataclasses.replace(quicker, deviation=apart)
                    continue
                reason = f"{says}, more than {tolerance:g}"
        log.warning("%s is left off: %s", way, reason)
    return recording


Responses = Mapping[tuple[Site, int], torch.Tensor]


def deviation(exact: Responses, other: Responses) -> float:
    """Say how far two sets of responses are apart.

    Parameters
    ----------
    exact, other : mapping of Tensor (stimulus, unit)
        By layer and reduction.

    Returns
    -------
    float
        The largest difference in any layer, as a share of the standard deviation of that layer's responses; infinite
        where a layer without any differs, or a response is not finite.
    """
    worst = 0.0
    for place, values in exact.items():
        difference = float((other[place].cpu().double() - values.cpu().double()).abs().max())
        spread = float(values.cpu().double().std(correction=0))
        share = 0.0 if difference == 0 else difference / spread if spread > 0 else math.inf
        worst = max(worst, math.inf if math.isnan(share) else share)
    return worst


def _responses(recording: Recording) -> Responses:
    """Run the first block."""
    course, device = recording.course, recording.device
    collector = Collector(recording.book)
    images = next(feed(recording.inputs, [course.order[course.block(0)]], device))
    with (
        torch.inference_mode(),
        visiting(recording.places, collector, recording.book.turned),
        steered(recording.model, recording.ways, device, len(images)) as network,
    ):
        network(images)
    parts = collector.parts
    return {(site, index): values for site, found in parts.items() for index, values in enumerate(found)}
