"""List what each mask does to each category."""

from deeplocalizer import changes, store
from deeplocalizer.logging import log_to

with log_to(snakemake.log[0]):
    found = store.open(snakemake.input.changes, "changes")
    changes.frames.categories(found).to_csv(snakemake.output[0], index=False)
