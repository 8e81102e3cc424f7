"""Images in the researcher's own folders.

folder           the images of one folder or several, with all that lies below them

A file is an image by its extension, whatever its case. Hidden files and the litter of file managers do not count; what
else is no image is reported as left out. Links to folders are followed, each folder once.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from deeplocalizer.configuration.words import nearest
from deeplocalizer.stimuli.intake import Candidate, in_seeded_order, take
from deeplocalizer.stimuli.record import Draw, Drawn, Refused

IMAGES = (
    *("jpg", "jpeg", "jpe", "jfif", "png", "apng", "gif", "webp", "avif", "jp2"),
    *("tif", "tiff", "bmp", "dib", "ppm", "pgm", "pbm", "pnm"),
)
# pictures that must be saved in another format: they are named as unreadable, not passed over
OTHER_PICTURES = ("heic", "heif", "svg", "jxl", "psd", "eps", "dng", "cr2", "cr3", "nef", "arw", "raf", "orf", "rw2")
LITTER = frozenset({"thumbs.db", "desktop.ini", "__macosx", "icon\r"})
LISTED = 8  # names that a message gives


def folder(draw: Draw) -> Drawn:
    """Draw the images of one folder or several.

    Parameters
    ----------
    draw : Draw
        Its settings: ``path``, a folder or a list of folders, from the working directory, ``~`` for home; ``group_by``,
        ``none``, ``folder`` (images of one subfolder are a group) or a regular expression whose first bracket finds
        the group in the name of the file; ``unreadable``, ``refuse`` or ``skip``.

    Returns
    -------
    Drawn
        Ids are ``category/path/from/the/folder.png``; where several folders are given, their names stand before that.
        Records are ordered by a digest of the id, so files that are added later never reorder the others. Of files
        with the same picture the first is kept. Only as many files are read as are wanted.

    Raises
    ------
    ValueError
        If a folder is missing, is none or holds no image, a file is no readable image (and is not to be skipped), or
        ``group_by`` does not fit, naming it.
    """
    given = draw.settings["path"]
    paths = [given] if isinstance(given, str) else list(given)
    candidates: list[Candidate] = []
    others: list[Refused] = []
    for path, prefix in zip(paths, _prefixes(paths), strict=True):
        images, rest = _found(_root(path, draw.category), draw.category, prefix, path)
        if not images:
            raise ValueError(_without_images(draw.category, path, rest))
        candidates += images
        others += rest
    grouped = _grouped(candidates, draw.settings.get("group_by", "none"), draw.category)
    room = None if draw.count is None else {"": draw.count}
    records, left_out = take(draw, in_seeded_order(grouped, draw.seed, "folder"), room)
    return Drawn(tuple(records), (*others, *left_out), origin={"path": ", ".join(paths)})


def _prefixes(paths: Sequence[str]) -> list[str]:
    """Give what stands before the ids of each folder: nothing for one; for several, as much of each as differs."""
    if len(paths) == 1:
        return [""]
    parts = [Path(os.path.abspath(os.path.expanduser(path))).parts for path in paths]
    for depth in range(1, max(map(len, parts)) + 1):
        names = ["/".join(part[-depth:]).lstrip("/") + "/" for part in parts]
        if len(set(names)) == len(names):
            return names
    raise ValueError(f"path: the folder {_repeated(paths)!r} is given twice")


def _repeated(paths: Sequence[str]) -> str:
    absolute = [os.path.abspath(os.path.expanduser(path)) for path in paths]
    return next(path for path, place in zip(paths, absolute, strict=True) if absolute.count(place) > 1)


def _root(path: str, category: str) -> Path:
    """Find a folder, or say what is there instead."""
    root = Path(path).expanduser()
    if root.is_dir():
        return root
    if root.is_file():
        hint = "; `source: table` reads tables" if root.suffix.lower() in (".csv", ".tsv", ".parquet") else ""
        raise ValueError(f"category {category!r}: path {path!r} is a file; expected a folder{hint}")
    ancestor = next(parent for parent in Path(os.path.abspath(root)).parents if parent.is_dir())
    missing = Path(os.path.abspath(root)).relative_to(ancestor).parts[0]
    names = sorted(entry.name for entry in ancestor.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    close = nearest(missing, names)
    hint = f"did you mean {close}?" if close else f"there are {_some(names)}" if names else "it holds no folder"
    raise ValueError(
        f"category {category!r}: folder {path!r} does not exist; {str(ancestor)!r} has no {missing!r}: {hint}"
    )


def _found(root: Path, category: str, prefix: str, given: str) -> tuple[list[Candidate], list[Refused]]:
    """Go through a folder in the order of names, and part images from other files."""
    images, others = [], []
    for path in _walk(root):
        relative = _text(path.relative_to(root).as_posix())
        # macOS writes é as two characters, others as one
        identity = unicodedata.normalize("NFC", f"{category}/{prefix}{relative}")
        if path.suffix.lower().removeprefix(".") not in (*IMAGES, *OTHER_PICTURES):
            others.append(Refused(identity, "not an image, by its name"))
        elif relative != path.relative_to(root).as_posix():
            images.append(Candidate(identity, _text(str(path)), None, "its name is not UTF-8; rename it"))
        else:
            images.append(Candidate(identity, str(path), path, source=f"{given.rstrip('/')}/{relative}"))
    return images, others


def _text(name: str) -> str:
    """Write the name of a file such that every file and log can hold it."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _walk(root: Path) -> Iterator[Path]:
    seen: set[tuple[int, int]] = set()
    for here, folders, files in os.walk(root, onerror=_raise, followlinks=True):
        status = os.stat(here)
        if (status.st_dev, status.st_ino) in seen:  # a link led back
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if _counts(name))
        yield from (Path(here, name) for name in sorted(files) if _counts(name))


