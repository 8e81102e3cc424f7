"""List the units with their contrasts and the masks that hold them."""

from deeplocalizer import store, summaries, whole
from deeplocalizer.logging import log_to

with log_to(snakemake.log[0], snakemake.input, snakemake.output) as log:
    contrasts = store.open(snakemake.input.contrast, "contrast")
    masks = store.open(snakemake.input.masks, "masks")
    members = summaries.to_be_listed(contrasts, masks)
    for name, rows in members.items():
        log.info("listing %d of %d units under %s", len(rows), contrasts.sizes["unit"], name)
    whole.write(summaries.unit_table(contrasts, masks, members).to_csv(index=False), snakemake.output[0])
