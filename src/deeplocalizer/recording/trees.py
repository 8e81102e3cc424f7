"""The moments of the cells that are being recorded.

Trees            one tree for each cell of a range of blocks, as long as it is unfinished
"""

from __future__ import annotations

from collections.abc import Sequence

from deeplocalizer.course import Course, Run
from deeplocalizer.moments.tree import Node, Tree
from deeplocalizer.recording.journal import Pending
from deeplocalizer.recording.sinks import Slot


class Trees:
    """One tree for each cell of a range of blocks, as long as it is unfinished.

    Parameters
    ----------
    course : Course
    blocks : range
        That are run here, one after another.
    pending : mapping, optional
        What was pending when the recording was interrupted.
    """

    def __init__(self, course: Course, blocks: range, pending: Pending | None = None) -> None:
        self._course, self._blocks = course, blocks
        self._trees: dict[int, Tree] = {}
        for cell, nodes in (pending or {}).items():
            for (level, index), node in nodes.items():
                self._tree(cell).put(level, index, node)

    def add(self, block: int, runs: Sequence[Run], nodes: Sequence[Node]) -> list[tuple[Slot, Node]]:
        """Add the moments of a block; give what gets no further in this range of blocks."""
        done = []
        for run, node in zip(runs, nodes, strict=True):
            tree = self._tree(run.cell)
            tree.add(block, node)
            if block + 1 == min(tree.stop, self._blocks.stop):
                done += [((run.cell, *place), held) for place, held in tree.nodes.items()]
                del self._trees[run.cell]
        return done

    @property
    def pending(self) -> Pending:
        """What is not finished, by cell."""
        return {cell: tree.nodes for cell, tree in self._trees.items()}

    def _tree(self, cell: int) -> Tree:
        if cell not in self._trees:
            self._trees[cell] = Tree(*self._course.span(cell))
        return self._trees[cell]
