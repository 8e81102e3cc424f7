"""Draw the harm to each task by each mask."""

from deeplocalizer import store, summaries
from deeplocalizer.logging import log_to
from deeplocalizer.plots import dissociation, drawing

with log_to(snakemake.log[0], snakemake.input, snakemake.output):
    measured = store.open(snakemake.input.effects, "effects")
    outcome, _ = summaries.expectations(snakemake.params.tasks, snakemake.params.localizers)
    own = summaries.expected(snakemake.params.tasks, snakemake.params.localizers, snakemake.params.contrasts)
    result = dissociation.draw(measured, outcome, own)
    what = "Harm to each task by" if outcome == "correct" else "Decisions of each category changed by"
    drawing.save(result, snakemake.output, f"{what} each mask")
