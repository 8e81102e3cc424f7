"""Put the central results of a model together as they are under every condition that the study tries."""

from deeplocalizer import provenance, robustness, store, summaries
from deeplocalizer.logging import log_to
from deeplocalizer.robustness import Variant

with log_to(snakemake.log[0], snakemake.input, snakemake.output):
    parameters = dict(snakemake.params.items())
    main = store.open(snakemake.input.effects, "effects")
    variants = [Variant("main", parameters["value"], main)]
    for kind, names in (("value", parameters["values"]), ("replicates", parameters["groups"])):
        paths = snakemake.input["values" if kind == "value" else kind]
        artefact = "effects" if kind == "value" else kind
        variants += [Variant(kind, name, store.open(path, artefact)) for name, path in zip(names, paths, strict=True)]
    if parameters["untrained"]:
        variants.append(Variant("twin", parameters["untrained"], store.open(snakemake.input.twin[0], "effects")))
    asked = robustness.central(*(parameters[key] for key in ("tasks", "localizers", "contrasts", "dissociations")))
    outcome, _ = summaries.expectations(parameters["tasks"], parameters["localizers"])
    result = robustness.table(variants, asked, outcome)
    title = "Central results under other conditions"
    # the study as it is comes last, so that whose weights these are is read off it
    sources = {one.label: one.effects for one in reversed(variants)}
    store.save(provenance.stamp(result, "robustness", title, parameters, sources), snakemake.output[0])
