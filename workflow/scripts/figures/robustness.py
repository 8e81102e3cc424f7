"""Draw the central results of a model under other conditions."""

from deeplocalizer import store
from deeplocalizer.logging import log_to
from deeplocalizer.plots import drawing, robustness

with log_to(snakemake.log[0], snakemake.input, snakemake.output):
    table = store.open(snakemake.input.robustness, "robustness")
    what = "Central results as they are and under other conditions, beside random masks"
    drawing.save(robustness.draw(table), snakemake.output, what)
