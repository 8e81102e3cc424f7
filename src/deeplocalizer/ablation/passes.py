"""The forward passes of an ablation: those of masks begin where the first of them does.

Passes           an intact pass of each block of stimuli, and passes that go on from what it left

What the network computes before the first site that is replaced is computed once for each block: see `hooks.resuming`.
On the first block each start is tried without replacements; if the outputs are not those of the intact pass, bit by
bit, whole passes are run for it and the log says why. That is so for a network with a state, or whose control flow
depends on what was computed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager

import torch
from torch import nn

from deeplocalizer.ablation.rows import probes, repeated, repeating, row_axes
from deeplocalizer.hooks import (
    Calls,
    DivergedError,
    History,
    Kept,
    Place,
    Prefix,
    Site,
    Visitor,
    history,
    keeping,
    prefix,
    resuming,
)
from deeplocalizer.intervention import Replacement, intervening
from deeplocalizer.models.feeding import logits

Replacements = Mapping[Site, Sequence[Replacement]]
Reading = Mapping[Site, Visitor]
Change = Callable[[torch.Tensor], torch.Tensor]

LEAST = 0.05  # share of the module calls that must come before a start, else going on from there is not worth a trial

_log = logging.getLogger(__name__)


class Passes:
    """An intact pass of each block of stimuli, and passes that go on from what it left.

    Parameters
    ----------
    model : Module
        In evaluation mode.
    places : mapping of Module or Operation
    groups : iterable of collections of Site
        What is replaced together.
    images : Tensor (stimulus, ...)
        The first block.
    together : int
        The most masks that share a pass.
    turned : collection of Site
        As `hooks.visiting` takes them.

    Attributes
    ----------
    together : int
        As given, or 1 where the rows of a batch influence one another.
    """

    def __init__(
        self,
        model: nn.Module,
        places: Mapping[str, Place],
        groups: Iterable[Collection[Site]],
        images: torch.Tensor,
        together: int,
        turned: Collection[Site] = (),
    ) -> None:
        self._model, self._places, self._turned = model, places, turned
        self._probes = probes(images)
        self._kept: Kept | None = None
        self._axes: list[list[int | None] | None] = []
        self._history = self._remember(2)
        self.together = self._sociable(together)
        starts = {self._start(sites) for sites in groups} - {None}
        refused = {number for number, axes in enumerate(self._axes) if axes is None} if self.together > 1 else set()
        found = {start: prefix(self._history, start, refused) for start in starts if start is not None}
        self._prefixes: dict[float, Prefix] = {start: one for start, one in found.items() if one.share >= LEAST}
        self._tried = False

    def intact(self, images: torch.Tensor, reading: Reading) -> torch.Tensor:
        """Run a block without replacements, and keep what its masks go on from.

        Parameters
        ----------
        images : Tensor (stimulus, ...)
        reading : mapping of callable

        Returns
        -------
        Tensor (stimulus, label)
        """
        try:
            with self._intervening({}, reading) as restart, keeping(self._model, [*self._prefixes.values()]) as kept:
                restart()
                outputs = logits(self._model(images.clone()))
        except DivergedError as error:
            _log.info("whole passes for %d stimuli: %s", len(images), error)
            self._kept = None
            return self.run(images, {}, reading)
        self._kept = kept if self._prefixes else None
        if not self._tried:
            self._tried = True
            self._try(images, outputs)
        return outputs

    def run(self, images: torch.Tensor, replaced: Replacements, reading: Reading, masks: int = 1) -> torch.Tensor:
        """Run the block once for each of some masks.

        Parameters
        ----------
        images : Tensor (stimulus, ...)
            Of the block that was run intact last.
        replaced : mapping of sequences of Replacement
            The rows of the first mask come first.
        reading : mapping of callable
            Only sites that `reaches` names: those before are not visited.
        masks : int

        Returns
        -------
        Tensor (mask * stimulus, label)
        """
        begun = self._prefix(replaced)
        with self._intervening(replaced, reading) as restart:
            restart()
            if begun is None or self._kept is None:
                return logits(self._model(repeated(images, masks)))
            changes = None if masks == 1 else self._changes(masks)
            with resuming(begun, self._kept, restart, changes):
                return logits(self._model(repeated(images, masks)))

    def reaches(self, replaced: Collection[Site], site: Site) -> bool:
        """Say whether a site is visited in the passes of some masks: what lies before them is as in the intact run."""
        start = self._start(replaced)
        return start is None or self._history.sites.get(site, start) >= start

    def forget(self) -> None:
        """Free what the intact pass left."""
        self._kept = None

    def _start(self, sites: Collection[Site]) -> float | None:
        """Say when the first of some sites is visited; None if one of them never is, or there are none."""
        times = [self._history.sites.get(site) for site in sites]
        return None if None in times else min((time for time in times if time is not None), default=None)

    def _prefix(self, sites: Collection[Site]) -> Prefix | None:
        start = self._start(sites)
        return None if start is None else self._prefixes.get(start)

    def _intervening(self, replaced: Replacements, reading: Reading) -> AbstractContextManager[Calls]:
        return intervening(self._places, replaced, reading, self._turned)

    def _remember(self, count: int) -> History:
        return history(self._model, self._places, lambda: self._model(self._probes[:count].clone()))

    def _sociable(self, together: int) -> int:
        """Find out whether masks can share a pass, and which axis of each output is that of the rows."""
        if together == 1:
            return 1
        longer = self._remember(3)
        two, three = logits(self._history.output), logits(longer.output)
        if not torch.allclose(two, three[:2], rtol=1e-3, atol=1e-4 * float(two.abs().max())):
            _log.info("one mask in a pass: the stimuli of a batch influence one another")
            return 1
        self._axes = [
            row_axes(call.shapes, other.shapes) if call.module is other.module else None
            for call, other in zip(self._history.calls, longer.calls, strict=False)
        ]
        self._axes += [None] * (len(self._history.calls) - len(self._axes))
        return together

    def _changes(self, masks: int) -> Callable[[int], list[Change]]:
        def changes(call: int) -> list[Change]:
            return [repeating(axis, masks) for axis in self._axes[call] or ()]

        return changes

    def _try(self, images: torch.Tensor, outputs: torch.Tensor) -> None:
        """Try every start without replacements, after another pass has left its traces where there are any.

        The last start comes first: its pass goes over no traces in what comes before the others.
        """
        if self._prefixes:
            self._model(self._probes[1:].clone())
        tried = sorted(self._prefixes.items(), reverse=True)
        self._prefixes = {start: one for start, one in tried if self._holds(one, images, outputs)}

    def _holds(self, begun: Prefix, images: torch.Tensor, outputs: torch.Tensor) -> bool:
        """Say whether going on from a start gives the outputs of the intact pass."""
        assert self._kept is not None
        try:
            if not torch.equal(self._resumed(begun, self._kept, images, 1), outputs):
                raise DivergedError("its outputs are others when it goes on from there")
            if self.together > 1:
                self._refuse_unequal_rows(begun)
        except (ValueError, RuntimeError, TypeError, IndexError) as error:
            _log.info("whole passes for the masks that begin after %d modules: %s", len(begun.steps), error)
            return False
        return True

    def _refuse_unequal_rows(self, begun: Prefix) -> None:
        """Refuse a start where what is handed out cannot be repeated for several masks."""
        some = self._probes[:2]
        with self._intervening({}, {}), keeping(self._model, [begun]) as kept:
            expected = logits(self._model(some.clone()))
        twice = self._resumed(begun, kept, some, 2)
        if not torch.allclose(twice, expected.repeat(2, 1), rtol=1e-3, atol=1e-4 * float(expected.abs().max())):
            raise DivergedError("what comes before cannot be repeated for several masks")

    def _resumed(self, begun: Prefix, kept: Kept, images: torch.Tensor, masks: int) -> torch.Tensor:
        changes = None if masks == 1 else self._changes(masks)
        with self._intervening({}, {}) as counts, resuming(begun, kept, counts, changes):
            return logits(self._model(repeated(images, masks)))
