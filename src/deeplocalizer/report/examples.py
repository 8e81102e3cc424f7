"""What the best units respond to, in sentences that follow the numbers. All of them are Markdown.

sentence         of which categories the images are that drive the best units most and least
caption          what the figure of these images shows
table            every unit with the composition of its highest and lowest images
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from deeplocalizer import extremes as found
from deeplocalizer import summaries
from deeplocalizer.inference.families import holm
from deeplocalizer.report import sentences, tables, wording
from deeplocalizer.report.study import Study
from deeplocalizer.report.wording import ABSENT, code, count, listed, name, percent
from deeplocalizer.summaries import plain

NAMED = 3  # units that are named in a sentence


def sentence(study: Study, extremes: xr.Dataset) -> str:
    """Say of each contrast of which categories the images are that drive its best units most and least."""
    total = int(extremes["count"].sum())
    splits = listed(code(split) for split in extremes.attrs["splits"].split())
    parts = "split" if len(extremes.attrs["splits"].split()) == 1 else "splits"
    opening = (
        f"What the best units respond to is looked up in the {parts} {splits} ({count(total, 'image')}), which took no "
        "part in choosing them."
    )
    told = [_of_contrast(study, found.shown(extremes, contrast)) for contrast in study.config["contrasts"]]
    return "\n\n".join([opening, *told])


def caption(study: Study, extremes: xr.Dataset) -> str:
    """Say what the figure shows."""
    splits = listed(code(split) for split in extremes.attrs["splits"].split())
    ranks = extremes.sizes["rank"]
    images = "image" if ranks == 1 else f"{ranks} images"
    told = (
        f"The units that prefer most in each contrast, with the {images} of {splits} that drive each most (left) and "
        "least (right), and their responses. Frames tell the side of the contrast that an image is on. Beside each "
        "unit: Cohen's *d* in the split that it was chosen in, and the area under the ROC curve in these images."
    )
    if (extremes["tied"] > ranks).any():
        told += " Where more images tie than can be shown, the first in the order of their names stand for all."
    return told


def table(study: Study, extremes: xr.Dataset) -> str:
    """List every unit with the composition of its highest and lowest images."""
    rows = []
    for contrast in study.config["contrasts"]:
        one = found.shown(extremes, contrast)
        share = one["share"].sel(side=["highest", "lowest"]).values
        columns = (summaries.unit_names(one), one["d"].values, share, one["auroc"].values, _adjusted(one))
        cells = [
            [
                unit,
                wording.decimal(d, 2),
                percent(high, 0),
                percent(low, 0),
                wording.decimal(area, 2),
                wording.p_cell(p),
            ]
            for unit, d, (high, low), area, p in zip(*columns, strict=True)
        ]
        expected = percent(_expected(one), 0)
        for unit, d, high, low, area, p in cells or [[ABSENT] * 6]:
            rows.append(
                {
                    "Contrast": plain(contrast),
                    "Unit": unit,
                    "d": d,
                    "Preferred among the highest": high,
                    "among the lowest": low,
                    "among all": expected,
                    "AUROC": area,
                    "p": p,
                }
            )
    return tables.html(pd.DataFrame(rows), code=["Unit"], by="Contrast")


def _of_contrast(study: Study, one: xr.Dataset) -> str:
    """Tell what was found of one contrast."""
    contrast = str(one["contrast"].values)
    preferred = sentences.categories(study.config["contrasts"][contrast]["preferred"])
    if not one.sizes["unit"]:
        why = f"no unit prefers {preferred}"
        if int(one["unstored"]):
            why = f"no responses of the units that prefer {preferred} were stored"
        return f"In the contrast *{name(contrast)}*, {why}, so there are no images to show."
    told = (_composition(one, preferred), _holds(study, one, preferred), _exceptions(one, preferred), _replaced(one))
    return " ".join(part for part in told if part)


def _composition(one: xr.Dataset, preferred: str) -> str:
    """Say how many of the highest and of the lowest images are preferred ones."""
    number, looked = one.sizes["unit"], int(one["looked_at"])
    high, low = (percent(float(one["share"].sel(side=side).mean()), 0) for side in ("highest", "lowest"))
    unit = f"unit {code(str(summaries.unit_names(one)[0]))}" if number == 1 else "a unit"
    averaged = "" if number == 1 else f" (on average over the {number} units that prefer most)"
    drive = "image that drives" if looked == 1 else f"{looked:,} images that drive"
    least = "one that drives" if looked == 1 else f"{looked:,} that drive"
    return (
        f"In the contrast *{name(str(one['contrast'].values))}*, {preferred} make up {high} of the {drive} {unit} most "
        f"and {low} of the {least} it least{averaged}; of all these images, they make up {percent(_expected(one), 0)}."
    )


def _holds(study: Study, one: xr.Dataset, preferred: str) -> str:
    """Say of how many units the preference is shown in these images."""
    number, p, areas = one.sizes["unit"], _adjusted(one), one["auroc"].values
    if not np.isfinite(p).all() or not np.isfinite(areas).all():
        return "Whether they prefer them here cannot be tested: a category of the contrast is not among these images."
    low, high = (wording.decimal(end, 2) for end in (areas.min(), areas.max()))
    area = f"AUROC {low}" if low == high else f"AUROC from {low} to {high}"
    sure = p <= study.alpha
    if sure.all():
        who = "It prefers" if number == 1 else f"All {number} units prefer"
        largest = "" if number == 1 else "all "
        return f"{who} {preferred} in these images, too ({area}; {largest}{wording.p(float(p.max()))})."
    if sure.any():
        rest = f"of {_named(one, ~sure)} this is not shown"
        some = np.count_nonzero(sure)
        does = "prefers" if some == 1 else "prefer"
        return f"Of the {number} units, {some} {does} {preferred} in these images, too ({area}); {rest}."
    who = "the unit prefers" if number == 1 else f"any of the {number} units prefers"
    less = ", and they tend to respond less to them" if number > 1 else ", and it tends to respond less to them"
    return f"That {who} {preferred} is not shown in these images ({area}){less if (areas < 0.5).all() else ''}."


def _exceptions(one: xr.Dataset, preferred: str) -> str:
    """Name the units whose highest images are not of the preferred kind."""
    odd = one["share"].sel(side="highest").values <= _expected(one)
    if not odd.any():
        return ""
    return f"The images that drive {_named(one, odd)} most are no more often {preferred} than all images are."


def _replaced(one: xr.Dataset) -> str:
    """Say that better units have no stored responses."""
    unstored = int(one["unstored"])
    if not unstored:
        return ""
    have = "that prefers more has" if unstored == 1 else "that prefer more have"
    return f"{count(unstored, 'unit')} {have} no stored responses; the best of those with stored responses are shown."


def _named(one: xr.Dataset, members: np.ndarray) -> str:
    """Name some units, or count them if they are many."""
    number = np.count_nonzero(members)
    if number == one.sizes["unit"] and number > 1:
        return f"these {number} units" if number > NAMED else _listed(one, members)
    return f"{number} of the units" if number > NAMED else _listed(one, members)


def _listed(one: xr.Dataset, members: np.ndarray) -> str:
    return listed(code(str(unit)) for unit in summaries.unit_names(one, np.flatnonzero(members)))


def _adjusted(one: xr.Dataset) -> np.ndarray:
    """Give the p of each unit, adjusted for the units of the contrast; NaN for all where one is not known."""
    p = np.power(10.0, one["log10_p"].values)
    return holm(p) if np.isfinite(p).all() else np.full(len(p), np.nan)


def _expected(one: xr.Dataset) -> float:
    """Give the share of preferred images among all that were looked at."""
    return float(one["count"].where(one["compared"] == 1, 0).sum() / one["count"].sum())
