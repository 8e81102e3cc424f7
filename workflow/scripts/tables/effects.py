"""List every effect of ablation."""

from deeplocalizer import store, summaries, whole
from deeplocalizer.logging import log_to

with log_to(snakemake.log[0], snakemake.input, snakemake.output):
    measured = store.open(snakemake.input.effects, "effects")
    whole.write(summaries.effect_table(measured).to_csv(index=False), snakemake.output[0])
