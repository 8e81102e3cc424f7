"""Draw the effects of more and fewer units."""

from deeplocalizer import store, summaries
from deeplocalizer.logging import log_to
from deeplocalizer.plots import curves, drawing

with log_to(snakemake.log[0], snakemake.input, snakemake.output):
    measured = store.open(snakemake.input.curves, "curves")
    outcome, _ = summaries.expectations(snakemake.params.tasks, snakemake.params.localizers)
    own = summaries.expected(snakemake.params.tasks, snakemake.params.localizers, snakemake.params.contrasts)
    result = curves.draw(measured, outcome, own)
    drawing.save(result, snakemake.output, "Harm by the share of units that are silenced, beside random masks")
