"""A room imports only from floors below it, and rooms of numbers never load torch."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "deeplocalizer"
FLOORS = [
    {
        "_version",
        "allocation",
        "clocks",
        "caching",
        "configuration",
        "downloads",
        "hardware",
        "hooks",
        "hub",
        "layouts",
        "joining",
        "leftovers",
        "logging",
        "multiplicity",
        "progress",
        "provenance",
        "ranks",
        "reach",
        "seeding",
        "store",
        "tails",
        "turns",
        "units",
        "unwritable",
        "vocabulary",
        "whole",
    },
    {"course", "heads", "inputs", "leaf", "models", "outcomes", "stimuli"},
    {
        "architecture",
        "confounds",
        "contrast",
        "effects",
        "gathering",
        "inference",
        "intervention",
        "masks",
        "moments",
        "readout",
        "recorded",
        "recording",
        "tracing",
        "validation",
    },
    {
        "ablation",
        "changes",
        "curves",
        "extremes",
        "nulls",
        "reliability",
        "rendering",
        "replicates",
        "robustness",
        "summaries",
    },
    {"brainio", "estimate", "frames", "plots", "report", "torch_frames"},
]
TORCH = {
    "architecture",
    "ablation",
    "estimate",
    "hooks",
    "intervention",
    "layouts",
    "leaf",
    "models",
    "recording",
    "torch_frames",
    "tracing",
    "validation",
}


def rooms():
    return sorted(
        {path.relative_to(SOURCE).parts[0].removesuffix(".py") for path in SOURCE.rglob("*.py")} - {"__init__"}
    )


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "deeplocalizer":
            parts = (node.module or "").split(".")[1:]
            yield from [parts[0]] if parts else [alias.name for alias in node.names]


def test_every_room_has_a_floor():
    assert sorted(room for floor in FLOORS for room in floor) == rooms()


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda p: str(p.relative_to(SOURCE)))
def test_imports_never_point_up(path):
    room = path.relative_to(SOURCE).parts[0].removesuffix(".py")
    if room == "__init__":
        return
    level = {name: number for number, floor in enumerate(FLOORS) for name in floor}
    for other in imported(path):
        assert level[other] <= level[room], f"{path.name} imports {other}, a floor above"


@pytest.mark.parametrize("room", sorted(set(rooms()) - TORCH))
def test_rooms_of_numbers_do_not_load_torch(room):
    modules = [
        "deeplocalizer." + ".".join(path.relative_to(SOURCE).with_suffix("").parts)
        for path in sorted(SOURCE.rglob("*.py"))
        if path.relative_to(SOURCE).parts[0].removesuffix(".py") == room and path.stem not in ("__main__",)
    ]
    code = f"import sys, importlib; [importlib.import_module(m) for m in {modules!r}]; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0, f"{room} loads torch"


def test_the_inputs_script_does_not_load_torch():
    code = "import sys; from deeplocalizer.models.catalogue import architecture; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
