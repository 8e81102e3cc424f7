"""List every unit with its contrasts and the masks that hold it."""

from deeplocalizer import store, summaries
from deeplocalizer.logging import log_to

with log_to(snakemake.log[0]):
    contrasts = store.open(snakemake.input.contrast, "contrast")
    masks = store.open(snakemake.input.masks, "masks")
    summaries.unit_table(contrasts, masks).to_csv(snakemake.output[0], index=False)
