"""Draw what the localizers select."""

from deeplocalizer import store
from deeplocalizer.logging import log_to
from deeplocalizer.plots import drawing, masks

with log_to(snakemake.log[0], snakemake.input, snakemake.output):
    result = masks.draw(store.open(snakemake.input.masks, "masks"))
    drawing.save(result, snakemake.output, "Share of each layer that every localizer selects")
