"""Graphs of boxes and arrows."""

import itertools

import networkx
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.transforms import Affine2D

from deeplocalizer.plots import drawing, folding, graph, labels, layering, topology
from tests.plots.conftest import artists, texts


@st.composite
def graphs(draw):
    """Give a number of nodes and edges that go round in no circle."""
    number = draw(st.integers(1, 14))
    ends = st.tuples(st.integers(0, number - 1), st.integers(0, number - 1)).filter(lambda edge: edge[0] != edge[1])
    names = draw(st.permutations(range(number)))  # so that the order of numbers is not that of the graph
    return number, sorted({(names[min(edge)], names[max(edge)]) for edge in draw(st.lists(ends, max_size=30))})


def architecture(names, edges, modules=None):
    """Make the artefact of a network."""
    ends = np.array(edges, dtype=np.int64).reshape(-1, 2)
    return xr.Dataset(
        {
            "module": ("layer", modules or ["Conv2d"] * len(names)),
            "call": ("layer", [names[:place].count(name) for place, name in enumerate(names)]),
            "source": ("edge", ends[:, 0]),
            "target": ("edge", ends[:, 1]),
        },
        coords={"layer": names},
    )


def residual(blocks):
    """Make a network of blocks of two layers that a connection bypasses."""
    names, edges = ["start"], []
    for block in range(blocks):
        last = len(names)
        names += [f"stage.{block}.conv1", f"stage.{block}.conv2", f"stage.{block}"]
        edges += [(last - 1, last), (last, last + 1), (last + 1, last + 2), (last - 1, last + 2)]
    return names, edges


def boxes_of(figure):
    """Find the rectangle of every box: left, top, right, bottom."""
    found = {}
    for gid, artist in artists(figure).items():
        if gid.startswith("node/"):
            x, y, width, height = (getattr(artist, f"get_{what}")() for what in ("x", "y", "width", "height"))
            found[gid.removeprefix("node/")] = (x, y, x + width, y + height)
    return found


def overlapping(found):
    for (one, a), (other, b) in itertools.combinations(found.items(), 2):
        if min(a[2], b[2]) - max(a[0], b[0]) > 1e-6 and min(a[3], b[3]) - max(a[1], b[1]) > 1e-6:
            yield one, other


@given(graphs())
def test_order_and_reduction_agree_with_networkx(made):
    number, edges = made
    known = networkx.DiGraph(edges)
    known.add_nodes_from(range(number))
    place = {node: index for index, node in enumerate(topology.topological(number, edges))}
    assert sorted(place) == list(range(number))
    assert all(place[source] < place[target] for source, target in edges)
    assert topology.reduced(number, edges) == sorted(networkx.transitive_reduction(known).edges)


def test_a_circle_is_refused():
    with pytest.raises(ValueError, match="nodes 1, 2 have no order"):
        topology.topological(3, [(0, 1), (1, 2), (2, 1)])
    with pytest.raises(ValueError, match="no boxes"):
        graph.draw(graph.Boxes((), (), ()))


@settings(deadline=None, max_examples=40)
@given(graphs(), st.floats(1.5, 8))
def test_every_row_is_below_its_sources_and_nothing_overlaps(made, most):
    number, edges = made
    sizes = [0.4 + 0.1 * (node % 5) for node in range(number)]
    layout = layering.arrange(sizes, edges, 0.15, most)
    row = {one: index for index, held in enumerate(layout.rows) for one in held}
    assert sorted(row) == list(range(len(layout.size)))
    assert sorted(layout.ways) == edges
    for (source, target), way in layout.ways.items():
        assert (way[0], way[-1]) == (source, target)
        assert [row[one] for one in way] == list(range(row[source], row[target] + 1))
    for held in layout.rows:
        real = [one for one in held if one < number]
        assert len(real) <= 1 or sum(sizes[one] for one in real) + 0.15 * (len(real) - 1) <= most + 1e-9
        for one, other in itertools.pairwise(held):
            apart = (layout.size[one] + layout.size[other]) / 2
            assert layout.place[other] - layout.place[one] >= apart + 0.15 / 4 - 1e-3
    # from the same graph the same picture
    np.testing.assert_array_equal(layering.arrange(sizes, edges[::-1], 0.15, most).place, layout.place)


def test_a_plane_graph_is_drawn_without_crossings():
    # two ladders whose feet are numbered crosswise
    edges = [(0, 3), (1, 2), (2, 5), (3, 4), (4, 6), (5, 7)]
    layout = layering.arrange([1.0] * 8, edges, 0.2, 100)
    for upper, lower in itertools.pairwise(layout.rows):
        inner = [(upper.index(a), lower.index(b)) for a, b in edges if a in upper and b in lower]
        assert not any((a[0] - b[0]) * (a[1] - b[1]) < 0 for a, b in itertools.combinations(inner, 2))


