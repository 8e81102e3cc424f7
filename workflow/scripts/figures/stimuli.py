"""Draw samples of every category in every split."""

from deeplocalizer import store
from deeplocalizer.logging import log_to
from deeplocalizer.plots import drawing, stimuli
from deeplocalizer.stimuli import people

with log_to(snakemake.log[0], snakemake.input, snakemake.output):
    categories = snakemake.params.categories
    shown = store.open(snakemake.input.stimuli, "stimuli")
    sources = zip(shown["category"].values, shown["source"].values, strict=True)
    hidden = people.withheld(categories, snakemake.params.identifiable, sources)
    result = stimuli.draw(shown, list(categories), hidden)
    drawing.save(result, snakemake.output, "Samples of the stimuli, by category and split")
