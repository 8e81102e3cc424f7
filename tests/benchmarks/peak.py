"""Record into files in this process, and print its peak memory as JSON; `memory` starts it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch

from deeplocalizer import recording, store
from deeplocalizer.models.feeding import batches
from tests.benchmarks import made
from tests.benchmarks.used import peak

CPU = torch.device("cpu")
LAYERS = {"small": ["*"]}
BLOCKS = ["layer*.*"]


def main(network: str, stimuli: int, side: int, batch: int, what: str, folder: Path) -> dict[str, object]:
    """Record, or run the bare forward pass; give peaks in MB, and sizes."""
    torch.set_num_threads(1)
    model = made.Small() if network == "small" else made.resnet(network)
    start = peak()
    made.written(folder / "inputs.nc", stimuli, side)
    with store.lazy(folder / "inputs.nc", "inputs") as inputs:
        if what == "bare":
            with torch.inference_mode():
                for _, images in batches(inputs, batch, CPU):
                    model(images)
            units = 0
        else:
            keep = ["position"] if what == "store" else []
            prepared = recording.prepare(model, LAYERS.get(network, BLOCKS), inputs, ["position"], batch, CPU, keep)
            recording.record_to(prepared, folder / "activations.nc", folder / "moments.nc", made.stamp)
            units = prepared.book.table.sizes["unit"]
    written = sum(path.stat().st_size for path in folder.glob("*.nc"))
    return {
        "what": what,
        "units": units,
        "files_MB": written / 1e6,
        "start_MB": start,
        "peak_MB": peak(),
        "more_MB": peak() - start,
    }


if __name__ == "__main__":
    name, *numbers, kind, place = sys.argv[1:]
    print(json.dumps(main(name, *map(int, numbers), kind, Path(place))))
