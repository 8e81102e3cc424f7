from deeplocalizer.configuration import (
    ConfigurationError,
    load_schema,
    refuse_repeated,
    resolve,
)
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
    model="|".join(config["models"]),
    localizer="|".join(config["localizers"]),


# every output of a network stands for a label of a task; without tasks, for a category
LABELS = [label for labels in config["tasks"].values() for label in labels]
LABELS = LABELS or list(config["stimuli"]["categories"])
