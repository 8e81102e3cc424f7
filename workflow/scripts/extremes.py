"""Find the stimuli that drive the best units most and least."""

from deeplocalizer import extremes, provenance, store
from deeplocalizer.logging import log_to

with (
    log_to(snakemake.log[0], snakemake.input, snakemake.output) as log,
    store.lazy(snakemake.input.contrast, "contrast") as contrasts,
    # what the contrasts were made of was checked then; here only some of it is read
    store.lazy(snakemake.input.activations, "activations", verify=False) as activations,
):
    parameters = dict(snakemake.params.items())
    result = extremes.find(activations, contrasts, parameters["contrasts"])
    for name, number in zip(parameters["contrasts"], result["unstored"].values, strict=True):
        if number:
            log.warning("%d of the best units under %s have no stored responses", number, name)
    title = "Stimuli that drive the best units most and least"
    sources = {"contrast": contrasts, "activations": activations}
    store.save(provenance.stamp(result, "extremes", title, parameters, sources), snakemake.output[0])
