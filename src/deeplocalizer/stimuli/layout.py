"""Records as labelled variables, the same for what a source gives and for the stimuli of a study.

variables        image files end to end, and attributes
coordinates      what is known of each stimulus, as text
left_out         candidates that were left out
text             a coordinate of text
encoded          the bytes of one stimulus
records          the records of a dataset
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import xarray as xr

from deeplocalizer.stimuli.record import Attribute, Record, Refused

UNKNOWN = -1
_TEXTS = {
    "label": "true label; empty where there is none",
    "source": "where the image comes from",
    "licence": "terms of use; empty where the source does not say",
}


def variables(records: Sequence[Record], vocabulary: Mapping[str, Attribute]) -> xr.Dataset:
    """Lay out the image files and the attributes of records.

    Parameters
    ----------
    records : sequence of Record
    vocabulary : mapping of Attribute
        Every attribute that a record has.

    Returns
    -------
    Dataset
        ``encoded`` (byte) and ``encoded_size`` (stimulus), a CF contiguous ragged array, and ``has_attribute``
        (stimulus, attribute), int8: 1 present, 0 absent, -1 unknown; on ``attribute``: ``vocabulary`` and ``parent``.
    """
    content = np.frombuffer(b"".join(record.encoded for record in records), dtype=np.uint8)
    size = np.array([len(record.encoded) for record in records], dtype=np.int32)
    names = list(vocabulary)
    column = {name: index for index, name in enumerate(names)}
    has = np.full((len(records), len(names)), UNKNOWN, dtype=np.int8)
    for row, record in enumerate(records):
        for name, value in record.attributes.items():
            has[row, column[name]] = value
    meaning = {"flag_values": np.array([UNKNOWN, 0, 1], dtype=np.int8), "flag_meanings": "unknown absent present"}
    return xr.Dataset(
        {
            "encoded_size": ("stimulus", size, {"sample_dimension": "byte", "units": "bytes"}),
            "encoded": ("byte", content, {"long_name": "image files, end to end"}),
            "has_attribute": (("stimulus", "attribute"), has, meaning),
        },
        coords={
            "attribute": text("attribute", names, "what a stimulus may have"),
            "vocabulary": text("attribute", [vocabulary[name].vocabulary for name in names], "whose word it is"),
            "parent": text(
                "attribute", [vocabulary[name].parent for name in names], "the wider word; empty at the top"
            ),
        },
    )


def coordinates(records: Sequence[Record]) -> dict[str, xr.Variable]:
    """Give the id, label, source and licence of records."""
    columns = {name: text("stimulus", [getattr(r, name) for r in records], meaning) for name, meaning in _TEXTS.items()}
    return {"stimulus": text("stimulus", [record.id for record in records], "id of the stimulus"), **columns}


def left_out(refused: Mapping[str, Iterable[Refused]]) -> dict[str, xr.Variable]:
    """List the candidates of each category that were left out, on ``refused``: their category, id and reason."""
    rows = [(category, item.id, item.reason) for category, items in refused.items() for item in items]
    meanings = {
        "refused_category": "category that the candidate was drawn for",
        "refused_id": "candidate that was left out",
        "refused_reason": "why it was left out",
    }
    columns = list(zip(*rows, strict=True)) if rows else [(), (), ()]
    return {
        name: text("refused", column, meaning)
        for (name, meaning), column in zip(meanings.items(), columns, strict=True)
    }


def text(dimension: str, values: Iterable[object], meaning: str) -> xr.Variable:
    """Make a variable of text."""
    listed = list(values)
    # an empty array of objects would come back from a file as numbers
    return xr.Variable(dimension, np.array(listed, dtype=object if listed else str), {"long_name": meaning})


def encoded(stimuli: xr.Dataset, index: int) -> bytes:
    """Give the bytes of the stimulus at a position."""
    end = int(stimuli["encoded_size"].values[: index + 1].sum())
    start = end - int(stimuli["encoded_size"].values[index])
    return stimuli["encoded"].values[start:end].tobytes()


def records(drawn: xr.Dataset) -> list[Record]:
    """Take the records out of a dataset with these variables and ``group`` and ``split``."""
    names = drawn["attribute"].values.astype(str).tolist()
    columns = {
        name: drawn[name].values.astype(str).tolist()
        for name in ("stimulus", "source", "label", "group", "split", "licence")
    }
    size = drawn["encoded_size"].values.astype(np.int64)
    end = np.cumsum(size)
    content, has = drawn["encoded"].values, drawn["has_attribute"].values
    found = []
    for row in range(len(size)):
        image = content[end[row] - size[row] : end[row]].tobytes()
        attributes = {name: int(has[row, i]) for i, name in enumerate(names) if has[row, i] != UNKNOWN}
        known = {name: column[row] for name, column in columns.items() if name != "stimulus"}
        found.append(Record(id=columns["stimulus"][row], encoded=image, attributes=attributes, **known))
    return found