def _raise(error: OSError) -> None:
    raise ValueError(f"folder {error.filename!r} cannot be read ({error.strerror})") from error


def _counts(name: str) -> bool:
    return not name.startswith(".") and name.lower() not in LITTER


def _without_images(category: str, path: str, others: Sequence[Refused]) -> str:
    names = sorted({Path(one.id).suffix.lower() or Path(one.id).name for one in others})
    holds = f"it holds {len(others)} other files ({_some(names)})" if others else "it is empty"
    return f"category {category!r}: folder {path!r} holds no image; {holds}; images are {', '.join(IMAGES)}"


def _grouped(candidates: Sequence[Candidate], by: str, category: str) -> list[Candidate]:
    if by == "none":
        return list(candidates)
    group = _subfolder if by == "folder" else _by_pattern(by, category)
    grouped = [replace(one, group=group(one)) for one in candidates]
    stray = [Path(one.id).name for one in grouped if not one.group]
    if stray and by != "folder":
        raise ValueError(
            f"category {category!r}: group_by {by!r} finds no group in the names of {len(stray)} of {len(grouped)} "
            f"files: {_some(stray)}"
        )
    return grouped


def _subfolder(one: Candidate) -> str:
    return one.id.split("/", 1)[1].rpartition("/")[0]


def _by_pattern(pattern: str, category: str) -> Callable[[Candidate], str]:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise ValueError(
            f"category {category!r}: group_by {pattern!r} is neither none nor folder nor a regular expression: {error}"
        ) from error
    if compiled.groups < 1:
        close = nearest(pattern, ["none", "folder"])
        raise ValueError(
            f"category {category!r}: group_by {pattern!r} has no bracket to say where in a file's name the group is"
            + (f", did you mean {close}?" if close else r", as ^(\w+)- has")
        )

    def group(one: Candidate) -> str:
        found = compiled.search(one.id.rpartition("/")[2])
        return (found.group(1) or "") if found else ""

    return group


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:LISTED]) + (f" and {len(names) - LISTED} more" if len(names) > LISTED else "")
