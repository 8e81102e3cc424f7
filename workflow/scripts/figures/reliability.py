"""Draw how well halves of the stimuli agree about units."""

from deeplocalizer import store
from deeplocalizer.logging import log_to
from deeplocalizer.plots import drawing, reliability

with log_to(snakemake.log[0], snakemake.input, snakemake.output):
    result = reliability.draw(store.open(snakemake.input.reliability, "reliability"))
    drawing.save(result, snakemake.output, "Agreement of halves of the stimuli, beside shuffled labels")
