"""Where the stimuli come from and what was done with them, in Markdown.

described        the source of one category
terms            the terms under which images may be used
left_out         which candidates were left out
matching         what was made alike in the images
dealing          how they came into their splits and folds
attributes       what is known of what they show
own_splits       the categories whose splits their source sets
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from deeplocalizer.report.study import Study
from deeplocalizer.report.wording import code, count, listed, name, round_percent
from deeplocalizer.stimuli import people
from deeplocalizer.stimuli.splits import SPLITS

LUMINANCE = {
    "moments": "given the same mean and standard deviation of luminance [@willenbockel2010]",
    "histogram": "given the same histogram of luminance [@willenbockel2010]",
}


def described(study: Study, category: str) -> str:
    """Say where the images of a category come from."""
    settings = dict(study.config["stimuli"]["categories"][category])
    if isinstance(settings.get("subset"), Mapping):
        shares = study.config["stimuli"]["splits"]
        settings["subset"] = {mine: theirs for mine, theirs in settings["subset"].items() if shares.get(mine, 0) > 0}
    origin = study.images.origins.get(category, {})
    tell = _SOURCES.get(settings["source"])
    return tell(settings, origin) if tell else f"source {code(settings['source'])}"


def terms(study: Study) -> str:
    """Say under which terms the images may be used, as far as their sources tell."""
    told = []
    every = zip(study.stimuli["category"], study.stimuli["source"], strict=True)
    celeba = people.withheld(study.config["stimuli"]["categories"], False, every)
    if celeba:
        shown = study.config["report"]["identifiable"]
        hidden = "" if shown else "; they show real people, so this report shows none of them"
        told.append(
            f"The images of {_names(celeba)} are CelebA's: they are for non-commercial research and must not be "
            f"redistributed{hidden}."
        )
    known = study.stimuli["licence"] != ""
    if known.any():
        told.append(
            "The sources name the terms of every image (@tbl-licences)."
            if known.all()
            else f"The sources name the terms of {int(known.sum()):,} of the {count(len(known), 'image')} "
            "(@tbl-licences); those of the others are not known."
        )
    elif not celeba:
        told.append("The sources name no terms of use for single images.")
    return " ".join(told)


def left_out(study: Study) -> str:
    """Say how many candidates of each category were left out."""
    refused = study.images.refused
    if not len(refused):
        return "No image that was drawn had to be left out."
    counts = refused["category"].value_counts(sort=False)
    one, were = (len(refused) == 1), "was" if len(refused) == 1 else "were"
    shares = listed(f"{number:,} of {name(str(category))}" for category, number in counts.items())
    what = f"{count(len(refused), 'image')} that {were} drawn {were} left out ({shares})"
    if len(counts) == 1:
        what = f"{count(len(refused), 'image')} of {name(str(counts.index[0]))} that {were} drawn {were} left out"
    told = f"{what}; @tbl-refused says why."
    filled = all(_full(study, str(category)) for category in counts.index)
    return f"{told} {'Another took its place' if one else 'Others took their places'}." if filled else told


def matching(study: Study) -> str:
    """Say what was made alike in the images, in the order in which it was done."""
    settings = study.config["stimuli"]
    resaved = {name: one["resave"] for name, one in settings["categories"].items() if one.get("resave")}
    told = [
        f"The images of *{name(category)}* alone were saved as JPEG of quality {quality} before anything else."
        for category, quality in resaved.items()
    ]
    steps = _steps(settings["matching"])
    if steps:
        told.append(
            f"So that categories cannot be told apart by it, all images were {listed(steps)}. What they still differ "
            "in besides what they show is measured in @sec-confounds."
        )
    else:
        what = "Nothing else" if told else "Nothing"
        told.append(
            f"{what} was made alike in the images of different categories; what they differ in besides what they show "
            "is measured in @sec-confounds."
        )
    return " ".join(told)


def dealing(study: Study) -> str:
    """Say how the images came into their splits and folds."""
    settings = study.config["stimuli"]
    own = own_splits(study)
    rest = [category for category in settings["categories"] if category not in own]
    told = []
    if own:
        told.append(f"Images of {_names(own)} are in the split to which their source assigns them.")
    sizes = {split: settings["splits"].get(split, 0) for split in SPLITS}
    shares = listed(f"{code(split)} ({round_percent(size)})" for split, size in sizes.items() if size > 0)
    unused = "; the rest was not used" if sum(sizes.values()) < 1 - 1e-6 else ""
    if rest:
        labelled = (study.select(category=rest)["label"] != "").any()
        who = ("Each category" if not own else f"Those of {_names(rest)}") + (", label by label," if labelled else "")
        told.append(
            f"{who} {'were' if own else 'was'} dealt at random (seed {study.config['seed']}) into the splits "
            f"{shares}{unused}."
        )
    told.append(
        "Stimuli of one group stay together. Within a split, stimuli were dealt into "
        f"{settings['folds']} folds in the same way."
        if rest
        else f"Within a split, stimuli were dealt at random (seed {study.config['seed']}) into {settings['folds']} "
        "folds; those of one group stay together."
    )
    return " ".join(told)


def attributes(study: Study) -> str:
    """Say how many attributes are known, and whose words they are; nothing where there are none."""
    numbers = study.images.vocabularies
    if not numbers:
        return ""
    parts = listed(f"{number:,} of the vocabulary {code(one)}" for one, number in numbers.items())
    return (
        f"With the images, what they show is recorded as attributes, present or absent ({parts}); an attribute "
        "of which the source says nothing is unknown."
    )


def own_splits(study: Study) -> list[str]:
    """Name the categories whose splits their source sets."""
    categories: Mapping[str, Mapping[str, Any]] = study.config["stimuli"]["categories"]
    return [
        category
        for category, settings in categories.items()
        if isinstance(settings.get("subset"), Mapping) or (settings.get("columns") or {}).get("split")
    ]


def _full(study: Study, category: str) -> bool:
    """Say whether a category has as many images as it was to have."""
    wanted = study.config["stimuli"]["categories"][category].get("count")
    return wanted is not None and len(study.select(category=[category])) >= wanted


def _names(categories: Sequence[str]) -> str:
    return listed(f"*{name(category)}*" for category in categories)


def _steps(settings: Mapping[str, Any]) -> list[str]:
    """List what was made alike, in words."""
    steps = []
    if settings.get("square"):
        steps.append("cut to their central square")
    if settings.get("resolution"):
        steps.append(f"brought down to {settings['resolution']} pixels at the shorter side")
    if settings.get("grey"):
        steps.append("made grey")
    if settings.get("luminance") in LUMINANCE:
        steps.append(LUMINANCE[settings["luminance"]])
    if settings.get("jpeg"):
        steps.append(f"saved as JPEG of quality {settings['jpeg']}")
    return steps


def _celeba(settings: Mapping[str, Any], origin: Mapping[str, str]) -> str:
    told = f"faces of CelebA [@liu2015], {_on_the_hub(settings, origin)}{_own(settings)}"
    told += "" if isinstance(settings["subset"], str) else ", no person being in two of them"
    told += _chosen(settings, "without images that have the attribute", "only images that have the attribute")
    return told


def _coco(settings: Mapping[str, Any], origin: Mapping[str, str]) -> str:
    given = settings["subset"]
    first, *others = [code(one) for one in ([given] if isinstance(given, str) else given)]
    then = f" and, as far as these did not suffice, of {listed(others)}" if others else ""
    told = f"photographs of Microsoft COCO [@lin2014], of its split {first}{then}, as listed "
    told += _on_the_hub(settings, origin, "by")
    chosen = _chosen(settings, "without photographs in which COCO marks a", "only photographs in which COCO marks a")
    return told + (chosen or ", whatever they show")


def _folder(settings: Mapping[str, Any], origin: Mapping[str, str]) -> str:
    path = settings["path"]
    paths = listed(code(one) for one in ([path] if isinstance(path, str) else path))
    grouping = settings.get("group_by", "none")
    groups = {"none": "", "folder": "; files of one subfolder are a group"}
    told = f"; files whose names agree in {code(grouping)} are a group"
    return f"image files of {paths}{groups.get(grouping, told)}"


def _table(settings: Mapping[str, Any], origin: Mapping[str, str]) -> str:
    return f"images that {code(settings['path'])} lists{_rows(settings)}"


def _hub(settings: Mapping[str, Any], origin: Mapping[str, str]) -> str:
    which = f" ({settings['configuration']})" if settings.get("configuration") else ""
    return f"images{which} {_on_the_hub(settings, origin, 'of')}{_own(settings)}{_rows(settings)}"


def _on_the_hub(settings: Mapping[str, Any], origin: Mapping[str, str], how: str = "from") -> str:
    repository = code(origin.get("repository", settings["repository"]))
    return f"{how} the data set {repository} on the Hugging Face Hub (commit {code(_revision(settings, origin))})"


def _revision(settings: Mapping[str, Any], origin: Mapping[str, str]) -> str:
    return origin.get("revision", settings["revision"])


def _own(settings: Mapping[str, Any]) -> str:
    """Name the splits of the data set that images were drawn from."""
    subset = settings["subset"]
    if isinstance(subset, str):
        return f", its split {code(subset)}"
    if isinstance(subset, Mapping):
        pairs = listed(f"{code(mine)} from {code(theirs)}" for mine, theirs in subset.items())
        return f", whose own splits are kept apart ({pairs})"
    return f", its splits {listed(code(one) for one in subset)}"


def _chosen(settings: Mapping[str, Any], without: str, only: str) -> str:
    told = ""
    if settings.get("exclude"):
        told += f", {without} {listed((name(one) for one in settings['exclude']), 'or')}"
    if settings.get("require"):
        told += f", {only} {listed((name(one) for one in settings['require']), 'or')}"
    return told


def _rows(settings: Mapping[str, Any]) -> str:
    where = settings.get("where") or {}
    if not where:
        return ""
    conditions = listed(
        f"{code(column)} is {listed((code(str(one)) for one in _several(value)), 'or')}"
        for column, value in where.items()
    )
    return f", of those rows in which {conditions}"


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _built_in(words: str) -> Any:
    return lambda settings, origin: words


_SOURCES = {
    "lfw_faces": _built_in(
        "faces of Labeled Faces in the Wild [@huang2007], as crops that come with scikit-image [@vanderwalt2014]"
    ),
    "lfw_backgrounds": _built_in("crops without a face from the same data set [@huang2007; @vanderwalt2014]"),
    "photograph_patches": _built_in(
        "square patches of the photographs without people that come with scikit-image [@vanderwalt2014]; the patches "
        "of one photograph are one group"
    ),
    "digits": _built_in("handwritten digits [@alpaydin1998], as they come with scikit-learn [@pedregosa2011]"),
    "celeba": _celeba,
    "coco": _coco,
    "folder": _folder,
    "table": _table,
    "hub": _hub,
}
