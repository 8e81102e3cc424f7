"""Run benchmarks, print their tables beside the targets, and keep them as JSON.

    python -m tests.benchmarks [--quick] [--into benchmarks/results] [forward memory store …]

All run by default; `--quick` takes small sizes, to see that they work.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from tests.benchmarks import (
    ablation,
    dag,
    forward,
    gpu,
    memory,
    moments,
    overhead,
    shards,
    statistics,
    store,
    tables,
    targets,
)

FULL: dict[str, Callable[[], list[tables.Row]]] = {
    "forward": forward.main,
    "memory": memory.main,
    "store": partial(store.main, ["--rounds", "1"]),
    "shards": shards.main,
    "moments": partial(moments.main, stimuli=1024, units=50_000, repeats=1),
    "statistics": statistics.main,
    "ablation": ablation.main,
    "gpu": gpu.main,
    "dag": dag.main,
    "overhead": overhead.main,
}
QUICK: dict[str, Callable[[], list[tables.Row]]] = {
    "forward": partial(forward.main, ("resnet18",), stimuli=4, side=64, batch=2, rounds=2),
    "memory": partial(memory.main, (8, 16), (16,), ("resnet18",), few=4, side=64, batch=4),
    "store": partial(store.main, ["--stimuli", "256", "--units", "2048", "--rounds", "1"]),
    "shards": partial(shards.main, (1, 2), stimuli=8, side=64, batch=4),
    "moments": partial(moments.main, stimuli=100, units=200, block_units=1000, repeats=1),
    "statistics": partial(statistics.main, 2000, 400, 200, masks=4, resamples=500, some=20, repeats=1),
    "ablation": partial(ablation.main, ("resnet18",), stimuli=4, side=64, masks=8, rounds=1),
    "gpu": partial(gpu.main, ("resnet18",), stimuli=256, side=64, sizes=(32, 64), rounds=2),
    "dag": partial(dag.main, ((1, 2, 2, 2),), rounds=1),
    "overhead": partial(
        overhead.main, ("results/paper/stimuli.nc", "results/paper/resnet34/architecture.nc"), rounds=1
    ),
}
BENCHMARKS = (forward, memory, store, shards, moments, statistics, ablation, gpu, dag, overhead)
ROOMS = {room.__name__.rpartition(".")[2]: room for room in BENCHMARKS}
PRINTED = {"store", "moments"}  # they print their tables themselves


def main(arguments: Sequence[str] | None = None) -> dict[str, list[tables.Row]]:
    """Run what is asked for; give the rows of each."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="benchmark", help=f"of {', '.join(FULL)}; all by default")
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that they work")
    parser.add_argument("--into", type=Path, default=Path("benchmarks/results"), help="folder of the JSON")
    asked = parser.parse_args(arguments)
    for name in asked.names:
        if name not in FULL:
            parser.error(f"there is no benchmark {name!r}; there are {', '.join(FULL)}")
    chosen = QUICK if asked.quick else FULL
    if asked.quick:
        print("Sizes are small: figures say whether benchmarks work, and nothing of the targets.")
    return {name: _run(name, chosen[name], asked.into) for name in asked.names or FULL}


def _run(name: str, benchmark: Callable[[], list[tables.Row]], folder: Path) -> list[tables.Row]:
    about = (ROOMS[name].__doc__ or "").splitlines()[0]
    print(f"\n{name}: {about}", flush=True)
    start = time.perf_counter()
    rows = benchmark()
    met = targets.claims(name, rows)
    if name not in PRINTED:
        print(tables.text(rows))
    if met:
        print(f"\n{tables.text(met)}")
    tables.keep(folder, name, rows, met)
    print(f"({time.perf_counter() - start:.0f} s, kept in {folder / name}.json)", flush=True)
    return rows


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # what other packages warn of is no concern of the figures
    main()
