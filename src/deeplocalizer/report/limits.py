"""What the numbers of a study cannot say.

write            a paragraph of Markdown for each reason that applies
fewest           the smallest number of independent stimuli that a claim rests on
"""

from __future__ import annotations

import math

from deeplocalizer.report import confounding, controls, sentences, sources, wording
from deeplocalizer.report.shown import VARIOUS
from deeplocalizer.report.study import Study
from deeplocalizer.report.wording import code, count, listed, name

NOT_NAMED = {"lfw_faces": "the identities of the faces", "digits": "the writers of the digits"}
PERSON = "person"  # COCO's word


def write(study: Study) -> list[str]:
    """Name every reason for caution that applies to a study."""
    reasons = [
        _sample(study), _one_draw(study), _crops(study), _groups(study), _alone(study), _people(study),
        _histories(study), _formats(study), confounding.limit(study), _silencing(study), _selection(study),
        _halves(study), _single(study), _readouts(study),
    ]  # fmt: skip
    return [reason for reason in reasons if reason]


def fewest(study: Study) -> int:
    """Count the independent test stimuli (groups count once) of the claim that has the fewest; 0 without any."""
    found = [claim.intact for model in study.models for claim in sentences.leading(study, model)]
    return min((intact.groups for intact in found if intact is not None), default=0)


def _sample(study: Study) -> str:
    if not fewest(study):
        return ""
    few = count(fewest(study), "independent test stimulus", "independent test stimuli")
    told = f"**Sample.** The smallest of the tests rests on {few} (groups count once)."
    widths = [
        (claim.advantage.high - claim.advantage.low, name(claim.localizer), name(claim.task))
        for model in study.models
        for claim in sentences.leading(study, model)
        if claim.advantage is not None and math.isfinite(claim.advantage.high - claim.advantage.low)
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
    told = (
        "**One draw.** Each result is that of one network, one split of the stimuli and one set of random masks "
        f"({seed}). Intervals and *p* speak about other stimuli and other masks, not about other networks of "
        "the same kind"
    )
    return f"{told}; only @sec-replicates does." if study.replicates else f"{told}."


def _crops(study: Study) -> str:
    if "lfw_faces" not in _sources(study):
        return ""
    return (
        "**Crops.** The faces of LFW are centred crops of nearly one size. A unit that prefers them may follow "
        "the position of a head in its frame, not a face."
    )


def _groups(study: Study) -> str:
    unknown = [who for source, who in NOT_NAMED.items() if source in _sources(study)]
    categories = study.config["stimuli"]["categories"]
    dealt = [one for one in categories if one not in sources.own_splits(study)]
    if any(categories[one]["source"] == "celeba" for one in dealt):
        unknown.append("the people that CelebA shows")
    if not unknown:
        return ""
    return (
        f"**Groups that are not known.** The data do not name {listed(unknown)}, so one person may be in "
        "several splits, and intervals that treat images as independent may be too narrow."
    )


def _formats(study: Study) -> str:
    if len(set(study.sizes.values())) < 2:
        return ""
    formats = listed(
        f"{name(category)} {'of various sizes' if size == VARIOUS else size}" for category, size in study.sizes.items()
    )
    return (
        "**Formats.** Images differ between categories in more than what they show: not all have the same "
        f"number of pixels ({formats}). A unit that prefers a category may follow that."
    )


def _alone(study: Study) -> str:
    """Name the categories of the researcher's own images of which nobody said what belongs together."""
    categories = study.config["stimuli"]["categories"]
    told = [
        f"*{name(category)}*"
        for category, settings in categories.items()
        if settings["source"] in ("folder", "table", "hub")
        and (study.select(category=[category])["group"].value_counts() == 1).all()
    ]
    if not told:
        return ""
    return (
        f"**Images that stand alone.** No groups are known of {listed(told)}. If several of these images show the same "
        "person, thing or scene, they may be in several splits, and intervals may be too narrow."
    )


def _people(study: Study) -> str:
    """Say where images that are no faces show people all the same."""
    counts = study.images.attributes
    if PERSON not in counts.index:
        return ""
    shown = {str(category): int(counts[category][PERSON]) for category in counts.columns}
    told = [
        f"{number:,} of the {len(study.select(category=[category])):,} images of *{name(category)}*"
        for category, number in shown.items()
        if number
    ]
    if not told:
        return ""
    return f"**People.** COCO marks a person in {listed(told)}: some of these may show faces."


def _histories(study: Study) -> str:
    """Say where the images of some categories alone were compressed."""
    settings = study.config["stimuli"]
    resaved = [one for one, category in settings["categories"].items() if category.get("resave")]
    if not resaved or len(resaved) == len(settings["categories"]):
        return ""
    return (
        f"**Compression.** Images of {listed(f'*{name(one)}*' for one in resaved)} alone were saved anew as JPEG. A "
        "unit that prefers a category may follow the traces of that."
    )


def _silencing(study: Study) -> str:
    if study.config["ablation"]["value"] != "zero":
        return ""
    others = [value for value in study.config["ablation"]["values"] if value != "zero"]
    where = f" @sec-robustness shows what becomes of the results with {listed(map(code, others))}." if others else ""
    told = (
        "**Silencing.** A unit is silenced by setting it to zero, which for some units is far from what they "
        "usually do. Random masks share this, yet units with strong responses may suffer more from it"
    )
    alike = study.matched == "random_response" or "random_response" in study.config["ablation"]["compare"]
    return (f"{told}; random masks that match the mean response speak to that." if alike else f"{told}.") + where


def _selection(study: Study) -> str:
    settings = study.config["ablation"]
    chosen = study.config["localizers"].values()
    others = "numbers" if all(one.get("count") for one in chosen) else "fractions"
    told = f"How many units a localizer selects was set in advance, not found; other {others} may give other effects"
    if all(one.get("q") is not None for one in chosen):
        told = "How many units a localizer selects follows from the level that was set, and from the number of stimuli"
    seen = ", as the series of fractions shows" if settings["fractions"] else ""
    random = count(settings["controls"], "random mask")
    masks = 1 + settings["controls"]
    return (
        f"**Selection.** {told}{seen}. With {random} no *p* of a mask against them can be smaller than 1/{masks:,} "
        f"(about {1 / masks:.2g})."
    )


def _halves(study: Study) -> str:
    if all(model.reliability is None for model in study.models):
        return ""
    return (
        "**Halves.** Halves have fewer stimuli than all of them together, so that maps and masks of all stimuli may be "
        "expected to repeat better. Halves share no stimulus, but they share the network and how images were made."
    )


def _single(study: Study) -> str:
    """Name the controls that are one mask only."""
    single = [kind for kind in ("bottom", "opposite", "untrained") if kind in study.config["ablation"]["compare"]]
    if not single:
        return ""
    return (
        f"**Single controls.** {wording.capitalized(listed(controls.MEANINGS[kind] for kind in single))} are one mask "
        "each. A difference from such a mask speaks about other stimuli, not about other masks, and it may tell as "
        "much about that mask as about the localizer's."
    )


def _readouts(study: Study) -> str:
    if not study.config["readouts"]:
        return ""
    return (
        "**Readouts.** That something can be decoded from a layer does not show that the network uses it. A readout "
        "is not fitted anew under ablation: where it fails, the information may be gone, or only be where the readout "
        "does not look."
    )


def _sources(study: Study) -> set[str]:
    return {category["source"] for category in study.config["stimuli"]["categories"].values()}
