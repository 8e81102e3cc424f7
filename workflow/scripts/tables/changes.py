"""List the images that change their label."""

from deeplocalizer import changes, store
from deeplocalizer.logging import log_to

with log_to(snakemake.log[0]):
    found = store.open(snakemake.input.changes, "changes")
    changes.frames.stimuli(found).to_csv(snakemake.output[0], index=False)
