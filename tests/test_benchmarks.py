"""Benchmarks run, compare what they say they compare, and tell right values from wrong ones."""

import json
import math
import platform

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from deeplocalizer import configuration
from tests.benchmarks import __main__ as benchmarks
from tests.benchmarks import forward, gpu, made, memory, peers, shards, statistics, studies, tables, targets

pytestmark = pytest.mark.filterwarnings("ignore:::nnsight", "ignore:::torchlens")
HEAVY = ("memory", "overhead")  # a minute each


class Reused(nn.Module):
    """A batch norm and a convolution that one ReLU overwrites."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.norm = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)
        self.second, self.relu = nn.Conv2d(4, 5, 3), nn.ReLU(inplace=True)

    def forward(self, x):
        return self.relu(self.second(self.relu(self.norm(self.first(x)))))


@pytest.mark.parametrize(
    ("name", "found", "right"),
    [
        ("plain hooks", 4, 2),  # the first ReLU is replaced, the norm and the second convolution are overwritten
        ("plain hooks, mean", 4, 4),
        ("torchvision extractor", 5, 3),
        ("torchvision extractor, mean", 5, 3),
        ("nnsight, mean", 4, 4),
        ("TorchLens, selected", 5, 5),
        ("TorchLens, all", 5, 5),
    ],
)
def test_what_is_overwritten_in_place_counts_as_wrong(name, found, right):
    model, images = Reused().eval(), torch.randn(2, 3, 8, 8)
    sites = peers.taps(model, images)
    assert [str(site) for site in sites] == ["first", "norm", "relu", "second", "relu#1"]
    peer, convolution = next(one for one in peers.PEERS if one.name == name), torch.conv2d
    with torch.inference_mode():
        values = peer.make(model, sites)(images)
    assert (len(values), peers.right(values, model, images)) == (found, right)
    assert torch.conv2d is convolution, "what is measured next would be slower"


def test_every_round_runs_every_way_once_with_a_bare_pass_on_both_sides():
    ran = []
    ways = [forward.Way(name, "", lambda folder, name=name: ran.append(name), {}) for name in "bcdefgh"]
    bare = forward.Way("bare", "", lambda folder: ran.append("bare"), {})
    for number in range(3):
        forward._round(bare, forward._order(ways, number))
    assert all(len(way.seconds) == len(way.bare) == 3 for way in ways)
    rounds = "".join("|" if name == "bare" else name for name in ran).split("||")
    groups = [one.strip("|").split("|") for one in rounds]
    assert [sorted("".join(one)) for one in groups] == [list("bcdefgh")] * 3
    assert all(len(group) <= forward.TOGETHER for one in groups for group in one)
    assert len({tuple(one) for one in groups}) == 3


def test_peaks_and_shards_are_measured(tmp_path):
    # in a process of its own, as the benchmark does: in this one the peak is that of the tests before
    (found,) = memory.main(stimuli=(8,), sides=(), networks=(), side=16, batch=4)
    # 16 channels of 16 × 16 twice, of 8 × 8 three times
    assert found["units"] == 16 * (2 * memory.SIDE**2 + 3 * (memory.SIDE // 2) ** 2)
    assert 1 < found["more_MB"] < found["peak_MB"] and found["start_MB"] > 50
    made.written(tmp_path / "inputs.nc", 8, 32)
    digests = {}
    for count in (1, 2):
        for number in range(count):
            shards._record(tmp_path, number, count, 4)
        digests[count] = shards._gathered(tmp_path, count)
    assert digests[1] == digests[2]


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 15)), max_size=12))
def test_the_time_that_spans_cover_is_counted_once(spans):
    spans = [(start, start + length) for start, length in spans]
    assert gpu.covered(spans) == sum(any(start <= tick < end for start, end in spans) for tick in range(60))


def test_targets_are_met_or_not():
    rows = [{"network": "n", "way": "channel units", "cpu_ratio": 1.04}, {"network": "n", "way": "position moments"}]
    rows[1]["cpu_ratio"] = 1.2
    assert [row["met"] for row in targets.claims("forward", rows)] == [True, False]
    series = [{"series": "stimuli", "stimuli": count, "peak_MB": mb} for count, mb in ((100, 500.0), (10_000, 700.0))]
    assert [row["figure"] for row in targets.claims("memory", series)] == [1.4]
    names = ("stream (256, 1024)", "stream contiguous", "to_netcdf zlib 1")
    files = [{"store": name, "write": 50.0, "units_cold": 10.0, "units_warm": 10.0} for name in names]
    files[0] |= {"write": 500.0, "units_cold": 60.0, "units_warm": 40.0}
    assert [row["met"] for row in targets.claims("store", files)] == [True, True, False]
    assert targets.claims("gpu", []) == []
    graphs = [{"study": "large", "jobs": 9, "cpu_s": 10.1}, {"study": "large, one job", "jobs": 1, "cpu_s": 11.0}]
    assert [row["met"] for row in targets.claims("dag", graphs)] == [False]
    jobs = [
        {"rule": "masks", "kind": "statistics", "local_s": 2.9, "cluster_s": 5.0},
        {"rule": "nulls", "kind": "statistics", "local_s": 3.1, "cluster_s": 5.2},
        {"rule": "ablate", "kind": "torch", "local_s": 7.9, "cluster_s": 12.5},
    ]
    assert [row["met"] for row in targets.claims("overhead", jobs)] == [False, True, True, False]
    assert targets.claims("overhead", jobs)[0]["claim"].endswith("nulls")


def test_what_is_kept_is_json_and_names_no_host(tmp_path):
    tables.keep(tmp_path, "one", [{"a": 1.5, "b": math.nan}], [])
    kept = json.loads((tmp_path / "one.json").read_text())
    assert kept["rows"] == [{"a": 1.5, "b": None}] and kept["machine"]["torch"] == torch.__version__.split("+")[0]
    assert platform.node() not in kept["machine"].values()
    lines = tables.text([{"a": 1.0, "b": 123.4}, {"b": "x", "c": 2}]).splitlines()
    assert [line.split() for line in lines] == [["a", "b", "c"], ["1", "123"], ["x", "2"]]


@pytest.mark.parametrize("name", ["store", "moments", "statistics", "gpu"])
def test_quick_benchmarks_give_their_rows(name, tmp_path, capsys):
    rows = benchmarks.main(["--quick", "--into", str(tmp_path), name])[name]
    if name != "gpu" or torch.cuda.is_available():
        check(rows)
    assert json.loads((tmp_path / f"{name}.json").read_text())["benchmark"] == name


def test_the_large_study_is_one_that_the_workflow_takes():
    schema = configuration.load_schema(studies.ROOT / "workflow" / "schemas" / "config.schema.yaml")
    resolved = configuration.resolve(studies.large(5, 10, 8, 16), schema)
    assert (len(resolved["models"]), len(resolved["localizers"])) == (10, 10)
    assert (resolved["recording"]["shards"], resolved["ablation"]["jobs"]) == (8, 16)
    assert len(resolved["ablation"]["fractions"]) == 5 and resolved["ablation"]["controls"] >= 100
    assert set(resolved["ablation"]["compare"]) >= {"opposite", "untrained"} and resolved["ablation"]["keep"]


def test_statistics_are_compared_with_peers_that_agree():
    areas = [row for form in statistics.FORMS for row in statistics._areas(form, 60, 50, 5, 1)]
    assert [row["error"] <= 4 for row in areas if "error" in row] == [True] * 4  # of the last digit
    assert all(row["all_s"] == pytest.approx(row["seconds"] * 60 / row["measured"]) for row in areas)
    t = statistics._contrasts(30, 50, 20, 1)[1]
    assert t["error"] < 1e-5, "SciPy computes in the type of the responses, float32"
    ours, theirs = statistics._bootstraps(100, 2, 2000, 1)
    assert (ours["measured"], theirs["measured"], theirs["of"]) == (6, 3, 6)
    assert 0 < theirs["error"] < 0.15  # of the width: other draws
    rows = [*statistics._contrasts(30, 50, 20, 1), *areas, ours, theirs]
    given = {
        "contrast.welch": 4.0,
        "ranks.auroc": 2.0,
        "sklearn.metrics.roc_auc_score": 59.0,
        "inference.resample": 4.9,
    }
    for row in rows:
        row["all_s"] = row["seconds"] = next((s for way, s in given.items() if row["way"].startswith(way)), 1.0)
    ours["peak_MB"] = 2000.0
    assert [row["met"] for row in targets.claims("statistics", rows)] == [False, False, False, True, False]


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["ablation", "dag", "forward", "shards", *(pytest.param(n, marks=pytest.mark.long) for n in HEAVY)]
)
def test_slow_benchmarks_give_their_rows(name, tmp_path):
    rows = benchmarks.main(["--quick", "--into", str(tmp_path), name])[name]
    check(rows)
    if name == "forward":
        ways = {row["way"]: row for row in rows}
        assert {"bare", "channel units", "position moments", "full store"} <= ways.keys()
        assert {peer.name for peer in peers.PEERS} <= ways.keys()
        assert all(row["cpu_ratio_from"] <= row["cpu_ratio"] <= row["cpu_ratio_to"] for row in rows)
        assert ways["channel units"]["right"] == ways["TorchLens, all"]["right"] == "57 of 57"
        # all of the maps are there, in float32
        assert ways["full store"]["stored_MB"] >= 4 * 4 * ways["full store"]["units"] / 1e6
    if name == "shards":
        assert all(row["identical"] for row in rows)


def check(rows):
    assert rows
    measured = ("ratio", "seconds", "per_s", "write", "peak_MB", "units_cold", "local_s")
    figures = [value for row in rows for key, value in row.items() if key.endswith(measured)]
    assert figures and all(math.isfinite(value) and value >= 0 for value in figures)


def test_a_benchmark_that_is_not_there_is_refused(capsys):
    with pytest.raises(SystemExit):
        benchmarks.main(["forwards"])
    assert "there is no benchmark 'forwards'; there are forward, memory, store" in capsys.readouterr().err
