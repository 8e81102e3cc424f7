"""The table of stimuli: what each is, its split and fold, and its original bytes.

gather           draw the categories of a study from their sources
build            lay records out as a dataset
encoded          the original bytes of one stimulus
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from deeplocalizer import seeding
from deeplocalizer.provenance import digest, digest_bytes
from deeplocalizer.stimuli import sources
from deeplocalizer.stimuli.record import Record
from deeplocalizer.stimuli.splits import SPLITS, deal

UNUSED = "unused"  # the share of a study whose splits do not add up to one


def gather(settings: Mapping[str, Any], seed: int) -> xr.Dataset:
    """Draw the stimuli of a study.

    Parameters
    ----------
    settings : mapping
        ``stimuli`` of the configuration: ``categories``, ``splits`` and ``folds``.
    seed : int

    Returns
    -------
    Dataset
        As `build` makes it.
    """
    categories = {
        name: [
            _labelled(record, category.get("label"))
            for record in sources.load(category["source"], category.get("count"), seed)
        ]
        for name, category in settings["categories"].items()
    }
    return build(categories, settings["splits"], settings["folds"], seed)


def build(categories: Mapping[str, Sequence[Record]], shares: Mapping[str, float], folds: int, seed: int) -> xr.Dataset:
    """Lay records out as a labelled table and deal them into splits and folds.

    Parameters
    ----------
    categories : mapping of sequences of Record
        The records of each category.
    shares : mapping of float
        Share of each split; what is missing to one stays unused and is left out.
    folds : int
        Number of folds within each split.
    seed : int

    Returns
    -------
    Dataset
        On ``stimulus`` (its id): modality, category, label, split, fold, group, item, digest, source and
        ``encoded_size``; on ``byte``: ``encoded``, the image files end to end (CF contiguous ragged array);
        ``has_attribute(stimulus, attribute)``, int8 (1, 0, -1 unknown), of no attributes where no source has any.

    Raises
    ------
    ValueError
        If an id occurs twice, or a category has nothing in a split.
    """
    records = [(category, record) for category, members in categories.items() for record in members]
    records.sort(key=lambda pair: pair[1].id)  # the order of a table must not depend on the order of sources
    _refuse_twins([record.id for _, record in records])
    category = np.array([name for name, _ in records])
    label = np.array([record.label for _, record in records])
    group = np.array([record.group or record.id for _, record in records])
    strata = np.char.add(np.char.add(category, "/"), label)
    spare = {UNUSED: max(0.0, 1 - sum(shares.values()))}
    # rounding leaves a spare share of 1e-17, which would still draw a stimulus
    split = deal(strata, group, {**shares, **{k: v for k, v in spare.items() if v > 1e-9}}, _rng(seed, "splits"))
    fold = _folds(split, strata, group, folds, seed)
    used = np.flatnonzero(split != UNUSED)
    _refuse_empty(category[used], split[used], shares)
    kept = [records[index][1] for index in used]
    return _dataset(kept, category[used], label[used], split[used], fold[used], group[used])


def encoded(stimuli: xr.Dataset, index: int) -> bytes:
    """Give the original bytes of the stimulus at a position."""
    end = int(stimuli["encoded_size"].values[: index + 1].sum())
    start = end - int(stimuli["encoded_size"].values[index])
    return stimuli["encoded"].values[start:end].tobytes()


def _dataset(
    records: Sequence[Record],
    category: np.ndarray,
    label: np.ndarray,
    split: np.ndarray,
    fold: np.ndarray,
    group: np.ndarray,
) -> xr.Dataset:
    digests = [digest_bytes(record.encoded) for record in records]
    content = np.frombuffer(b"".join(record.encoded for record in records), dtype=np.uint8)
    size = np.array([len(record.encoded) for record in records], dtype=np.int32)

    def text(values: Sequence[str] | np.ndarray, meaning: str) -> tuple[str, np.ndarray, dict[str, str]]:
        return "stimulus", np.array(values, dtype=object), {"long_name": meaning}

    ids = [record.id for record in records]
    dataset = xr.Dataset(
        {
            "encoded_size": ("stimulus", size, {"sample_dimension": "byte", "units": "bytes"}),
            "encoded": ("byte", content, {"long_name": "image files as they came, end to end"}),
            "has_attribute": (
                ("stimulus", "attribute"),
                np.zeros((len(ids), 0), dtype=np.int8),
                {
                    "flag_values": np.array([-1, 0, 1], dtype=np.int8),
                    "flag_meanings": "unknown absent present",
                },
            ),
        },
        coords={
            "stimulus": text(ids, "id of the stimulus"),
            "modality": text(["image"] * len(ids), "kind of input"),
            "category": text(category, "kind of stimulus"),
            "label": text(label, "true label; empty where there is none"),
            "split": text(split, "what the stimulus is used for"),
            "fold": ("stimulus", fold.astype(np.int8), {"long_name": "seeded fold within the split"}),
            "group": text(group, "stimuli of one group never part"),
            "item": text([""] * len(ids), "matched pair; empty where there is none"),
            "digest": text(digests, "SHA-256 of the encoded image"),
            "source": text([record.source for record in records], "where the image comes from"),
            "attribute": ("attribute", np.array([], dtype=str)),
        },
    )
    columns = [dataset[name].values.tolist() for name in ("stimulus", "digest", "category", "label", "split", "fold")]
    return dataset.assign_attrs(stimuli_digest=digest(columns))


def _labelled(record: Record, label: str | None) -> Record:
    if label is None:
        return record
    return Record(record.id, record.encoded, record.source, label, record.group)


def _folds(split: np.ndarray, strata: np.ndarray, group: np.ndarray, folds: int, seed: int) -> np.ndarray:
    fold = np.zeros(len(split), dtype=int)
    shares = {str(index): 1.0 for index in range(folds)}
    for name in np.unique(split):
        members = np.flatnonzero(split == name)
        fold[members] = deal(strata[members], group[members], shares, _rng(seed, f"folds of {name}")).astype(int)
    return fold


def _rng(seed: int, purpose: str) -> np.random.Generator:
    return seeding.generator(seed, "stimuli", purpose)


def _refuse_twins(ids: Sequence[str]) -> None:
    unique, counts = np.unique(ids, return_counts=True)
    if (counts > 1).any():
        raise ValueError(
            f"stimulus {str(unique[counts > 1][0])!r} occurs {counts.max()} times; is a source used twice?"
        )


def _refuse_empty(category: np.ndarray, split: np.ndarray, shares: Mapping[str, float]) -> None:
    for name in np.unique(category):
        for wanted in SPLITS:
            if shares.get(wanted, 0) > 0 and not np.any((category == name) & (split == wanted)):
                raise ValueError(
                    f"category {str(name)!r} has no stimulus for the split {wanted!r}: "
                    f"it has too few groups ({np.sum(category == name)} stimuli in all)"
                )
