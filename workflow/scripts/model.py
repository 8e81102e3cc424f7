"""Find out what a model is, from its library, before anything else is done with it."""

from deeplocalizer.logging import log_to
from deeplocalizer.models import specification
from deeplocalizer.models.description import describe

with log_to(snakemake.log[0]):
    specification.write(describe(**dict(snakemake.params.items())), snakemake.output[0])
