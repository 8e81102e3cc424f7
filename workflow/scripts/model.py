"""Find out what a model is, from its library, before anything else is done with it."""

from deeplocalizer.logging import log_to
from deeplocalizer.models import specification
from deeplocalizer.models.description import describe

with log_to(snakemake.log[0], snakemake.input, snakemake.output):
    parameters = dict(snakemake.params.items())
    del parameters["listing"]  # which only says when to look anew
    del parameters["shared"]  # which is no part of the result
    specification.write(describe(**parameters, downloads=snakemake.config["downloads"]), snakemake.output[0])
