"""What the source of one category gave, as an artefact between fetching and the study.

table            a draw as a labelled dataset
read             the draw, and the fingerprint of each picture, of such a dataset
"""

from __future__ import annotations

import json

import numpy as np
import xarray as xr

from deeplocalizer.stimuli import layout
from deeplocalizer.stimuli.images import fingerprint
from deeplocalizer.stimuli.record import Attribute, Drawn, Refused


def table(drawn: Drawn) -> xr.Dataset:
    """Lay a draw out.

    Parameters
    ----------
    drawn : Drawn

    Returns
    -------
    Dataset
        On ``stimulus``, in the order of the draw: id, label, group, split (empty if it is to be dealt), source, licence
        and ``fingerprint`` (digest of the pixels); the image files and attributes as `layout.variables` gives them; on
        ``refused``: the candidates that were left out.

    Raises
    ------
    ValueError
        If a picture cannot be decoded, naming the stimulus.
    """
    prints = [fingerprint(record.encoded, record.id) for record in drawn.records]
    known = {
        "group": layout.text("stimulus", [r.group for r in drawn.records], "stimuli of one group never part"),
        "split": layout.text("stimulus", [r.split for r in drawn.records], "split of the source; empty: to be dealt"),
        "fingerprint": layout.text("stimulus", prints, "SHA-256 of the decoded pixels"),
    }
    result = layout.variables(drawn.records, drawn.vocabulary)
    result = result.assign_coords({**layout.coordinates(drawn.records), **known})
    result = result.assign_coords(layout.left_out({"": drawn.refused})).drop_vars("refused_category")
    return result.assign_attrs(origin=json.dumps(dict(drawn.origin), sort_keys=True))


def read(dataset: xr.Dataset) -> tuple[Drawn, list[str]]:
    """Take a draw out of its dataset.

    Returns
    -------
    drawn : Drawn
    fingerprints : list of str
        Of each record's pixels.
    """
    columns = (dataset[name].values.astype(str).tolist() for name in ("refused_id", "refused_reason"))
    refused = tuple(Refused(identity, reason) for identity, reason in zip(*columns, strict=True))
    words = (dataset[name].values.astype(str).tolist() for name in ("attribute", "vocabulary", "parent"))
    vocabulary = {name: Attribute(whose, parent) for name, whose, parent in zip(*words, strict=True)}
    origin = json.loads(str(dataset.attrs["origin"]))
    prints: list[str] = np.asarray(dataset["fingerprint"].values).astype(str).tolist()
    return Drawn(tuple(layout.records(dataset)), refused, vocabulary, origin), prints
