"""Draw the preference of every unit, by layer."""

from deeplocalizer import store
from deeplocalizer.logging import log_to
from deeplocalizer.plots import drawing, selectivity

with log_to(snakemake.log[0], snakemake.input, snakemake.output):
    contrasts = store.open(snakemake.input.contrast, "contrast")
    result = selectivity.draw(contrasts, snakemake.params.alpha)
    drawing.save(result, snakemake.output, "Cohen's d of every unit, by contrast and layer")
