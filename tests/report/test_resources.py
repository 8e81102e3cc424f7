"""Time, memory, machines and programs of a study, and how its layers are connected."""

import dataclasses
import json
import math

import numpy as np
import pytest
import xarray as xr

from deeplocalizer.logging import machines
from deeplocalizer.report import connections, resources
from deeplocalizer.report.loading import jobs
from deeplocalizer.report.study import Artefact, Job
from tests.report import studies
from tests.report.studies import spoken
from tests.report.test_tables import cells

NAN = math.nan
JOBS = (
    Job("draw/faces", 2.0, 100.0, 1.0, "draw"),
    Job("draw/objects", 4.0, 300.0, 3.5, "draw"),
    Job("network/ablate", 18.0, 1234.4, NAN, "ablate"),
    Job("quick", 0.0, NAN, NAN, "quick"),
    Job("unmeasured", NAN, NAN),
)
RULES = {
    "snakemake": "9.27.1",
    "rules": [{"name": "draw", "stage": "stimuli"}, {"name": "ablate", "stage": "ablate"}],
    "edges": [["draw", "ablate"]],
}


@pytest.fixture(scope="module")
def plain():
    return studies.study(studies.effects({}))


def having(study, **changes):
    return dataclasses.replace(study, **changes)


def test_jobs_are_summed_up_by_rule(plain):
    rows = cells(resources.by_rule(having(plain, jobs=JOBS)))
    assert rows[1:] == [
        ["ablate", "1", "18.0", "18.0", "–", "1,234"],
        ["draw", "2", "6.0", "4.0", "4.5", "300"],
        ["quick", "1", "0.0", "0.0", "–", "–"],
        ["unmeasured", "1", "–", "–", "–", "–"],
        ["all", "5", "24.0", "18.0", "4.5", "1,234"],
    ]
    assert len(cells(resources.by_rule(having(plain, jobs=JOBS[:1])))) == 2
    assert [row[0] for row in cells(resources.jobs(having(plain, jobs=JOBS)))[1:]] == [job.name for job in JOBS]


def test_sums_are_those_of_the_benchmarks(plain, tmp_path):
    rng = np.random.default_rng(0)
    seconds = rng.uniform(0, 5000, 40).round(1)
    for index, one in enumerate(seconds):
        measured = {"s": one, "max_rss": 10 * one, "cpu_time": one / 2, "rule_name": f"rule{index % 3}"}
        (tmp_path / f"{index}.jsonl").write_text(json.dumps(measured))
    rows = cells(resources.by_rule(having(plain, jobs=jobs(tmp_path))))
    assert rows[-1][2] == f"{seconds.sum():,.1f}" and rows[-1][5] == f"{10 * seconds.max():,.0f}"
    for name, number, total, longest, *_ in rows[1:-1]:
        members = seconds[int(name.removeprefix("rule")) :: 3]
        assert (number, total, longest) == (str(len(members)), f"{members.sum():,.1f}", f"{members.max():,.1f}")
    totals = [float(row[2].replace(",", "")) for row in rows[1:-1]]
    assert totals == sorted(totals, reverse=True)


def left(folder, rule, **wildcards):
    """Leave the benchmark of a job as Snakemake does; gives the job's name."""
    name = "/".join(["paper", rule, *map(str, wildcards.values())])
    path = folder / f"{name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    written = {key: str(value) for key, value in wildcards.items()}
    path.write_text(json.dumps({"s": 1.0, "rule_name": rule, "wildcards": {"study": "paper"} | written}) + "\n")
    return name


def test_jobs_of_earlier_configurations_are_not_counted(tmp_path):
    config = {
        "study": "paper",
        "stimuli": {"categories": {"faces": {}, "objects": {}}},
        "models": {"resnet34": {}},
        "contrasts": {"faces": {}},
        "localizers": {"faces": {}},
        "replicates": {},
        "recording": {"shards": 12},
        "ablation": {"jobs": 1, "values": ["zero"]},
    }
    rules = {"draw", "record", "gather", "contrast", "ablate", "ablate_values", "effects_of_values", "report"}
    present = [
        left(tmp_path, "draw", category="faces"),
        left(tmp_path, "record", model="resnet34", shard=11),
        left(tmp_path, "gather", model="resnet34"),
        left(tmp_path, "contrast", model="resnet34", contrast="faces"),
        left(tmp_path, "ablate", model="resnet34", localizer="faces"),
        left(tmp_path, "ablate_values", model="resnet34", localizer="faces"),
        left(tmp_path, "effects_of_values", model="resnet34", value="zero"),
    ]
    gone = [
        left(tmp_path, "draw", category="scrambled"),
        left(tmp_path, "record", model="resnet34", shard=12),  # there are twelve, from 0
        left(tmp_path, "record", model="resnet34"),  # when it was one job
        left(tmp_path, "gather", model="alexnet"),
        left(tmp_path, "contrast", model="resnet34", contrast="objects"),
        left(tmp_path, "ablate", model="resnet34", localizer="objects"),
        left(tmp_path, "ablate", model="resnet34", localizer="faces", job=0),  # when there were several
        left(tmp_path, "gather_outcomes", model="resnet34", outcomes="values/zero", localizer="faces"),
        left(tmp_path, "effects_of_values", model="resnet34", value="resample"),
        left(tmp_path, "report"),  # of the page before
        left(tmp_path, "pdf"),
    ]
    assert sorted(job.name for job in jobs(tmp_path, config, rules)) == sorted(present)
    assert len(jobs(tmp_path)) == len(present) + len(gone)
    # without benchmark-extended, nobody knows
    (tmp_path / "plain.jsonl").write_text('{"s": 1.0}')
    assert "plain" in [job.name for job in jobs(tmp_path, config, rules)]


