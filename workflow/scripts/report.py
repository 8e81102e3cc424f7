"""Render the report of a study to one page."""

import json
import os
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from deeplocalizer.logging import log_to
from deeplocalizer.report import render, study


def describe() -> dict:
    """Say where the artefacts of the study are, from the folder in which the workflow runs."""
    models = {Path(path).parent.name: {"model": path} for path in snakemake.input.models}
    for path in map(Path, snakemake.input.artefacts):
        models[path.parent.name][path.stem] = str(path)
    for path in map(Path, snakemake.input.outcomes):
        models[path.parents[1].name].setdefault("outcomes", []).append(str(path))
    return {
        "config": snakemake.params.config,
        "root": str(Path.cwd()),
        "drawn": {Path(path).stem: path for path in snakemake.input.drawn},
        "stimuli": snakemake.input.stimuli,
        "models": models,
        "replicates": {Path(path).stem: path for path in snakemake.input.get("replicates", [])},
        "benchmarks": snakemake.params.benchmarks,
    }


with log_to(snakemake.log[0]) as log, TemporaryDirectory() as temporary:
    description, figures = Path(temporary, "study.json"), Path(temporary, "figures")
    description.write_text(json.dumps(describe()))
    figures.mkdir()
    shutil.copy(snakemake.input.overview, figures)
    for path in map(Path, snakemake.input.figures):
        (figures / path.parents[1].name).mkdir(exist_ok=True)
        shutil.copy(path, figures / path.parents[1].name)
    # the kernel of the report's cells must find the package, which need not be installed
    library = str(Path(study.__file__).parents[2])
    found = os.pathsep.join(filter(None, [library, os.environ.get("PYTHONPATH")]))
    renderer = render(
        Path(snakemake.input.document),
        Path(snakemake.output[0]),
        {study.VARIABLE: str(description), "PYTHONPATH": found},
        [Path(snakemake.input.style), Path(snakemake.input.bibliography), figures],
    )
    log.info("the report was rendered by %s", renderer)
