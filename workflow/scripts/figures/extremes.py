"""Draw the images that drive the best units most and least."""

from deeplocalizer import store
from deeplocalizer.logging import log_to
from deeplocalizer.plots import drawing, extremes
from deeplocalizer.stimuli import people

with log_to(snakemake.log[0], snakemake.input, snakemake.output):
    stimuli = store.open(snakemake.input.stimuli, "stimuli")
    sources = zip(stimuli["category"].values, stimuli["source"].values, strict=True)
    hidden = people.withheld(snakemake.params.categories, snakemake.params.identifiable, sources)
    found = store.open(snakemake.input.extremes, "extremes")
    result = extremes.draw(found, stimuli, hidden)
    drawing.save(result, snakemake.output, "Images that drive the units with the strongest preferences most and least")
