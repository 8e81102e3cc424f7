report: "../report/workflow.rst"


PAGE = Path(workflow.basedir) / "report"
DOCUMENT = PAGE / "report.qmd"
LOOK = sorted(
    path
    for path in PAGE.iterdir()
    if path.suffix in (".css", ".html", ".scss", ".typ", ".bib")
)
ARTEFACTS = [
    "inputs",
    "confounds",
    "architecture",
    "activations",
    "moments",
    "contrast",
    "reliability",
    "nulls",
    "masks",
    "effects",
    "changes",
]
FIGURES = ["layers", "confounds", "selectivity", "reliability", "masks", "effects"]
FIGURES += ["nulls", "dissociation", "changes"]
if SHOWN:
    ARTEFACTS.append("extremes")
    FIGURES.append("extremes")
if config["readouts"]:
    ARTEFACTS.append("readouts")
if MAPS:
    ARTEFACTS.append("maps")
if SERIES:
    ARTEFACTS.append("curves")
    FIGURES.append("curves")
OUTCOMES = ["outcomes", "series"] if SERIES else ["outcomes"]
MASKS = ["masks", "series/masks"] if SERIES else ["masks"]


rule report:
    input:
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
        # nothing is read of these, but whether all was made of one another
        parts=expand(
            "results/{{study}}/{model}/contrasts/{contrast}.nc",
            model=config["models"],
            contrast=config["contrasts"],
        )
        + expand(
            "results/{{study}}/{model}/{masks}/{localizer}.nc",
            model=config["models"],
            masks=MASKS,
            localizer=config["localizers"],
        ),
        validation=expand(
            "results/{{study}}/{model}/validation.nc",
            model=config["models"] if config["recording"]["validate"] else [],
        ),
        values=expand(
            "results/{{study}}/{model}/values/{value}.nc",
            model=ROBUST,
            value=ABLATION["values"],
        ),
        robustness=expand("results/{{study}}/{model}/robustness.nc", model=ROBUST),
        replicates=expand(
            "results/{{study}}/replicates/{replicates}.nc",
            replicates=config["replicates"],
        ),
        tables=expand(
            "results/{{study}}/{model}/tables/{table}.csv",
            model=config["models"],
            table=["units", "effects", "changes", "categories"],
        ),
        overview=expand(
            "results/{{study}}/figures/{figure}.svg", figure=["stimuli", "rules"]
        ),
        rules="results/{study}/rulegraph.json",
        figures=expand(
            "results/{{study}}/{model}/figures/{figure}.svg",
            model=config["models"],
            figure=FIGURES,
        )
        + expand("results/{{study}}/{model}/figures/robustness.svg", model=ROBUST),
    output:
        report(
            "results/{study}/report.html",
            caption="../report/report.rst",
            category="Report",
            labels={"model": "all", "shows": "the whole study"},
        ),
        description="results/{study}/report.json",
        tables=report(
            directory("results/{study}/tables"),
            patterns=["{table}.csv"],
            caption="../report/tables.rst",
            category="Tables",
            labels=told_of_table,
        ),
    log:
        "logs/{study}/report.log",
    benchmark:
        "benchmarks/{study}/report.jsonl"
    localrule: True
    conda:
        "../../envs/report.yaml"
    params:
        config=config,
        document=place_of(DOCUMENT),
        look=place_of(*LOOK),
        page=own.content([DOCUMENT, *LOOK]),
        benchmarks="benchmarks/{study}",
        logs="logs/{study}",
    message:
        "Writing the report of {wildcards.study}"
    script:
        "../scripts/report.py"


# the same on paper; made when it is asked for
use rule report as pdf with:
    output:
        "results/{study}/report.pdf",
    log:
        "logs/{study}/pdf.log",
    benchmark:
        "benchmarks/{study}/pdf.jsonl"
    localrule: True
    message:
        "Printing the report of {wildcards.study}"
