"""The words that artefacts share, each with its one meaning.

MEANINGS         what the labels along the dimensions of artefacts are
explain          write the meaning into every label that has none
"""

from __future__ import annotations

import xarray as xr

MEANINGS = {
    "attribute": "property that a stimulus may have",
    "category": "kind of stimulus",
    "class": "class of a readout",
    "comparison": "what is compared: kind, masks, task and scale",
    "contrast": "name of a comparison of categories",
    "donor": "stimulus whose responses replace those of the mask's units",
    "dose": "share of the eligible units in the mask",
    "fold": "seeded fold within the split",
    "fraction": "share of the eligible units that the mask was to hold",
    "intervention": "the intact run, or the mask whose units are replaced",
    "kind": "what made the mask",
    "level": "which mask of its series: the share, the layer, or none",
    "localizer": "name of the localizer that the mask belongs to",
    "localizer_name": "name of a localizer",
    "mask": "name of the mask",
    "meaning": "what the statistic is, and its unit",
    "model": "name of a model",
    "other": "the other localizer of a dissociation",
    "outcome": "what is measured of a run",
    "point": "one mask of a series, on one task",
    "readout": "name of a readout",
    "role": "intact run, target of a localizer, or its control",
    "rule": "how a localizer selects units",
    "scale": "raw, or scaled from chance to intact",
    "seed": "seed of the study",
    "series": "what varies over the masks: share of units, layer, or what is kept",
    "split": "what the stimulus is used for",
    "statistic": "property of an image as the network sees it",
    "task": "what the network is asked, or the category looked at where there are no tasks",
    "task_name": "name of a task, or of a category where there are no tasks",
    "units": "number of units in the mask",
    "value": "what replaces the responses of the mask's units",
}


def explain(dataset: xr.Dataset) -> xr.Dataset:
    """Write the meaning into every label that has none.

    Parameters
    ----------
    dataset : Dataset
        Not changed.

    Returns
    -------
    Dataset
        With ``long_name`` on the coordinates that `MEANINGS` knows.
    """
    explained = dataset.copy()
    for name, variable in explained.coords.items():
        if "long_name" not in variable.attrs and name in MEANINGS:
            variable.attrs["long_name"] = MEANINGS[str(name)]
    return explained
