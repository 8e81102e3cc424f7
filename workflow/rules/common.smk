import os

from deeplocalizer.configuration import (
    ConfigurationError,
    load_schema,
    refuse_repeated,
    resolve,
)
from deeplocalizer.configuration import networks, own, sources
from deeplocalizer import caching
from deeplocalizer.models.specification import local_files
from snakemake.exceptions import WorkflowError

# with --cache, studies share stimuli, weights and recordings
CACHING = workflow.workflow_settings.cache is not None
SHARED = "all" if CACHING else False

try:
    for path in workflow.configfiles:
        refuse_repeated(path)
    resolved = resolve(
        config,
        load_schema(Path(workflow.basedir) / "workflow/schemas/config.schema.yaml"),
    )
    config.clear()  # its sections are in the order of the schema, too
    config.update(resolved)
    if CACHING:
        caching.refuse_folder(os.environ)
except (ConfigurationError, caching.LocationError) as error:
    raise WorkflowError(str(error)) from None


wildcard_constraints:
    study=config["study"],
    category="|".join(config["stimuli"]["categories"]),
    model="|".join(config["models"]),
    contrast="|".join(config["contrasts"]),
    localizer="|".join(config["localizers"]),
    shard="[0-9]+",
    job="[0-9]+",
    outcomes="outcomes|series|values/(zero|mean|resample)",
    value="zero|mean|resample",
    replicates="|".join(config["replicates"]) or "none",


# how many jobs share the work is no part of the result, nor is whether it is checked
RECORDING = {
    key: value
    for key, value in config["recording"].items()
    if key not in ("shards", "validate")
}

MASKED = "results/{study}/{model}"
ABLATION = config["ablation"]
INFERENCE = config["inference"]


def settings_of(section, *keys):
    """Take some keys of a section: a change of the others is none of the rule's business."""
    return {key: section[key] for key in keys}


# the task that ablation is expected to harm does not decide on the mask
CHOSEN = {
    name: {key: value for key, value in localizer.items() if key != "task"}
    for name, localizer in config["localizers"].items()
}
DRAWN = settings_of(ABLATION, "matching", "bins")
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


def silencing(*values):
    """Take what decides how units are silenced by some values."""
    taken = settings_of(ABLATION, "value", "batch_size")
    if "keep" in values:
        taken |= settings_of(ABLATION, "background")
        values = (*values, ABLATION["background"])
    return taken | (settings_of(ABLATION, "mean") if "mean" in values else {})


# those of the series: what is left when a mask is kept is replaced by the background
SERIAL = [ABLATION["value"], "keep"] if ABLATION["keep"] else [ABLATION["value"]]


def maps_for(*values):
    """Name the mean maps where some values need them."""
    wanted = silencing(*values).get("mean") == "map"
    return "results/{study}/{model}/maps.nc" if MAPS and wanted else []


# what units respond to is shown of stimuli that did not choose them, where responses are stored
STORED = config["recording"].get("responses")
if STORED is None:
    STORED = [name for name in config["recording"]["reductions"] if name != "position"]
SHOWN = bool(STORED) and bool({"select", "test"} & set(config["recording"]["splits"]))

# what decides which rules a study has, and which of them needs which
DECIDING = {
    "trained": any(
        model["weights"] == "trained" for model in config["models"].values()
    ),
    "validated": config["recording"]["validate"],
    "scattered": config["recording"]["shards"] > 1,
    "shown": SHOWN,
    "read": bool(config["readouts"]),
    "mapped": MAPS,
    "series": SERIES,
    "shared": ABLATION["jobs"] > 1,
    "values": bool(ABLATION["values"]),
    "replicates": bool(config["replicates"]),
    "robust": bool(ROBUST),
    "replicated": any(
        name in group for group in config["replicates"].values() for name in ROBUST
    ),
}

# every output of a network stands for a label of a task; without tasks, for a category
LABELS = [label for labels in config["tasks"].values() for label in labels]
LABELS = LABELS or list(config["stimuli"]["categories"])


