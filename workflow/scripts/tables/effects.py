"""List every effect of ablation."""

from deeplocalizer import store, summaries
from deeplocalizer.logging import log_to

with log_to(snakemake.log[0]):
    measured = store.open(snakemake.input.effects, "effects")
    summaries.effect_table(measured).to_csv(snakemake.output[0], index=False)
