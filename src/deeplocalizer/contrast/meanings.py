"""What the variables of a contrast mean, in the words that the file carries.

described        the attributes of a variable
"""

from __future__ import annotations

_LONG_NAMES = {
    "difference": "mean response to the preferred categories minus that to the others",
    "t": "Welch's t",
    "df": "degrees of freedom after Welch and Satterthwaite",
    "log10_p": "log10 of the two-sided p",
    "log10_p_greater": "log10 of the one-sided p (preferred > other)",
    "log10_q": "log10 of the false discovery rate (two-sided)",
    "log10_q_greater": "log10 of the false discovery rate of the one-sided p (preferred > other)",
    "log10_q_less": "log10 of the false discovery rate of the one-sided p (preferred < other)",
    "d": "Cohen's d, by the pooled standard deviation",
    "g": "Hedges' g, d without its bias",
    "dprime": "d', the difference over the root of the mean of both variances",
    "selectivity_index": "(preferred - other) / (preferred + other) of the mean responses",
    "auroc": "area under the ROC curve of preferred against other stimuli",
    "log10_p_least": "log10 of the two-sided p against a minimum effect",
    "log10_p_least_greater": "log10 of the one-sided p against a minimum effect (preferred > other)",
    "log10_p_least_less": "log10 of the one-sided p against a minimum effect (preferred < other)",
    "log10_q_least": "log10 of the false discovery rate against a minimum effect (two-sided)",
    "log10_q_least_greater": "log10 of the false discovery rate against a minimum effect (preferred > other)",
    "log10_q_least_less": "log10 of the false discovery rate against a minimum effect (preferred < other)",
    "magnitude": "mean |response| over the stimuli of the contrast",
    "dead": "the same response to every stimulus of all categories",
    "constant": "the same response to all stimuli of each category, but not of all: told apart perfectly",
    "n_preferred": "stimuli of the preferred categories",
    "n_other": "stimuli of the other categories",
    "reliability": "correlation of d between even and odd folds",
}
_COMMENTS = {
    "t": "0 where dead; of a conjunction, that of the comparison with the largest p, 0 where they do not agree in sign",
    "selectivity_index": "0 where both means are 0 or the unit is dead; NaN where a mean is negative",
    "auroc": "NaN where responses were not stored",
    "log10_p_least": "approximate: Welch's t as a noncentral t of Welch's df",
    "magnitude": "exact where responses were stored, elsewhere the root of the mean squared response",
    "dead": "t, d, g, dprime, selectivity_index and the two-sided log10 p are set to 0: it counts as a test with "
    "p = 1, and one-sided with p = 0.5, as t = 0 gives",
    "constant": "its spread is taken to be the rounding of float32: t, d, g and dprime are lower bounds",
    "reliability": "over units that are neither dead nor constant in either half",
}


def described(name: str, **more: object) -> dict[str, object]:
    """Give the attributes of a variable: its long name, a comment where it needs one, and what else is to be said."""
    comment = {"comment": _COMMENTS[name]} if name in _COMMENTS else {}
    return {"long_name": _LONG_NAMES[name], **comment, **more}
