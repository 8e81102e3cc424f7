"""Draw how the recorded layers of a network are connected."""

from deeplocalizer import store
from deeplocalizer.logging import log_to
from deeplocalizer.plots import drawing, graph

with log_to(snakemake.log[0], snakemake.input, snakemake.output):
    result = graph.layers(store.open(snakemake.input.architecture, "architecture"))
    drawing.save(result, snakemake.output, "Recorded layers, and how they are connected")
