"""Train a network on the tasks of the study, or leave it at its random initialisation."""

from deeplocalizer import store
from deeplocalizer.logging import log_to
from deeplocalizer.models import network, training

with log_to(snakemake.log[0]) as log:
    parameters = dict(snakemake.params.items())
    built = network.build(parameters["architecture"], parameters["labels"], parameters["seed"])
    if parameters["weights"] == "trained":
        inputs = store.open(snakemake.input.inputs, "inputs")
        splits = {name: inputs.isel(stimulus=(inputs["split"] == name).values) for name in ("train", "select")}
        training.train(built, splits["train"], parameters["tasks"], parameters["training"], parameters["seed"])
        for name, split in splits.items():
            log.info("balanced accuracy, %s split: %s", name, training.accuracy(built, split, parameters["tasks"]))
    network.save(built, snakemake.output[0], parameters)
