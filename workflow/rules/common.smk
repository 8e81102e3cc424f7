from deeplocalizer.configuration import (
    ConfigurationError,
    load_schema,
    refuse_repeated,
    resolve,
)
from deeplocalizer.configuration import own
from deeplocalizer.models.specification import local_files
from snakemake.exceptions import WorkflowError

try:
    for path in workflow.configfiles:
        refuse_repeated(path)
    config.update(
        resolve(
            config,
            load_schema(Path(workflow.basedir) / "workflow/schemas/config.schema.yaml"),
        )
    )
except ConfigurationError as error:
    raise WorkflowError(str(error)) from None


wildcard_constraints:
    study=config["study"],
    category="|".join(config["stimuli"]["categories"]),
    model="|".join(config["models"]),
    localizer="|".join(config["localizers"]),
    shard="[0-9]+",


# how many jobs share the work is no part of the result
RECORDING = {
    key: value for key, value in config["recording"].items() if key != "shards"
}

# every output of a network stands for a label of a task; without tasks, for a category
LABELS = [label for labels in config["tasks"].values() for label in labels]
LABELS = LABELS or list(config["stimuli"]["categories"])


def table_of(wildcards):
    """Name the table that a category is read from, if it is."""
    return own.of_category(config["stimuli"]["categories"][wildcards.category])


def listing_of(wildcards):
    """Fingerprint the folders that a category is read from: more images are other stimuli."""
    return own.listing(config["stimuli"]["categories"][wildcards.category])


def files_of(wildcards):
    """Name the researcher's own files that a model is made of."""
    return local_files(config["models"][wildcards.model])


def weights_of(wildcards):
    """Name the file that the weights of a model are in, if they are in one."""
    return own.weights(config["models"][wildcards.model])


def learnt_from(wildcards):
    """Name what a model is trained on, if it is."""
    trained = config["models"][wildcards.model]["weights"] == "trained"
    return f"results/{wildcards.study}/{wildcards.model}/inputs.nc" if trained else []
