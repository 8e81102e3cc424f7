"""Measure what may tell the categories apart besides what they show."""

import xarray as xr

from deeplocalizer import confounds, provenance, store
from deeplocalizer.logging import log_to

with log_to(snakemake.log[0], snakemake.input, snakemake.output):
    parameters = dict(snakemake.params.items())
    with store.lazy(snakemake.input.inputs, "inputs") as inputs:
        measured = confounds.measure(inputs)
        result = xr.merge([measured, confounds.compare(measured, parameters["contrasts"])], compat="no_conflicts")
        title = "Luminance, contrast and spatial frequencies of the inputs, by stimulus and by contrast"
        store.save(provenance.stamp(result, "confounds", title, parameters, {"inputs": inputs}), snakemake.output[0])
