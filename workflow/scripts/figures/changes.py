"""Draw the images that change their label, with the label before and after."""

from deeplocalizer import store
from deeplocalizer.logging import log_to
from deeplocalizer.plots import changes, drawing
from deeplocalizer.stimuli import people

with log_to(snakemake.log[0], snakemake.input, snakemake.output):
    stimuli = store.open(snakemake.input.stimuli, "stimuli")
    sources = zip(stimuli["category"].values, stimuli["source"].values, strict=True)
    hidden = people.withheld(snakemake.params.categories, snakemake.params.identifiable, sources)
    found = store.open(snakemake.input.changes, "changes")
    result = changes.draw(found, stimuli, hidden)
    drawing.save(result, snakemake.output, "Images whose label changes, with the label before and after")