@pytest.mark.parametrize("blocks", [1, 2, 16])
def test_all_layers_and_connections_are_drawn(blocks):
    names, edges = residual(blocks)
    figure = graph.layers(architecture(names, edges))
    found, drawn = boxes_of(figure), artists(figure)
    assert sorted(found) == sorted(names)
    assert not list(overlapping(found))
    assert {gid for gid in drawn if gid.startswith("edge/")} == {f"edge/{names[a]}/{names[b]}" for a, b in edges}
    low, high = figure.axes[0].get_xlim()
    deep, top = figure.axes[0].get_ylim()
    assert all(low <= box[0] and box[2] <= high and top <= box[1] and box[3] <= deep for box in found.values())
    for source, target in edges:
        way = drawn[f"edge/{names[source]}/{names[target]}"].get_path().vertices
        for end, box in ((way[0], found[names[source]]), (way[-1], found[names[target]])):
            assert box[0] - 1e-6 <= end[0] <= box[2] + 1e-6 and box[1] - 1e-6 <= end[1] <= box[3] + 1e-6
    assert figure.get_figwidth() == pytest.approx(drawing.WIDTH)


@pytest.mark.parametrize("blocks", [2, 16])
def test_arrows_go_round_the_boxes_that_they_bypass(blocks):
    names, edges = residual(blocks)
    names[1] = "conv." * 30  # a box that is taller than those beside it
    figure = graph.layers(architecture(names, edges))
    found = boxes_of(figure)
    for gid, artist in artists(figure).items():
        if gid.startswith("edge/"):
            _, *ends = gid.split("/")
            # curves are drawn by pixels: of a thousandth of an inch
            line = artist.get_path().transformed(Affine2D().scale(1000)).to_polygons(closed_only=False)[0] / 1000
            for name, box in found.items():
                left, top, right, bottom = np.add(box, (1e-3, 1e-3, -1e-3, -1e-3))
                inside = (line[:, 0] > left) & (line[:, 0] < right) & (line[:, 1] > top) & (line[:, 1] < bottom)
                assert name in ends or not inside.any(), f"{gid} runs through {name}"


def test_few_layers_lie_side_by_side_and_many_in_columns():
    chain = [f"conv{place}" for place in range(40)]
    few = boxes_of(graph.layers(architecture(chain[:4], [(0, 1), (1, 2), (2, 3)])))
    assert len({(box[1] + box[3]) / 2 for box in few.values()}) == 1
    figure = graph.layers(architecture(chain, list(itertools.pairwise(range(40)))))
    assert len({round((box[0] + box[2]) / 2, 2) for box in boxes_of(figure).values()}) > 2
    assert figure.get_figheight() < 7
    loose = graph.layers(architecture(chain, []))
    assert not list(overlapping(boxes_of(loose))) and loose.get_figheight() < 5


def test_of_very_many_connections_those_that_bypass_layers_are_left_out():
    names = [f"dense.{place}" for place in range(12)]
    every = list(itertools.combinations(range(12), 2))
    drawn = artists(graph.layers(architecture(names, every)))
    assert {gid for gid in drawn if gid.startswith("edge/")} == {f"edge/{a}/{b}" for a, b in itertools.pairwise(names)}
    few = [edge for edge in every if edge[1] - edge[0] <= 2]
    assert topology.drawn(12, few) == few


def test_long_names_are_shortened_and_broken_and_calls_are_told_apart():
    names = [f"a.very.long.way.down.the.network.block.{place}.attention" for place in range(4)]
    figure = graph.layers(architecture([*names, "x" * 80, "twice", "twice"], [], ["A", "A", "A", "A", "B", "C", "C"]))
    words = texts(figure)
    assert "… stands for a.very.long.way.down.the.network.block." in words
    assert "…0.attention" in words and "twice" in words and "twice#1" in words
    assert {"A", "B", "C"} <= set(words)
    assert max(map(labels.width, labels.wrapped("x" * 80))) <= labels.LONGEST
    for name in (*names, "x" * 80, "", "a..b__c", "."):
        assert "".join(labels.wrapped(name)) == name


def test_colours_beyond_the_palette_are_told_to_be_others():
    kinds = tuple(f"kind{place}" for place in range(9))
    boxes = graph.Boxes(kinds, (), kinds)
    assert list(boxes.legend) == [*kinds[: len(drawing.PALETTE)], "other types"]
    assert graph.Boxes(("a", "b"), (), ("same", "same")).legend == {}


def test_rules_are_drawn_without_superfluous_arrows_and_alike_each_time(tmp_path):
    known = {
        "rules": [{"name": name, "stage": name[0]} for name in ("draw", "stimuli", "report")],
        "edges": [["draw", "stimuli"], ["draw", "report"], ["stimuli", "report"]],
    }
    figure = graph.rules(known)
    assert {gid for gid in artists(figure) if gid.startswith("edge/")} == {"edge/draw/stimuli", "edge/stimuli/report"}
    written = []
    for name in ("one.svg", "other.svg"):
        drawing.save(graph.rules(known), tmp_path / name, "Rules")
        written.append((tmp_path / name).read_bytes())
    assert written[0] == written[1]


def test_a_page_too_narrow_for_rows_side_by_side_is_told():
    sizes = np.ones(5)
    assert folding.sideways(sizes, sizes, list(itertools.pairwise(range(5))), 0.2, 0.1, 4.0) is None
