"""COCO's instance annotations: which kinds of object each image shows, and under which licence it stands.

read             the annotations of a subset, from the archive on COCO's server or from what was kept of them
summarise        what a file of annotations says of images as wholes
Annotations      that, by image
SUBSETS          the subsets of the data set, and their members of the archive

The annotations of train2017 are 448 MB of JSON, nearly all of it outlines of objects. Decoding only what is declared
here costs some 130 MB of memory; what is kept on disk is a few megabytes.
"""

from __future__ import annotations

import contextlib
import mmap
from pathlib import Path

import msgspec

from deeplocalizer.downloads import archive
from deeplocalizer.downloads.manifest import Manifest, Target
from deeplocalizer.downloads.patience import Limits
from deeplocalizer.provenance import digest

SUBSETS = {
    "validation": "annotations/instances_val2017.json",
    "train": "annotations/instances_train2017.json",
}
FORM = 1  # of what is kept; to be raised when it changes


class Annotations(msgspec.Struct):
    """What the annotations say of images as wholes.

    Parameters
    ----------
    digest : str
        SHA-256 of the member of the archive.
    categories : dict of (name, supercategory)
        By id.
    licences : dict of (name, url)
        By id.
    images : dict of lists of int
        By id, the ids of the categories that an image shows, also in crowds, in ascending order; empty if none.
    """

    digest: str
    categories: dict[int, tuple[str, str]]
    licences: dict[int, tuple[str, str]]
    images: dict[int, list[int]]


class _Licence(msgspec.Struct, gc=False):
    id: int
    name: str
    url: str


class _Category(msgspec.Struct, gc=False):
    id: int
    name: str
    supercategory: str


class _Image(msgspec.Struct, gc=False):
    id: int


class _Object(msgspec.Struct, gc=False):
    image_id: int
    category_id: int


class _Instances(msgspec.Struct):
    licenses: list[_Licence]
    categories: list[_Category]
    images: list[_Image]
    annotations: list[_Object]


def read(url: str, subset: str, folder: Path, limits: Limits) -> Annotations:
    """Read the annotations of a subset; what is in the folder is not fetched again.

    Parameters
    ----------
    url : str
        The archive of annotations.
    subset : str
        A key of `SUBSETS`.
    folder : path
        Where a summary of them is kept.
    limits : Limits
        Of the download.

    Raises
    ------
    DownloadError
        If the archive cannot be had or read.
    ValueError
        If its member is not what COCO's is.
    """
    member = SUBSETS[subset]
    manifest = Manifest(folder)
    target = Target(f"{digest([url, member])[:12]}-{subset}.json", f"{url}#{member}#summary-{FORM}")
    held = manifest.held(target)
    if held is not None:
        return msgspec.json.decode(held.path.read_bytes(), type=Annotations)
    file = archive.extract(url, member, folder, limits)
    try:
        annotations = summarise(file.path, file.sha256)
    except (msgspec.DecodeError, ValueError) as error:
        raise ValueError(f"{member} of {url} does not hold instance annotations of COCO: {error}") from error
    manifest.keep(target, [msgspec.json.encode(annotations)])
    archive.discard(url, member, folder)
    return annotations


def summarise(path: Path, sha256: str) -> Annotations:
    """Say what a file of annotations says of images as wholes.

    Parameters
    ----------
    path : path
    sha256 : str
        Digest of the file.

    Raises
    ------
    msgspec.DecodeError
        If it is no JSON, or lacks what COCO's has.
    ValueError
        If it is empty, or an object is in no image or of no category that it lists.
    """
    with path.open("rb") as stream, contextlib.closing(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)) as text:
        instances = msgspec.json.decode(text, type=_Instances)
    categories = {category.id: (category.name, category.supercategory) for category in instances.categories}
    shown: dict[int, set[int]] = {image.id: set() for image in instances.images}
    for item in instances.annotations:
        if item.image_id not in shown or item.category_id not in categories:
            raise ValueError(
                f"it lists no image {item.image_id} or no category {item.category_id}, but an object of it"
            )
        shown[item.image_id].add(item.category_id)
    return Annotations(
        sha256,
        categories,
        {licence.id: (licence.name, licence.url) for licence in instances.licenses},
        {image: sorted(members) for image, members in sorted(shown.items())},
    )
