"""Put the outcomes of several jobs together: the artefact is that of one job."""

from deeplocalizer import outcomes, store
from deeplocalizer.logging import log_to

with log_to(snakemake.log[0], snakemake.input, snakemake.output):
    parts = [store.open(path, "outcomes") for path in snakemake.input]
    store.save(outcomes.gather(parts).assign_attrs(parts[0].attrs), snakemake.output[0])