def test_logs_count_that_have_a_job(tmp_path):
    for name in ("draw/faces", "draw/objects"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.log").write_text("machine: a node\n")
    assert machines(tmp_path) == {("a node", ""): 2}
    assert machines(tmp_path, {"draw/faces"}) == {("a node", ""): 1}


def test_the_sentence_adapts_to_what_was_measured(plain):
    said = spoken(resources.sentence(having(plain, jobs=JOBS)))
    assert said == (
        "The 4 jobs took together 24 s, 75 % of it in `ablate`; most memory, 1,234 MiB, was held in `ablate`."
    )
    assert spoken(resources.sentence(having(plain, jobs=JOBS[3:4]))) == "The one job took < 1 s."
    assert resources.sentence(having(plain, jobs=())) == "No job left a measurement of its time."
    assert "nan" not in resources.sentence(having(plain, jobs=JOBS[3:])).lower()


def test_machines_are_listed_and_counted(plain):
    assert resources.machines_told(plain) == ""
    one = having(plain, machines={("a laptop", ""): len(JOBS)}, jobs=JOBS)
    assert spoken(resources.machines_told(one)) == (
        f"By their logs, the {len(JOBS)} jobs ran on one machine, none with a graphics processor."
    )
    # some logs name none
    one = having(plain, machines={("a laptop", ""): 3}, jobs=JOBS)
    assert spoken(resources.machines_told(one)) == (
        "By the logs that name a machine, 3 jobs ran on one machine, none with a graphics processor."
    )
    several = having(plain, machines={("a laptop", ""): 1, ("a node", ""): 4, ("a node", "NVIDIA H100"): 2})
    assert spoken(resources.machines_told(several)) == (
        "By the logs that name a machine, 7 jobs ran on machines of 2 kinds, 2 of them with a graphics processor."
    )
    assert cells(resources.machines(several))[1:] == [
        ["a laptop", "–", "1"],
        ["a node", "–", "4"],
        ["a node", "NVIDIA H100", "2"],
    ]


def test_snakemake_is_among_the_software(plain):
    made = Artefact("a.nc", "A", "0", {"numpy": "2.1"}), Artefact("b.nc", "B", "1", {"numpy": "2.2"})
    rows = cells(resources.software(having(plain, artefacts=made, rules=RULES)))
    assert rows[1:] == [["numpy", "2.1, 2.2"], ["snakemake", "9.27.1"]]
    assert cells(resources.software(having(plain, artefacts=made)))[1:] == [["numpy", "2.1, 2.2"]]


def test_the_version_that_reruns_the_study_is_that_of_its_artefacts(plain):
    made = tuple(Artefact("a.nc", "A", "0", {"deeplocalizer": version}) for version in ("0.2", "0.1", "0.2"))
    assert resources.version(having(plain, artefacts=made)) == "DeepLocalizer 0.1 and 0.2"
    assert resources.version(having(plain, artefacts=())) == "DeepLocalizer"


def test_the_workflow_is_told(plain):
    assert spoken(resources.workflow(having(plain, rules=RULES))) == "2 rules in 2 stages make the study"
    assert resources.rules_described(having(plain, rules=RULES)).endswith("that all lead to ablate")


@pytest.mark.parametrize(
    ("layers", "edges", "said"),
    [
        (1, [], ""),
        (2, [], "None of them feeds another."),
        (3, [(0, 1), (1, 2)], "They form a chain."),
        (3, [(0, 1)], "They are linked by 1 connection."),
        (3, [(0, 1), (1, 2), (0, 2)],
         "They are linked by 3 connections: 1 layer feeds several others and 1 layer is fed by several others."),
        (4, [(0, 1), (0, 2), (1, 3)], "They are linked by 3 connections: 1 layer feeds several others."),
    ],
)  # fmt: skip
def test_connections_are_told(plain, layers, edges, said):
    model = connected(plain, layers, edges)
    assert spoken(connections.sentence(model)) == said
    assert connections.shown(model) == (layers > 1)
    assert "not drawn" not in connections.caption(model)


def test_connections_that_are_not_drawn_are_told(plain):
    every = [(a, b) for b in range(12) for a in range(b)]
    model = connected(plain, 12, every)
    assert "55 connections that bypass other layers are not drawn." in spoken(connections.caption(model))
    assert connections.described(model) == "12 boxes with the names of layers, joined by 11 arrows"


def connected(plain, layers, edges):
    """Take a model with other layers."""
    ends = np.array(edges, dtype=np.int64).reshape(-1, 2)
    made = xr.Dataset(
        {"module": ("layer", ["Conv2d"] * layers), "source": ("edge", ends[:, 0]), "target": ("edge", ends[:, 1])},
        coords={"layer": [f"conv{place}" for place in range(layers)]},
    )
    return dataclasses.replace(plain.models[0], architecture=made)
