import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.utils import min_version

min_version("9.20")

# Snakemake hands this path on to every script: its environment need not have the package installed
sys.path.insert(0, str(Path(workflow.basedir) / "src"))

# Snakemake merges a --configfile into the one named here: named only without one, keys never leak
if not workflow.configfiles:

    configfile: "config/config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/stimuli.smk"
include: "workflow/rules/model.smk"
include: "workflow/rules/record.smk"
include: "workflow/rules/localize.smk"
include: "workflow/rules/ablate.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/report.smk"


# Snakemake refuses to share the artefacts of a rule that has a benchmark
if CACHING:
    for each in workflow.rules:
        if each.cache.output:
            each._benchmark = None


rule all:
    default_target: True
    input:
        report=f"results/{config['study']}/report.html",


# what needs a network, and nothing else: run it where there is one, the rest anywhere
rule fetch:
    input:
        expand(
            "results/{study}/drawn/{category}.nc",
            study=config["study"],
            category=config["stimuli"]["categories"],
        ),
        expand(
            "results/{study}/{model}/weights.safetensors",
            study=config["study"],
            model=[
                name
                for name, model in config["models"].items()
                if model["weights"] != "trained"
            ],
        ),


# the lock of a killed Snakemake goes with --unlock; its jobs do not
onstart:
    from deeplocalizer.leftovers import refusal

    sections = (
        config["stimuli"]["categories"],
        config["models"],
        config["replicates"],
    )
    parts = [name for section in sections for name in section]
    if left := refusal(Path.cwd(), config["study"], parts):
        raise WorkflowError(left)


onsuccess:
    if Path(rules.all.input.report).is_file():
        print(f"The report of the study: {Path(rules.all.input.report).resolve()}")
