"""Photographs of COCO 2017, with the kinds of object that they show.

coco             photographs that show, or do not show, some kinds of object

A data set on the Hub lists the images and their addresses, COCO's own archive of annotations says what they show, and
COCO's server has the images (Lin et al. 2014). Each image stands under a Creative Commons licence of its own, which is
kept beside it.
"""

from __future__ import annotations

import difflib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from deeplocalizer import hub, seeding
from deeplocalizer.downloads import disk, files, offline
from deeplocalizer.downloads.files import Limits, Target
from deeplocalizer.stimuli.images import check
from deeplocalizer.stimuli.record import Attribute, Draw, Drawn, Record, Refused
from deeplocalizer.stimuli.sources import coco_annotations
from deeplocalizer.stimuli.sources.coco_annotations import SUBSETS, Annotations

LOG = logging.getLogger("deeplocalizer")
LIMITS = Limits()
COLUMNS = ("image_id", "coco_url", "height", "width", "license")
BYTES_A_PIXEL = 0.55  # of a JPEG of COCO; val2017 has 778 MB in 5,000 images of 640 x 480 or less


@dataclass(frozen=True)
class _Candidate:
    """An image that may be drawn: id, address, estimated bytes, licence, and ids of the categories that it shows."""

    id: int
    url: str
    size: float
    licence: str
    shows: frozenset[int]

    @property
    def target(self) -> Target:
        return Target(f"{self.id:012d}.jpg", self.url)


@dataclass(frozen=True)
class _Pool:
    """The candidates of a subset in their seeded order, how many were left out for what they show, and annotations."""

    subset: str
    candidates: tuple[_Candidate, ...]
    excluded: int
    lacking: int
    annotations: Annotations

    @property
    def size(self) -> int:
        return len(self.candidates) + self.excluded + self.lacking


def coco(draw: Draw) -> Drawn:
    """Draw photographs.

    Parameters
    ----------
    draw : Draw
        Of its settings: ``repository`` and ``revision`` of the list of images, ``annotations`` (address of the
        archive), ``subset`` (subsets in the order of preference: the next one is only touched where those before it do
        not suffice; without a count, only the first is drawn from), ``exclude`` and ``require`` (kinds of object of
        which an image must show none, and at least one).

    Returns
    -------
    Drawn
        Ids are ``coco-<id of the image>``. The order is a seeded one of each whole subset, whatever is excluded.
        Images that could not be had are refused, and the next ones of the order stand in for them.

    Raises
    ------
    ValueError
        If there are too few images (before one is downloaded), or a kind of object or subset is unknown.
    DownloadError
        If something cannot be had from the network, or the disk has no room for it.
    """
    order = _subsets(draw)
    sha = hub.resolve(str(draw.settings["repository"]), str(draw.settings["revision"]), draw.downloads)
    pools = _sufficient(draw, sha, order)
    folder = draw.downloads / "coco" / "images"
    _require_room(draw, pools, folder)
    candidates: dict[str, _Candidate] = {}

    def targets() -> Iterator[Target]:
        for candidate in _all(draw, sha, order, pools):
            candidates[candidate.target.name] = candidate
            yield candidate.target

    # a copy of COCO in one's own network has images there, too
    limits = replace(LIMITS, public=not (hub.local() or hub.local(str(draw.settings["annotations"]))))
    fetched = files.fetch(targets(), draw.count, folder, check, limits, f"images of COCO for {draw.category!r}")
    categories = pools[0].annotations.categories
    return Drawn(
        tuple(_record(candidates[file.name], file.path.read_bytes(), categories) for file in fetched.files),
        tuple(Refused(_name(candidates[one.name]), f"{one.url}: {one.reason}") for one in fetched.failures),
        {name: Attribute("coco", parent) for name, parent in categories.values()},
        _origin(draw, sha, pools),
    )


def _subsets(draw: Draw) -> list[str]:
    order = [str(subset) for subset in draw.settings["subset"]]
    for subset in order:
        if subset not in SUBSETS:
            raise ValueError(f"category {draw.category!r}: COCO has no subset {subset!r}; it has {', '.join(SUBSETS)}")
    if not order or len(set(order)) < len(order):
        raise ValueError(f"category {draw.category!r}: subset names none of COCO's subsets, or one of them twice")
    return order


def _sufficient(draw: Draw, sha: str, order: Sequence[str]) -> list[_Pool]:
    """Read as many subsets as it takes to have enough candidates."""
    pools: list[_Pool] = []
    for subset in order:
        pools.append(_pool(draw, sha, subset))
        if draw.count is None or sum(len(pool.candidates) for pool in pools) >= draw.count:
            return pools
    raise ValueError(_shortage(draw, pools))


def _all(draw: Draw, sha: str, order: Sequence[str], pools: list[_Pool]) -> Iterator[_Candidate]:
    """Give the candidates of all subsets, reading a further subset only where it is reached."""
    for index, subset in enumerate(order if draw.count is not None else order[:1]):
        if index == len(pools):
            pools.append(_pool(draw, sha, subset))
        yield from pools[index].candidates


