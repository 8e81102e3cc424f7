report: "../report/workflow.rst"


PAGE = Path(workflow.basedir) / "report"
ARTEFACTS = [
    "inputs",
    "confounds",
    "architecture",
    "activations",
    "moments",
    "contrast",
    "reliability",
    "masks",
    "effects",
]
FIGURES = ["confounds", "selectivity", "reliability", "masks", "effects"]
FIGURES += ["dissociation"]
if config["readouts"]:
    ARTEFACTS.append("readouts")
if MAPS:
    ARTEFACTS.append("maps")
if SERIES:
    ARTEFACTS += ["series", "curves"]
    FIGURES.append("curves")
OUTCOMES = ["outcomes", "series"] if SERIES else ["outcomes"]


rule report:
    input:
        document=str(PAGE / "report.qmd"),
        style=str(PAGE / "style.css"),
        bibliography=str(PAGE / "references.bib"),
        drawn=expand(
            "results/{{study}}/drawn/{category}.nc",
            category=config["stimuli"]["categories"],
        ),
        stimuli="results/{study}/stimuli.nc",
        models=expand("results/{{study}}/{model}/model.json", model=config["models"]),
        artefacts=expand(
            "results/{{study}}/{model}/{artefact}.nc",
            model=config["models"],
            artefact=ARTEFACTS,
        ),
        outcomes=expand(
            "results/{{study}}/{model}/{outcomes}/{localizer}.nc",
            model=config["models"],
            outcomes=OUTCOMES,
            localizer=config["localizers"],
        ),
        replicates=expand(
            "results/{{study}}/replicates/{replicates}.nc",
            replicates=config["replicates"],
        ),
        tables=expand(
            "results/{{study}}/{model}/tables/{table}.csv",
            model=config["models"],
            table=["units", "effects"],
        ),
        overview="results/{study}/figures/stimuli.svg",
        figures=expand(
            "results/{{study}}/{model}/figures/{figure}.svg",
            model=config["models"],
            figure=FIGURES,
        ),
    output:
        report(
            "results/{study}/report.html",
            caption="../report/report.rst",
            category="Report",
            labels={"model": "all", "shows": "the whole study"},
        ),
    log:
        "logs/{study}/report.log",
    benchmark:
        "benchmarks/{study}/report.jsonl"
    conda:
        "../../envs/report.yaml"
    params:
        config=config,
        benchmarks="benchmarks/{study}",
    message:
        "Writing the report of {wildcards.study}"
    script:
        "../scripts/report.py"
