"""Heads: linear classifiers on the units of one layer, as plain numbers.

Head             weights, biases and the classes that they tell apart
score_head       outcomes of one readout in one run, beside the intact one
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from deeplocalizer.outcomes import READOUT, Question, ask, score


@dataclass(frozen=True)
class Head:
    """A linear classifier on the units of one layer, and what it is asked about the stimuli of a run.

    The softmax of its logits are the probabilities of the classes: of two classes the first has the logit 0, and the
    other the log odds.

    Parameters
    ----------
    name : str
        Name of the readout.
    layer : str
        The layer whose units it reads.
    call : int
        Which call of the layer, from 0.
    reduction : str
        How a map becomes the features: ``mean``, ``max``, or ``position`` for every element of it.
    weight : ndarray of float64 (class, channel)
        For raw features, not standardised, in the order of the units of the layer.
    bias : ndarray of float64 (class,)
    classes : tuple of str
        In the order of the logits.
    wanted : ndarray of str (stimulus,)
        True class of each stimulus of the run; "" where the stimulus is not asked.

    Raises
    ------
    ValueError
        If the shapes do not fit together, or a wanted class is none of the classes.
    """

    name: str
    layer: str
    call: int
    reduction: str
    weight: np.ndarray
    bias: np.ndarray
    classes: tuple[str, ...]
    wanted: np.ndarray

    def __post_init__(self) -> None:
        """Refuse what does not fit together."""
        shapes = (self.weight.shape[:1], self.bias.shape)
        if self.weight.ndim != 2 or shapes != ((len(self.classes),),) * 2:
            raise ValueError(
                f"readout {self.name!r}: weight {self.weight.shape} and bias {self.bias.shape} for "
                f"{len(self.classes)} classes; expected (class, channel) and (class,)"
            )
        strange = sorted(set(np.unique(self.wanted).tolist()) - {"", *self.classes})
        if strange:
            raise ValueError(f"readout {self.name!r}: class {strange[0]!r} is wanted; it has {', '.join(self.classes)}")

    def ask(self) -> Question:
        """Ask for the class of each stimulus, among all classes; the truth is -1 where a stimulus is not asked."""
        return ask(self.wanted, self.classes, {self.name: self.classes})

    def logits(self, features: np.ndarray) -> np.ndarray:
        """Read some stimuli.

        Parameters
        ----------
        features : ndarray (stimulus, channel)
            Responses of the units of the layer, as recorded.

        Returns
        -------
        ndarray of float64 (stimulus, class)
            Their softmax over the classes are the probabilities.

        Raises
        ------
        ValueError
            If there are not as many units as weights, or a response is not finite.
        """
        if features.ndim != 2 or features.shape[1] != self.weight.shape[1]:
            raise ValueError(
                f"readout {self.name!r}: features {features.shape} of layer {self.layer!r}; "
                f"expected (stimulus, {self.weight.shape[1]})"
            )
        if not np.isfinite(features).all():
            raise ValueError(f"readout {self.name!r}: a response of layer {self.layer!r} is not finite")
        return np.asarray(features.astype(np.float64) @ self.weight.T + self.bias)


def score_head(
    features: np.ndarray, intact_features: np.ndarray, head: Head, block: slice = slice(None)
) -> dict[str, np.ndarray]:
    """Score one readout in one run of some stimuli.

    Parameters
    ----------
    features, intact_features : ndarray (stimulus, channel)
        Responses of the head's layer to the stimuli of the block, under the intervention and without it.
    head : Head
    block : slice
        Which of the head's stimuli these are.

    Returns
    -------
    dict of ndarray (stimulus,)
        Each of `outcomes.READOUT`, as `outcomes.score` gives them for the classes of the head: -1 and NaN where a
        stimulus is not asked; ``readout_kept`` there tells of the class that is chosen all the same.

    Raises
    ------
    ValueError
        If the responses are not those of the head's units, or not finite; see `Head.logits`.
    """
    question = ask(head.wanted[block], head.classes, {head.name: head.classes})
    found = score(head.logits(features), head.logits(intact_features), question)
    return {name: found[name.removeprefix("readout_")] for name in READOUT}
