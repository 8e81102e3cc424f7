"""Draw samples of every category in every split."""

from deeplocalizer import store
from deeplocalizer.logging import log_to
from deeplocalizer.plots import drawing, stimuli

with log_to(snakemake.log[0]):
    categories = snakemake.params.categories
    hidden = stimuli.withheld(categories, snakemake.params.identifiable)
    result = stimuli.draw(store.open(snakemake.input.stimuli, "stimuli"), list(categories), hidden)
    drawing.save(result, snakemake.output, "Samples of the stimuli, by category and split")
