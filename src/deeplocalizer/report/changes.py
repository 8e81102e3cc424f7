"""Which images change their label. All of it is Markdown or HTML.

sentence         how many images change, of which categories, and how, beside random masks
figure_caption   of the images that change
alt              what that figure shows, in words
uniform          whether the network labels nearly all images alike
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from deeplocalizer.changes import EVERY, LISTED
from deeplocalizer.report import categories, transitions, wording
from deeplocalizer.report.study import Study
from deeplocalizer.report.wording import count, listed, name, percent
from deeplocalizer.summaries import Effect, plain

ROUNDING = 1e-9  # sums of the same numbers in another order may differ by less
UNIFORM = 0.9  # share of images of one label from which a network hardly tells anything apart
TOLD = 3  # transitions, and categories where there are many, that a sentence tells of


def sentence(study: Study, changes: xr.Dataset) -> str:
    """Say how many images change their label under each mask, of which categories, and from what to what.

    Parameters
    ----------
    study : Study
    changes : Dataset
        Of one of its models, as `changes.measure` makes it.
    """
    told = [_decided(study, changes)]
    for localizer in changes["localizer_name"].values.astype(str):
        mine = changes.sel(localizer_name=localizer)
        parts = [
            _how_many(study, mine),
            _by_category(study, mine),
            _how(mine, localizer),
            _specific(mine, localizer),
        ]
        told.append(" ".join(part for part in parts if part))
    return "\n\n".join(told)


def figure_caption(changes: xr.Dataset) -> str:
    """Caption the figure of the images that change."""
    if not changes.sizes["change"]:
        return "Images that change their label: there is none."
    masked = (
        "where nothing but the units of a localizer is kept"
        if categories.keeps(changes)
        else "without the units of a localizer"
    )
    return (
        f"Images that change their label {masked}, those first that few random masks change. Beneath each: the label "
        "that the intact network chooses, the label chosen then, and under which share of the random masks the label "
        "changes, too. What is shown first was chosen for that, so it is no sample of what the masks do."
    )


def alt(changes: xr.Dataset) -> str:
    """Say what the figure shows, for those who do not see it."""
    parts = []
    for localizer in changes["localizer_name"].values.astype(str):
        row = transitions.first(changes, "transition", localizer)
        number = int(changes["changed"].sel(localizer_name=localizer))
        how = "none"
        if row is not None:
            how = f"{count(number, 'image')}, most often from {row['before']} to {row['after']}"
        parts.append(f"{plain(localizer)} units: {how}".replace(wording.NO_BREAK, " "))
    return f"Images whose label changes, with the label before and after; {'; '.join(parts)}"


def _decided(study: Study, changes: xr.Dataset) -> str:
    """Say among what labels are chosen."""
    outputs = int(changes["outputs"])
    named = "" if int(changes["named"]) else " These outputs have no names and are told by their numbers, from 0."
    if study.config["tasks"]:
        among = "output among the labels of its task"
    else:
        among = f"of all {count(outputs, 'output')} of the network"
    return (
        f"The label of an image is that with the highest {among}.{named}{_one_label(changes)} Each *p* is a rank among "
        "random masks that stands by itself: it is not adjusted for the number of localizers and categories."
    )


def uniform(changes: xr.Dataset) -> float:
    """Give the share of the images that the intact network labels alike, where that leaves little to change; or 0."""
    share = float(changes["commonest_share"])
    return share if share >= UNIFORM else 0.0


def _one_label(changes: xr.Dataset) -> str:
    """Say that the intact network tells hardly anything apart, if so."""
    share = uniform(changes)
    if not share:
        return ""
    label = wording.name(str(changes["commonest"].values))
    return (
        f" The intact network gives {percent(share)} of the test images one label, *{label}*: of such a network it "
        "says little that labels are kept, and the divergence of its outputs says more."
    )


def _how_many(study: Study, mine: xr.Dataset) -> str:
    """Say how many images change under a mask and under random ones."""
    every, changed, keep = mine.sel(category=EVERY, outcome="kept"), int(mine["changed"]), categories.keeps(mine)
    number, share = int(every["n"]), _share(every)
    who = f"the *{name(str(mine['localizer_name'].values))}* units"
    does = f"Keeping nothing but {who}" if keep else f"Silencing {who}"
    of = f"{number:,} test images" if number > 1 else "one test image"
    if changed == 0:
        none = "none of the " if number > 1 else "not even the "
        what = f"{does} changes the label of {none}{of} ({wording.level(share)})"
    elif changed == number:
        every_one = "every one of the " if number > 1 else "the "
        what = f"{does} changes the label of {every_one}{of} ({wording.level(share)})"
    else:
        what = f"{does} changes the label of {changed:,} of {of} ({wording.level(share)})"
    compared = "" if changed == 0 == float(every["control"]) else f" {_compared(every, keep, study.alpha)}"
    return f"{what}; {_random(study, mine, every)}.{compared}"


def _random(study: Study, mine: xr.Dataset, every: xr.Dataset) -> str:
    """Say what random masks do."""
    masks, mean = int(mine["controls"]), float(every["control"])
    if mean == 0:
        return "no random mask changes any" if masks > 1 else "the random mask changes none"
    if masks == 1:
        return f"the one random mask changes {percent(mean)}"
    low, high = (wording.decimal(100 * float(every[part])) for part in ("control_low", "control_high"))
    most = wording.round_percent(study.config["inference"]["confidence"])
    return f"the {count(masks, 'random mask')} change {percent(mean)} on average ({most} of them {low} to {high})"


def _compared(every: xr.Dataset, keep: bool, alpha: float) -> str:
    """Say whether that is more than random masks change; where a mask is kept, whether it is less."""
    estimate, low, high, p = (float(every[part]) for part in ("estimate", "control_low", "control_high", "p"))
    more, fewer = ("fewer", "more") if keep else ("more", "fewer")
    if p <= alpha:
        return f"That is {more} than random masks change ({wording.p(p)})."
    if estimate - high > ROUNDING if keep else low - estimate > ROUNDING:
        return f"That is {fewer} than random masks change, not {more} ({wording.p(p)} for {more})."
    return f"That is not demonstrably {more} than random masks change ({wording.p(p)})."


def _by_category(study: Study, mine: xr.Dataset) -> str:
    """Say which share of each category changes, of many those of which most does."""
    names = categories.measured(study, mine)[1:]
    if len(names) < 2 or not int(mine["changed"]):
        return ""
    kept = mine.sel(outcome="kept")
    order = sorted(names, key=lambda one: -float(kept["estimate"].sel(category=one)))
    shown = order if len(order) <= TOLD + 1 else order[:TOLD]
    parts = [_one_category(kept.sel(category=one), one) for one in shown]
    rest = f", and less of the other {len(order) - TOLD} categories" if len(shown) < len(order) else ""
    some = float(kept["estimate"].sel(category=order[TOLD])) if rest else 0.0
    if rest and some == float(kept["estimate"].sel(category=shown[-1])):
        rest = f", and no more of the other {len(order) - TOLD} categories"
    return f"By category, it changes {listed(parts) if not rest else ', '.join(parts)}{rest}."


def _one_category(cell: xr.Dataset, category: str) -> str:
    share, random = (percent(float(cell[part])) for part in ("estimate", "control"))
    return f"{share} of the *{name(category)}* (random {random}, {wording.p(float(cell['p']))})"


def _how(mine: xr.Dataset, localizer: str) -> str:
    """Say from what to what labels change most often."""
    rows = [row for row in transitions.listed_of(mine, "transition", localizer) if row["stimuli"] > 1][:TOLD]
    if not rows:
        return "No two images change in the same way." if int(mine["changed"]) > 1 else _only(mine, localizer)
    parts = [
        f"{_arrow(row)} ({count(int(row['stimuli']), 'image')}; "
        f"{wording.decimal(float(row['control']), 2)} under a random mask)"
        for row in rows
    ]
    if int(mine["transitions"]) == 1:
        return f"All change from {parts[0]}."
    return f"The most frequent {'changes are' if len(parts) > 1 else 'change is'} {listed(parts)}."


def _only(mine: xr.Dataset, localizer: str) -> str:
    row = transitions.first(mine, "transition", localizer)
    return "" if row is None else f"It changes from {_arrow(row)}."


def _specific(mine: xr.Dataset, localizer: str) -> str:
    """Say how many images change under the mask alone."""
    changed, masks = int(mine["changed"]), int(mine["controls"])
    if not changed:
        return ""
    alone = sum(int(row["controls"]) == 0 for row in transitions.listed_of(mine, "change", localizer))
    if alone == LISTED < changed:
        return f"At least {count(alone, 'of these images', 'of these images')} change under no random mask."
    if not alone:
        return f"{'It changes' if changed == 1 else 'Each of these images changes'} under some random mask, too."
    whom = "under no random mask" if masks > 1 else "not under the random mask"
    if alone == changed:
        return f"{'It changes' if changed == 1 else 'All of these images change'} {whom}."
    return f"Of these {count(changed, 'image')}, {alone:,} {'changes' if alone == 1 else 'change'} {whom}."


def _share(every: xr.Dataset) -> Effect:
    estimate, low, high, p = (float(every[part]) for part in ("estimate", "low", "high", "p"))
    return Effect(estimate, low, high, p, np.nan, int(every["n"]), int(every["groups"]), str(every["method"].values))


def _arrow(row: dict[str, Any]) -> str:
    return f"*{name(str(row['before']))}* → *{name(str(row['after']))}*"
