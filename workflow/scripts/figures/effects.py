"""Draw each task intact, without the units of each localizer, and without random units."""

from deeplocalizer import store, summaries
from deeplocalizer.logging import log_to
from deeplocalizer.plots import drawing, effects

with log_to(snakemake.log[0], snakemake.input, snakemake.output):
    measured = store.open(snakemake.input.effects, "effects")
    outcome, _ = summaries.expectations(snakemake.params.tasks, snakemake.params.localizers)
    own = summaries.expected(snakemake.params.tasks, snakemake.params.localizers, snakemake.params.contrasts)
    result = effects.draw(measured, outcome, own)
    what = "Performance" if outcome == "correct" else "Decisions kept"
    drawing.save(result, snakemake.output, f"{what} intact, ablated, and without random units")
