"""What the numbers of a study cannot say.

write            a paragraph of Markdown for each reason that applies
fewest           the smallest number of independent stimuli that a claim rests on
"""

from __future__ import annotations

from deeplocalizer.report import sentences, wording
from deeplocalizer.report.study import Study
from deeplocalizer.report.wording import count, listed, name

NOT_NAMED = {"lfw_faces": "the identities of the faces", "digits": "the writers of the digits"}


def write(study: Study) -> list[str]:
    """Name every reason for caution that applies to a study."""
    reasons = [_sample(study), _one_draw(study), _crops(study), _groups(study), _formats(study)]
    return [reason for reason in [*reasons, _silencing(study), _selection(study)] if reason]


def fewest(study: Study) -> int:
    """Count the independent test stimuli (groups count once) of the claim that has the fewest."""
    found = [claim.intact for model in study.models for claim in sentences.leading(study, model)]
    return min((intact.groups for intact in found if intact is not None), default=0)


def _sample(study: Study) -> str:
    few = count(fewest(study), "independent test stimulus", "independent test stimuli")
    told = f"**Sample.** The smallest of the tests rests on {few} (groups count once)."
    widths = [
        (claim.advantage.high - claim.advantage.low, name(claim.localizer), name(claim.task))
        for model in study.models
        for claim in sentences.leading(study, model)
        if claim.advantage is not None
    ]
    if not widths:
        return told
    width, localizer, task = max(widths)
    return (
        f"{told} The widest interval, that of the *{localizer}* units and {task}, spans "
        f"{wording.decimal(100 * width)} percentage points. An effect that is not shown is not an effect that "
        "is absent."
    )


def _one_draw(study: Study) -> str:
    learned = any(model.trained for model in study.models)
    seed = f"seed {study.config['seed']}" + (", for the training too" if learned else "")
    return (
        "**One draw.** Each result is that of one network, one split of the stimuli and one set of random masks "
        f"({seed}). Intervals and *p* speak about other stimuli and other masks, not about other networks of "
        "the same kind."
    )


def _crops(study: Study) -> str:
    if "lfw_faces" not in _sources(study):
        return ""
    return (
        "**Crops.** The faces of LFW are centred crops of nearly one size. A unit that prefers them may follow "
        "the position of a head in its frame, not a face."
    )


def _groups(study: Study) -> str:
    unknown = [who for source, who in NOT_NAMED.items() if source in _sources(study)]
    if not unknown:
        return ""
    return (
        f"**Groups that are not known.** The data do not name {listed(unknown)}, so one person may be in "
        "several splits, and intervals that treat images as independent may be too narrow."
    )


def _formats(study: Study) -> str:
    if len(set(study.sizes.values())) < 2:
        return ""
    formats = listed(f"{name(category)} {size}" for category, size in study.sizes.items())
    return (
        "**Formats.** Images differ between categories in more than what they show: not all have the same "
        f"number of pixels ({formats}), and brightness and contrast differ too. A unit that prefers a category "
        "may follow any of these."
    )


def _silencing(study: Study) -> str:
    if study.config["ablation"]["value"] != "zero":
        return ""
    return (
        "**Silencing.** A unit is silenced by setting it to zero, which for some units is far from what they "
        "usually do. Random masks share this, yet units with strong responses may suffer more from it."
    )


def _selection(study: Study) -> str:
    controls = study.config["ablation"]["controls"]
    return (
        "**Selection.** How many units a localizer selects was set in advance, not found; other fractions may "
        f"give other effects. With {count(controls, 'random mask')} no *p* of a mask against them can be "
        f"smaller than {1 / (1 + controls):.2g}."
    )


def _sources(study: Study) -> set[str]:
    return {category["source"] for category in study.config["stimuli"]["categories"].values()}