def of_model(key, *default):
    """Look up a key of a model; `lookup` goes through all that it is given, for every job."""

    def found(wildcards):
        model = config["models"][wildcards.model]
        return model.get(key, *default) if default else model[key]

    return found


def contrast_of(wildcards):
    """Name the contrast of a localizer."""
    return config["localizers"][wildcards.localizer]["contrast"]


def sides_of(wildcards):
    """Give the sides of a contrast, or of that of a localizer: the others are none of its business."""
    name = wildcards.get("contrast") or contrast_of(wildcards)
    return {name: config["contrasts"][name]}


def contrasted(wildcards):
    """Name the contrast of a localizer in a model."""
    return f"{MASKED.format_map(wildcards)}/contrasts/{contrast_of(wildcards)}.nc"


def choosing(wildcards):
    """Give what a localizer chooses units by."""
    return {wildcards.localizer: CHOSEN[wildcards.localizer]}


def told(script, ordered=(), accelerated=False):
    """Tell Snakemake's cache what it does not know; as this takes threads, it is no reason to run again."""

    def tell(wildcards, threads):
        if not CACHING:
            return ""
        base = Path(workflow.basedir)
        return caching.key(
            base / f"workflow/scripts/{script}.py",
            base / "src/deeplocalizer",
            dict(wildcards),
            ordered,
            installed=not workflow.deployment_settings.deployment_method,
            accelerated=accelerated,
        )

    return tell


def table_of(wildcards):
    """Name the table that a category is read from, if it is."""
    return own.of_category(config["stimuli"]["categories"][wildcards.category])


def listing_of(wildcards):
    """Fingerprint the folders that a category is read from: more images are other stimuli."""
    return own.listing(config["stimuli"]["categories"][wildcards.category])


def splits_of(wildcards):
    """Give the shares of the splits where a category is drawn by them."""
    category = config["stimuli"]["categories"][wildcards.category]
    return config["stimuli"]["splits"] if sources.dealt(category) else {}


def labels_of(wildcards):
    """Give the labels of the outputs of a model, if it has no outputs of its own."""
    architecture = config["models"][wildcards.model]["architecture"]
    return LABELS if architecture in networks.OWN else []


def files_of(wildcards):
    """Name the researcher's own files that a model is made of."""
    return local_files(config["models"][wildcards.model])


def weights_of(wildcards):
    """Name the file that the weights of a model are in, if they are in one."""
    return own.weights(config["models"][wildcards.model])


def states_of(wildcards):
    """Fingerprint a model's own files: one may be put in the place of a newer one."""
    return own.states([*files_of(wildcards), *weights_of(wildcards)])


def learning_of(wildcards):
    """Give what decides on how a model is trained, if it is."""
    model = config["models"][wildcards.model]
    settings = {"training": model["training"], "tasks": config["tasks"]}
    return settings if model["weights"] == "trained" else {}


def seed_of(wildcards):
    """Give the seed of the weights of a model, if they were not made elsewhere."""
    model = config["models"][wildcards.model]
    made = set(networks.WEIGHTS) - {"pretrained"}
    return model.get("seed", config["seed"]) if model["weights"] in made else None


def learnt_from(wildcards):
    """Name what a model is trained on, if it is."""
    trained = config["models"][wildcards.model]["weights"] == "trained"
    return f"results/{wildcards.study}/{wildcards.model}/inputs.nc" if trained else []


def twin_of(wildcards):
    """Name the contrast of a localizer in a model's untrained twin, where it gives control masks."""
    twin = config["models"][wildcards.model].get("untrained")
    wanted = twin and "untrained" in ABLATION["compare"]
    name = contrast_of(wildcards)
    return f"results/{wildcards.study}/{twin}/contrasts/{name}.nc" if wanted else []


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


def place_of(*paths):
    """Name files of the workflow; as this takes threads, where they lie is no reason to run again."""

    def places(wildcards, threads):
        return [str(path) for path in paths]

    return places


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
