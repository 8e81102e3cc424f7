"""Draw the images that drive the best units most and least."""

from deeplocalizer import store
from deeplocalizer.logging import log_to
from deeplocalizer.plots import drawing, extremes, stimuli

with log_to(snakemake.log[0]):
    hidden = stimuli.withheld(snakemake.params.categories, snakemake.params.identifiable)
    found = store.open(snakemake.input.extremes, "extremes")
    result = extremes.draw(found, store.open(snakemake.input.stimuli, "stimuli"), hidden)
    drawing.save(result, snakemake.output, "Images that drive the units with the strongest preferences most and least")
