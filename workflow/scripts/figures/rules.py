"""Draw which rule needs the output of which."""

import json
from pathlib import Path

from deeplocalizer.logging import log_to
from deeplocalizer.plots import drawing, graph

with log_to(snakemake.log[0], snakemake.input, snakemake.output):
    result = graph.rules(json.loads(Path(snakemake.input.rules).read_text(encoding="utf-8")))
    drawing.save(result, snakemake.output, "Rules of the workflow, and which needs the output of which")
