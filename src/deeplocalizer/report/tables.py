"""Tables of the report: labelled data in, HTML out.

html             a frame as HTML
stimuli          number of stimuli by category and split
licences         terms of use by category
refused          candidates that were left out
layers           what was recorded
intact           what the intact network can do
selectivity      preference by contrast and layer
best_units       the units that prefer most
listed_units     what the table of all units lists, in words
selection        selected units by layer
artefacts        files and their fingerprints
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from deeplocalizer import summaries
from deeplocalizer.report import claims, wording
from deeplocalizer.report.markup import html as html
from deeplocalizer.report.study import Model, Study
from deeplocalizer.stimuli.splits import SPLITS
from deeplocalizer.summaries import plain

BEST = 25  # units that are listed for each contrast
FEW = 3  # labels of a category that are all named
REFUSED = 20  # candidates left out that are listed
_SHORT = 16  # characters of a fingerprint that are shown


def stimuli(study: Study) -> str:
    """Count the stimuli by category and split."""
    splits = [split for split in SPLITS if (study.stimuli["split"] == split).any()]
    labelled = (study.stimuli["label"] != "").any()
    rows = []
    for category in study.config["stimuli"]["categories"]:
        chosen = study.select(category=[category])
        rows.append(
            {
                "Category": plain(category),
                **({"Labels": _labels(sorted(set(chosen["label"]) - {""}))} if labelled else {}),
                "Pixels": study.sizes.get(category, wording.ABSENT),
                **{split: f"{(chosen['split'] == split).sum():,}" for split in splits},
                "all": f"{len(chosen):,}",
                "groups": f"{chosen['group'].nunique():,}",
            }
        )
    return html(pd.DataFrame(rows), text=["Labels"] if labelled else [])


def licences(study: Study) -> str:
    """Count the images of each category by their terms of use; nothing where none are known."""
    known = study.stimuli[study.stimuli["licence"] != ""]
    if not len(known):
        return ""
    counts = pd.crosstab(study.stimuli["licence"], study.stimuli["category"])
    order = counts.sum(axis=1).sort_values(ascending=False, kind="stable").index
    rows = [
        {
            "Terms": str(terms) or "not known",
            **{plain(one): f"{counts.loc[terms, one]:,}" for one in study.config["stimuli"]["categories"]},
        }
        for terms in [*(one for one in order if one), *(one for one in order if not one)]
    ]
    return html(pd.DataFrame(rows))


def refused(study: Study) -> str:
    """List the first of the candidates that were left out."""
    rows = [
        {"Category": plain(category), "Image": identity, "Why": reason}
        for category, identity, reason in study.images.refused.head(REFUSED).itertuples(index=False)
    ]
    return html(pd.DataFrame(rows, columns=["Category", "Image", "Why"]), code=["Image"], text=["Why"])


def layers(model: Model) -> str:
    """List what was recorded."""
    described = model.architecture
    frame = pd.DataFrame(
        {
            "Layer": described["layer"].values.astype(str),
            "Type": described["module"].values.astype(str),
            "Output": [
                shape.replace(" x ", f"{wording.NO_BREAK}×{wording.NO_BREAK}")
                for shape in described["output_shape"].values.astype(str)
            ],
            "Channels": [f"{number:,}" for number in described["channels"].values],
            "Parameters": [f"{number:,}" for number in described["parameters"].values],
        }
    )
    return html(frame, code=["Layer"], text=["Type"])


def intact(study: Study, model: Model) -> str:
    """List how well the intact network does each task."""
    rows = []
    for task, labels in study.config["tasks"].items():
        found = summaries.find(model.effects, "intact", "correct", task=task)
        chance = float(model.effects["chance"].sel(task_name=task))
        p_able = float(model.effects["p_able"].sel(task_name=task))
        rows.append(
            {
                "Task": plain(task),
                "Labels": f"{len(labels):,}",
                "Chance": wording.percent(chance),
                "Balanced accuracy": wording.level(found),
                "A claim needs": f"> {wording.percent(claims.needed(study, chance))}",
                "p": wording.p_cell(p_able if np.isfinite(p_able) else np.nan),
                "n (groups)": wording.ABSENT if found is None else f"{found.n:,} ({found.groups:,})",
            }
        )
    return html(pd.DataFrame(rows))


def selectivity(study: Study, model: Model) -> str:
    """Summarise the preferences by contrast and layer."""
    summary = summaries.selectivity(model.contrasts, study.alpha)
    rows = []
    for contrast in summary["contrast"].values:
        for place in summary["place"].values:
            one = summary.sel(contrast=contrast, place=place)
            number = int(one["units"])
            rows.append(
                {
                    "Contrast": plain(str(contrast)),
                    "Layer": place,
                    "Units": f"{number:,}",
                    "Dead": f"{int(one['dead']):,}",
                    "Respond more": wording.percent(int(one["preferring"]) / number),
                    "Respond less": wording.percent(int(one["opposing"]) / number),
                    "Median d": wording.decimal(float(one["median_d"]), 2),
                }
            )
    return html(pd.DataFrame(rows), code=["Layer"])


def best_units(study: Study, model: Model) -> str:
    """List the units that prefer most, under each contrast."""
    names = model.contrasts["contrast"].values.astype(str)
    best = {name: summaries.strongest(model.contrasts.sel(contrast=name), BEST) for name in names}
    table = summaries.unit_table(model.contrasts, model.masks, best)
    rows = []
    for contrast in study.config["contrasts"]:
        for _, unit in table[table["contrast"] == contrast].iterrows():
            rows.append(
                {
                    "Contrast": plain(contrast),
                    "Unit": unit["name"],
                    "d": wording.decimal(unit["d"], 2),
                    "Difference": wording.decimal(unit["difference"], 3),
                    "q": wording.power(unit["log10_q_greater"]),
                    "Selected by": ", ".join(plain(name) for name in unit["selected_by"].split()) or wording.ABSENT,
                }
            )
    columns = ["Contrast", "Unit", "d", "Difference", "q", "Selected by"]
    return html(pd.DataFrame(rows, columns=columns), code=["Unit"], text=["Selected by"])


def listed_units(study: Study) -> str:
    """Say which units the table of all units lists."""
    if not any("position" in model.reductions for model in study.models):
        return "every unit"
    return (
        "every channel unit and every selected unit; of the other position units, the "
        f"{summaries.MOST_POSITIONS:,} with the largest absolute d in each contrast"
    )


def selection(model: Model) -> str:
    """Count the selected units by layer."""
    summary = summaries.selection(model.masks)
    frame = pd.DataFrame({"Layer": [*summary["place"].values, "all"]})
    number = summary["units"].values
    frame["Units"] = [f"{value:,}" for value in [*number, number.sum()]]
    for localizer in summary["localizer"].values:
        held = summary["selected"].sel(localizer=localizer).values
        shares = zip([*held, held.sum()], [*number, number.sum()], strict=True)
        frame[plain(str(localizer))] = [f"{value:,} ({wording.percent(value / of)})" for value, of in shares]
    return html(frame, totals=1)


def artefacts(study: Study) -> str:
    """List the files of a study with their fingerprints."""
    rows = [{"File": one.path, "Holds": one.title, "Content digest": one.digest[:_SHORT]} for one in study.artefacts]
    return html(pd.DataFrame(rows), code=["File", "Content digest"], text=["Holds"])


def _labels(labels: Sequence[str]) -> str:
    """Write the labels of a category, of many only the ends."""
    if len(labels) > FEW:
        return f"{labels[0]}, …, {labels[-1]}"
    return ", ".join(labels) or wording.ABSENT