def _pool(draw: Draw, sha: str, subset: str) -> _Pool:
    repository = str(draw.settings["repository"])
    address = str(draw.settings["annotations"])
    annotations = coco_annotations.read(address, subset, draw.downloads / "coco" / "annotations", LIMITS)
    exclude, require = (_ids(draw, key, annotations) for key in ("exclude", "require"))
    table = hub.table(repository, sha, subset, COLUMNS, draw.downloads)
    table = _checked(table, annotations, f"{repository} at {sha[:7]}, {subset}", address)
    permuted = table.iloc[seeding.generator(draw.seed, "coco", subset).permutation(len(table))]
    everything = [_candidate(row, annotations) for row in permuted.itertuples(index=False)]
    allowed = [candidate for candidate in everything if exclude.isdisjoint(candidate.shows)]
    kept = [candidate for candidate in allowed if not require or not require.isdisjoint(candidate.shows)]
    LOG.info(f"COCO, {subset}: {len(kept):,} of {len(everything):,} images may be drawn for {draw.category!r}")
    return _Pool(subset, tuple(kept), len(everything) - len(allowed), len(allowed) - len(kept), annotations)


def _ids(draw: Draw, key: str, annotations: Annotations) -> frozenset[int]:
    by_name = {name: number for number, (name, _) in annotations.categories.items()}
    for name in draw.settings[key]:
        if name not in by_name:
            near = difflib.get_close_matches(name, by_name, n=3)
            hint = f"near it are {', '.join(near)}" if near else f"it knows {', '.join(by_name)}"
            raise ValueError(f"category {draw.category!r}: {key} names {name!r}, which COCO does not know; {hint}")
    return frozenset(by_name[name] for name in draw.settings[key])


def _checked(table: pd.DataFrame, annotations: Annotations, what: str, address: str) -> pd.DataFrame:
    """Sort the table by id; refuse rows that cannot be used, and images of which nothing is known."""
    for column in ("image_id", "coco_url"):
        empty = np.flatnonzero(table[column].isna())
        if len(empty):
            raise ValueError(f"{what}: column {column!r} is empty in {len(empty):,} rows, the first is row {empty[0]}")
    table = table.astype({"image_id": np.int64}).sort_values("image_id", kind="stable", ignore_index=True)
    twins = table["image_id"][table["image_id"].duplicated()]
    if len(twins):
        raise ValueError(f"{what}: image {twins.iloc[0]} is listed twice")
    unknown = table["image_id"][~table["image_id"].isin(list(annotations.images))]
    if len(unknown):
        raise ValueError(
            f"{what}: {len(unknown):,} images are not in the annotations of {address}, the first is "
            f"{unknown.iloc[0]}; do repository and annotations belong together?"
        )
    return table.fillna({"height": 480, "width": 640, "license": 0})


def _candidate(row: object, annotations: Annotations) -> _Candidate:
    image, url, height, width, licence = (getattr(row, column) for column in COLUMNS)
    name, terms = annotations.licences.get(int(licence), ("", ""))
    return _Candidate(
        int(image),
        str(url),
        BYTES_A_PIXEL * float(height) * float(width),
        f"{name} ({terms})" if name else "",
        frozenset(annotations.images[int(image)]),
    )


def _require_room(draw: Draw, pools: Sequence[_Pool], folder: Path) -> None:
    if offline.setting():
        return
    drawn = [candidate for pool in pools for candidate in pool.candidates][: draw.count]
    missing = {target.name for target in files.lacking((candidate.target for candidate in drawn), folder)}
    needed = sum(candidate.size for candidate in drawn if candidate.target.name in missing)
    disk.require(folder, needed, f"{len(missing):,} images of COCO for {draw.category!r}")


def _record(candidate: _Candidate, encoded: bytes, categories: dict[int, tuple[str, str]]) -> Record:
    return Record(
        _name(candidate),
        encoded,
        candidate.url,
        licence=candidate.licence,
        attributes={name: int(number in candidate.shows) for number, (name, _) in categories.items()},
    )


def _name(candidate: _Candidate) -> str:
    return f"coco-{candidate.id:012d}"


def _origin(draw: Draw, sha: str, pools: Sequence[_Pool]) -> dict[str, str]:
    return {
        "repository": str(draw.settings["repository"]),
        "revision": sha,
        "subset": ", ".join(pool.subset for pool in pools),
        "annotations": str(draw.settings["annotations"]),
        "annotations_digest": ", ".join(pool.annotations.digest for pool in pools),
    }


def _shortage(draw: Draw, pools: Sequence[_Pool]) -> str:
    exclude, require = (" or ".join(draw.settings[key]) for key in ("exclude", "require"))
    left = sum(len(pool.candidates) for pool in pools)
    counts = []
    for pool in pools:
        why = [f"{pool.excluded:,} show {exclude}"] * (pool.excluded > 0)
        why += [f"{pool.lacking:,} do not show {require}"] * (pool.lacking > 0)
        reason = f" of {pool.size:,}, as {' and '.join(why)}" if why else ""
        counts.append(f"{len(pool.candidates):,} in {pool.subset}{reason}")
    ways = [f"lower count to {left:,} or less"]
    ways += [f"exclude less than {exclude}"] * bool(exclude)
    ways += [f"name more kinds in require than {require}"] * bool(require)
    spare = [subset for subset in SUBSETS if subset not in {pool.subset for pool in pools}]
    ways += [f"add {subset} to subset" for subset in spare]
    return (
        f"category {draw.category!r}: {draw.count:,} images of COCO are asked for, but only {left:,} are left "
        f"({'; '.join(counts)}): {', or '.join(ways)}"
    )
