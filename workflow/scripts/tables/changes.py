"""List the images that change their label."""

from deeplocalizer import changes, store, whole
from deeplocalizer.logging import log_to

with log_to(snakemake.log[0], snakemake.input, snakemake.output):
    found = store.open(snakemake.input.changes, "changes")
    whole.write(changes.frames.stimuli(found).to_csv(index=False), snakemake.output[0])
