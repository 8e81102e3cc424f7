"""Draw the effect sizes of all units beside those with shuffled labels."""

from deeplocalizer import store
from deeplocalizer.logging import log_to
from deeplocalizer.plots import drawing, nulls

with log_to(snakemake.log[0], snakemake.input, snakemake.output):
    result = nulls.draw(store.open(snakemake.input.nulls, "nulls"))
    drawing.save(result, snakemake.output, "Effect sizes of all units, beside shuffled labels")
