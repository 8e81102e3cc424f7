"""Draw the images that change their label, with the label before and after."""

from deeplocalizer import store
from deeplocalizer.logging import log_to
from deeplocalizer.plots import changes, drawing, stimuli

with log_to(snakemake.log[0]):
    hidden = stimuli.withheld(snakemake.params.categories, snakemake.params.identifiable)
    found = store.open(snakemake.input.changes, "changes")
    result = changes.draw(found, store.open(snakemake.input.stimuli, "stimuli"), hidden)
    drawing.save(result, snakemake.output, "Images whose label changes, with the label before and after")
