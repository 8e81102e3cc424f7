"""Which stimuli change their label under a localizer's mask, and from what to what.

LISTED           how many stimuli, and how many transitions, are listed of each localizer at most
Changed          the stimuli that change their label
Transitions      from which label to which other one, and how often
changed          the first
transitions      the second
labels           the name of each output
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from deeplocalizer import units
from deeplocalizer.effects.runs import Runs

LISTED = 2000


@dataclass(frozen=True)
class Changed:
    """The stimuli that change their label under a mask, (change,), most specific first.

    Parameters
    ----------
    stimulus, category, label, before, after : ndarray of str (change,)
    controls : ndarray of int (change,)
        Random masks under which the label changes, too.
    same : ndarray of int (change,)
        Random masks under which it changes to the same label.
    kl : ndarray (change,)
        Divergence of the outputs, ablated from intact, in nats.
    """

    stimulus: np.ndarray
    category: np.ndarray
    label: np.ndarray
    before: np.ndarray
    after: np.ndarray
    controls: np.ndarray
    same: np.ndarray
    kl: np.ndarray

    def __len__(self) -> int:
        """Count the stimuli."""
        return len(self.stimulus)


@dataclass(frozen=True)
class Transitions:
    """From which label to which other one stimuli change under a mask, (transition,), most frequent first.

    Parameters
    ----------
    before, after : ndarray of str (transition,)
    stimuli : ndarray of int (transition,)
        Number of stimuli that change so.
    control : ndarray (transition,)
        Mean number of stimuli that change so under a random mask.
    category : ndarray of str (transition,)
        The category that most of these stimuli are of; of several, the first by name.
    of_category : ndarray of int (transition,)
        How many of these stimuli are of that category.
    """

    before: np.ndarray
    after: np.ndarray
    stimuli: np.ndarray
    control: np.ndarray
    category: np.ndarray
    of_category: np.ndarray

    def __len__(self) -> int:
        """Count the transitions."""
        return len(self.before)


def changed(outcomes: xr.Dataset, localizer: str, kind: str) -> Changed:
    """List the stimuli that change their label under the mask of a localizer.

    Parameters
    ----------
    outcomes : Dataset
        As `ablation.ablate` makes it.
    localizer : str
    kind : str
        Of the random masks.

    Returns
    -------
    Changed
        All of them: those that change under the fewest random masks first, of these the largest divergence first,
        then by name.

    Raises
    ------
    ValueError
        If the outcomes do not tell which label was chosen, or there are no such masks.
    """
    runs, chosen, names = Runs.of(outcomes), _chosen(outcomes), labels(outcomes)
    intact, target = chosen[runs.intact], chosen[runs.target(localizer)]
    drawn = chosen[runs.controls(localizer, kind)]
    here = np.flatnonzero(intact != target)
    controls = (drawn[:, here] != intact[here]).sum(axis=0)
    kl = outcomes["kl"].transpose("intervention", "stimulus").values[runs.target(localizer), here]
    stimulus = outcomes["stimulus"].values.astype(str)[here]
    order = np.lexsort((stimulus, -kl, controls))
    here = here[order]
    category, label = (outcomes[name].values.astype(str)[here] for name in ("category", "label"))
    same = (drawn[:, here] == target[here]).sum(axis=0).astype(np.int32)
    before, after = names[intact[here]], names[target[here]]
    return Changed(stimulus[order], category, label, before, after, controls[order].astype(np.int32), same, kl[order])


def transitions(outcomes: xr.Dataset, localizer: str, kind: str) -> Transitions:
    """Count from which label to which other one stimuli change under the mask of a localizer.

    Parameters
    ----------
    outcomes, localizer, kind
        As `changed` takes them.

    Returns
    -------
    Transitions
        All of them, most frequent first; of equally frequent ones the rarer under random masks, then by the order of
        the labels.
    """
    runs, chosen, names = Runs.of(outcomes), _chosen(outcomes), labels(outcomes)
    category = outcomes["category"].values.astype(str)
    intact, target = chosen[runs.intact], chosen[runs.target(localizer)]
    drawn = chosen[runs.controls(localizer, kind)]
    moved = intact != target
    codes, count = np.unique(intact[moved] * np.int64(len(names)) + target[moved], return_counts=True)
    pairs = np.stack(np.divmod(codes, len(names)))
    control, most, of_most = np.zeros(len(count)), np.full(len(count), "", dtype=object), np.zeros(len(count), np.int32)
    for place, (before, after) in enumerate(pairs.T):
        control[place] = (drawn[:, intact == before] == after).sum() / len(drawn)
        found, number = np.unique(category[(intact == before) & (target == after)], return_counts=True)
        most[place], of_most[place] = found[number.argmax()], number.max()
    order = np.lexsort((pairs[1], pairs[0], control, -count))
    before, after = names[pairs[:, order]]
    return Transitions(
        before, after, count[order].astype(np.int32), control[order], most[order].astype(str), of_most[order]
    )


def _chosen(outcomes: xr.Dataset) -> np.ndarray:
    if "decided" not in outcomes:
        raise ValueError("the outcomes do not tell which label was chosen: they have no variable 'decided'")
    return np.asarray(outcomes["decided"].transpose("intervention", "stimulus").values)


def labels(outcomes: xr.Dataset) -> np.ndarray:
    """Give the name of each output of the network, as an array of str (output,)."""
    flags = outcomes["decided"]
    return units.decode(xr.DataArray(np.arange(np.size(flags.attrs["flag_values"])), attrs=flags.attrs))
