"""The forward passes of an ablation: those of masks begin where the first of them does.

Passes           an intact pass of each block of stimuli, and passes that go on from what it left

What the network computes before the first site that is replaced is computed once for each block: see `hooks.resuming`.
On the first block each start is tried without replacements; if the outputs are not those of the intact pass, bit by
bit, whole passes are run for it and the log says why. That is so for a network with a state, or whose control flow
depends on what was computed; for one that goes another way later, from then on; and for one that cannot be watched.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager

import torch
from torch import nn

from deeplocalizer.ablation.rows import close, of_rows, repeated, repeating
from deeplocalizer.ablation.watching import watch
from deeplocalizer.hooks import (
    Calls,
    ChangedError,
    DivergedError,
    Kept,
    Place,
    Prefix,
    Site,
    Visitor,
    keeping,
    prefix,
    resuming,
)
from deeplocalizer.intervention import Replacement, intervening
from deeplocalizer.models.feeding import logits

Replacements = Mapping[Site, Sequence[Replacement]]
Reading = Mapping[Site, Visitor]
Change = Callable[[torch.Tensor], torch.Tensor]

ODD = (ValueError, RuntimeError, TypeError, IndexError)  # what a pass may raise that goes on where it should not
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
    shapes : dict
        Of what each site of the places gives, with the batch.
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
        self._kept: Kept | None = None
        seen = watch(model, places, images, together, turned)
        self._probes, self._history, self._axes = seen.probes, seen.history, seen.axes
        self.together, self.shapes = seen.together, seen.shapes
        self._prefixes = self._worthwhile(groups)
        self._tried = self._alike = False

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
        start = self._start(replaced)
        begun = None if start is None else self._prefixes.get(start)
        if start is not None and begun is not None and self._kept is not None:
            try:
                return self._resumed(begun, self._kept, images, masks, replaced, reading)
            except torch.OutOfMemoryError:
                raise
            except ODD as error:
                _log.info("whole passes for the masks that begin after %d modules: %s", len(begun.steps), error)
                # others may go on from what was changed
                self._prefixes = {} if isinstance(error, ChangedError) else self._but(start)
        with self._intervening(replaced, reading, masks, images) as restart:
            restart()
            return of_rows(logits(self._model(repeated(images, masks))), images, masks)

    def refuse_unlike(
        self, images: torch.Tensor, together: torch.Tensor, alone: Callable[[int], Replacements], masks: int
    ) -> None:
        """Refuse to let masks share a pass that gives one of them other outputs than a pass of its own.

        Parameters
        ----------
        images : Tensor (stimulus, ...)
        together : Tensor (mask * stimulus, label)
            What the first shared pass gave. Later passes are taken to be like it.
        alone : callable
            Gives the replacements of one mask, by its number.
        masks : int

        Raises
        ------
        DivergedError
        """
        if self._alike:
            return
        given = together.unflatten(0, (masks, len(images)))
        # what tells most is a mask that leaves the most of the stimuli's differences; the first has the first rows
        chosen = 1 + int(given[1:].float().var(1, unbiased=False).sum(1).argmax())
        if not close(given[chosen], self.run(images, alone(chosen), {})):
            raise DivergedError("a mask gives other outputs beside others than alone")
        self._alike = True

    def reaches(self, replaced: Collection[Site], site: Site) -> bool:
        """Say whether a site is visited in the passes of some masks: what lies before them is as in the intact run."""
        start = self._start(replaced)
        return start is None or self._history is None or self._history.sites.get(site, start) >= start

    def forget(self) -> None:
        """Free what the intact pass left."""
        self._kept = None

    def _start(self, sites: Collection[Site]) -> float | None:
        """Say when the first of some sites is visited; None if one of them never is, or there are none."""
        if self._history is None:
            return None
        times = [self._history.sites.get(site) for site in sites]
        return None if None in times else min((time for time in times if time is not None), default=None)

    def _prefix(self, sites: Collection[Site]) -> Prefix | None:
        start = self._start(sites)
        return None if start is None else self._prefixes.get(start)

    def _but(self, start: float) -> dict[float, Prefix]:
        return {other: one for other, one in self._prefixes.items() if other != start}

    def _intervening(
        self, replaced: Replacements, reading: Reading, masks: int = 1, images: torch.Tensor | None = None
    ) -> AbstractContextManager[Calls]:
        rows = None if masks == 1 or images is None else masks * len(images)
        return intervening(self._places, replaced, reading, self._turned, rows)

    def _worthwhile(self, groups: Iterable[Collection[Site]]) -> dict[float, Prefix]:
        """Work out what comes before each start, where that is enough to be worth a trial."""
        if self._history is None:
            return {}
        starts = {self._start(sites) for sites in groups} - {None}
        refused = {number for number, axes in enumerate(self._axes) if axes is None} if self.together > 1 else set()
        found = {start: prefix(self._history, start, refused) for start in starts if start is not None}
        return {start: one for start, one in found.items() if one.share >= LEAST}

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
        except ODD as error:
            _log.info("whole passes for the masks that begin after %d modules: %s", len(begun.steps), error)
            return False
        return True

    def _refuse_unequal_rows(self, begun: Prefix) -> None:
        """Refuse a start where what is handed out cannot be repeated for several masks."""
        some = self._probes[:2]
        with self._intervening({}, {}), keeping(self._model, [begun]) as kept:
            expected = logits(self._model(some.clone()))
        twice = self._resumed(begun, kept, some, 2)
        if not close(twice, expected.repeat(2, 1)):
            raise DivergedError("what comes before cannot be repeated for several masks")

    def _resumed(
        self,
        begun: Prefix,
        kept: Kept,
        images: torch.Tensor,
        masks: int,
        replaced: Replacements | None = None,
        reading: Reading | None = None,
    ) -> torch.Tensor:
        """Go on from a start."""
        changes = None if masks == 1 else self._changes(masks)
        with self._intervening(replaced or {}, reading or {}, masks, images) as counts:
            counts()
            with resuming(begun, kept, counts, changes):
                return of_rows(logits(self._model(repeated(images, masks))), images, masks)
