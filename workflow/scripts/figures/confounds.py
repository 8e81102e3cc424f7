"""Draw what may tell the categories apart besides what they show."""

from deeplocalizer import store
from deeplocalizer.logging import log_to
from deeplocalizer.plots import confounds, drawing

with log_to(snakemake.log[0], snakemake.input, snakemake.output):
    measured = store.open(snakemake.input.confounds, "confounds")
    result = confounds.draw(measured, measured)
    drawing.save(result, snakemake.output, "Luminance, contrast and spatial frequencies, by category")
