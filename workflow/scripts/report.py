"""Render the report of a study to one page or to a PDF."""

import json
import os
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from deeplocalizer import whole
from deeplocalizer.logging import log_to
from deeplocalizer.rendering import render
from deeplocalizer.report import lineage, loading


def describe(folder: Path) -> dict:
    """Say where the artefacts of the study are, from a folder: the same in whatever folder the workflow runs."""
    models = {Path(path).parent.name: {"model": path} for path in snakemake.input.models}
    for path in map(Path, snakemake.input.artefacts):
        models[path.parent.name][path.stem] = str(path)
    for path in map(Path, snakemake.input.get("robustness", [])):
        models[path.parent.name][path.stem] = str(path)
    for path in map(Path, snakemake.input.get("values", [])):
        models[path.parents[1].name].setdefault("values", []).append(str(path))
    for path in map(Path, snakemake.input.outcomes):
        models[path.parents[1].name].setdefault("outcomes", []).append(str(path))
    figures = {Path(path).stem: path for path in snakemake.input.overview}
    figures |= {f"{Path(path).parents[1].name}/{Path(path).stem}": path for path in snakemake.input.figures}
    return {
        "config": snakemake.params.config,
        "root": os.path.relpath(Path.cwd(), folder),
        "drawn": {Path(path).stem: path for path in snakemake.input.drawn},
        "stimuli": snakemake.input.stimuli,
        "models": models,
        "replicates": {Path(path).stem: path for path in snakemake.input.get("replicates", [])},
        "figures": figures,
        "benchmarks": snakemake.params.benchmarks,
        "logs": snakemake.params.logs,
        "rules": snakemake.input.rules,
    }


def gather(figures: dict[str, str], folder: Path) -> None:
    """Copy the figures to where the document has them."""
    for name, path in figures.items():
        destination = folder / f"{name}.svg"
        destination.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, destination)


with log_to(snakemake.log[0], snakemake.input, snakemake.output) as log, TemporaryDirectory() as temporary:
    output = Path(snakemake.output[0])
    # the PDF needs no description that lasts: that of the page says the same
    description = Path(snakemake.output.get("description", Path(temporary, "study.json"))).resolve()
    lineage.related(path for path in snakemake.input if path.endswith(".nc"))
    known = describe(description.parent)
    whole.write(json.dumps(known, indent=1, ensure_ascii=False) + "\n", description)
    gather(known["figures"], Path(temporary, "figures"))
    # the kernel of the report's cells must find the package, which need not be installed
    library = str(Path(loading.__file__).parents[2])
    found = os.pathsep.join(filter(None, [library, os.environ.get("PYTHONPATH")]))
    tables = snakemake.output.get("tables")
    renderer = render(
        Path(snakemake.params.document[0]),
        output,
        {loading.VARIABLE: str(description), "PYTHONPATH": found},
        [Path(path) for path in snakemake.params.look] + [Path(temporary, "figures")],
        None if tables is None else Path(tables),
    )
    log.info("the report was rendered by %s", renderer)
