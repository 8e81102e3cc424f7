"""Get the weights of a model: the library's, a file's, random ones, or trained on the tasks of the study."""

from deeplocalizer import store
from deeplocalizer.logging import log_to
from deeplocalizer.models import network, specification, training, weights

with log_to(snakemake.log[0], snakemake.input, snakemake.output) as log:
    parameters = dict(snakemake.params.items())
    del parameters["listing"]  # which only says when to get them anew
    del parameters["shared"]  # which is no part of the result
    downloads = snakemake.config["downloads"]  # where things lie does not change what they are
    model = specification.read(snakemake.input.model)
    made = weights.obtain(model, parameters["weights"], parameters["seed"] or 0, downloads)
    if parameters["weights"] == "trained":
        inputs = store.open(snakemake.input.inputs, "inputs")
        splits = {name: inputs.isel(stimulus=(inputs["split"] == name).values) for name in ("train", "select")}
        learning = parameters["learning"]
        training.train(made, splits["train"], learning["tasks"], learning["training"], parameters["seed"])
        for name, split in splits.items():
            log.info("balanced accuracy, %s split: %s", name, training.accuracy(made, split, learning["tasks"]))
    network.save(made, snakemake.output[0], parameters)
