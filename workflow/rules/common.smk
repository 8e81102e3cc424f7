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
    job="[0-9]+",
    outcomes="outcomes|series|values/(zero|mean|resample)",
    value="zero|mean|resample",
    replicates="|".join(config["replicates"]) or "none",


# how many jobs share the work is no part of the result
RECORDING = {
    key: value for key, value in config["recording"].items() if key != "shards"
}

ABLATION = config["ablation"]
INFERENCE = config["inference"]


def settings_of(section, *keys):
    """Take some keys of a section: a change of the others is none of the rule's business."""
    return {key: section[key] for key in keys}


DRAWN = settings_of(ABLATION, "matching", "bins")
SILENCED = settings_of(ABLATION, "value", "mean", "background", "batch_size", "keep")
TESTED = INFERENCE | settings_of(ABLATION, "matching")
SERIES = any(ABLATION[key] for key in ("fractions", "keep", "layers"))

# a mean map has a value for every position, of which the means may not have been recorded
VALUES = {ABLATION["value"], *ABLATION["values"]}
VALUES |= {"keep"} if ABLATION["keep"] else set()
VALUES |= {ABLATION["background"]} if "keep" in VALUES else set()
MAPPED = ABLATION["mean"] == "map" and "mean" in VALUES
MAPS = MAPPED and "position" not in config["recording"]["reductions"]

# models whose central results are also looked at under other conditions; an untrained twin is such a condition itself
TWINS = {model.get("untrained") for model in config["models"].values()}
ROBUST = [
    name
    for name, model in config["models"].items()
    if name not in TWINS
    and (
        ABLATION["values"]
        or model.get("untrained")
        or any(name in group for group in config["replicates"].values())
    )
]

# what decides which rules a study has: all sections but those that no rule is there or not there for
RULELESS = ["seed", "downloads", "stimuli", "tasks", "contrasts", "localizers"]
RULELESS += ["dissociations", "inference", "report"]
DECIDING = {key: part for key, part in config.items() if key not in RULELESS}

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


def twin_of(wildcards):
    """Name the contrasts of a model's untrained twin, where its localizers give control masks."""
    twin = config["models"][wildcards.model].get("untrained")
    wanted = twin and "untrained" in ABLATION["compare"]
    return f"results/{wildcards.study}/{twin}/contrast.nc" if wanted else []


def effects_of(wildcards):
    """Name the effects of the models that replicate one another."""
    return [
        f"results/{wildcards.study}/{model}/effects.nc"
        for model in config["replicates"][wildcards.replicates]
    ]


def effects_of_twin(wildcards):
    """Name the effects of a model's untrained twin, if it has one."""
    twin = config["models"][wildcards.model].get("untrained")
    return [f"results/{wildcards.study}/{twin}/effects.nc"] if twin else []


def groups_of(wildcards):
    """Name the groups of replicates that a model is one of."""
    return [
        name for name, group in config["replicates"].items() if wildcards.model in group
    ]


def replicates_of(wildcards):
    """Name the effects over the models that replicate a model."""
    return [
        f"results/{wildcards.study}/replicates/{name}.nc"
        for name in groups_of(wildcards)
    ]


def interpreter(wildcards, threads):
    """Name the Python that runs Snakemake; as it takes threads, where it lies is no reason to run again."""
    return sys.executable


def told_of_table(wildcards):
    """Say whose table of the report it is, and which; with one model its label does not name it."""
    name = wildcards.table.removeprefix("tbl-")
    owner = max(
        (model for model in config["models"] if name.endswith(f"-{model}")),
        key=len,
        default="all",
    )
    shown = name.removesuffix(f"-{owner}").replace("-", " ")
    return {"model": owner, "shows": f"table of {shown}"}
