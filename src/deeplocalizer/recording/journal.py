"""What a recording must remember to be taken up again after it was killed.

Journal          the next block, and the moments that are not finished
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from deeplocalizer.moments.tree import Node

Pending = Mapping[int, Mapping[tuple[int, int], Node]]  # by cell, by (level, index)


class Journal:
    """The next block, and the moments that are not finished, in a file beside the artefact.

    Parameters
    ----------
    path : path
        Of the file; it is replaced as a whole.
    key : str
        What the recording depends on: the journal of another one counts for nothing.
    """

    def __init__(self, path: str | os.PathLike[str], key: str) -> None:
        self._path, self._key = Path(path), key
        self._new = self._path.with_name(f"{self._path.name}.new")

    def write(self, block: int, pending: Pending) -> None:
        """Remember that everything before a block is recorded, and what is pending then."""
        nodes = [(cell, *place, node) for cell, held in pending.items() for place, node in held.items()]
        arrays = {"where": np.array([[*where, node.count] for *where, node in nodes], dtype=np.int64).reshape(-1, 4)}
        for number, (*_, node) in enumerate(nodes):
            arrays |= {f"mean{number}": _array(node.mean), f"m2{number}": _array(node.m2)}
        with self._new.open("wb") as file:
            np.savez(file, key=np.array(self._key), block=np.array(block), allow_pickle=False, **arrays)
            file.flush()
            os.fsync(file.fileno())
        os.replace(self._new, self._path)

    def read(self) -> tuple[int, dict[int, dict[tuple[int, int], Node]]] | None:
        """Give what was remembered last; None if there is nothing of this recording.

        Raises
        ------
        ValueError
            If the file is damaged.
        """
        if not self._path.is_file():
            return None
        try:
            with self._path.open("rb") as file, np.load(file, allow_pickle=False) as held:
                if str(held["key"]) != self._key:
                    return None
                pending: dict[int, dict[tuple[int, int], Node]] = {}
                for number, (cell, level, index, count) in enumerate(held["where"].tolist()):
                    node = Node(count, held[f"mean{number}"], held[f"m2{number}"])
                    pending.setdefault(cell, {})[level, index] = node
                return int(held["block"]), pending
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise ValueError(
                f"{self._path}: the journal of an unfinished recording is damaged ({error}); delete it, and the "
                "recording begins anew"
            ) from error

    def remove(self) -> None:
        """Forget: the recording is whole."""
        for path in (self._path, self._new):  # a process that is killed while it writes leaves the other
            path.unlink(missing_ok=True)


def _array(values: object) -> np.ndarray:
    """Bring values to the host, from whatever device."""
    return np.asarray(values.cpu() if hasattr(values, "cpu") else values)
