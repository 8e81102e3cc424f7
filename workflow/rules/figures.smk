SNAKEFILE = Path(workflow.basedir) / "Snakefile"
RULES = sorted((Path(workflow.basedir) / "workflow/rules").glob("*.smk"))


# the rules of this run, asked of the Snakemake that runs it, which need not be in an environment
rule rulegraph:
    output:
        "results/{study}/rulegraph.json",
    log:
        "logs/{study}/rulegraph.log",
    benchmark:
        "benchmarks/{study}/rulegraph.jsonl"
    localrule: True
    conda:
        "../../envs/plots.yaml"
    params:
        target="results/{study}/report.html",
        python=interpreter,
        snakefile=place_of(SNAKEFILE),
        rules=place_of(*RULES),
        workflow=own.content([SNAKEFILE, *RULES]),
        deciding=DECIDING,
    message:
        "Asking Snakemake for the rules of {wildcards.study}"
    script:
        "../scripts/rulegraph.py"


rule rules_figure:
    input:
        rules="results/{study}/rulegraph.json",
    output:
        report(
            "results/{study}/figures/rules.svg",
            caption="../report/rules.rst",
            category="Report",
            labels={"model": "all", "shows": "rules of the workflow"},
        ),
        pdf="results/{study}/figures/rules.pdf",
    log:
        "logs/{study}/figures/rules.log",
    benchmark:
        "benchmarks/{study}/figures/rules.jsonl"
    localrule: True
    conda:
        "../../envs/plots.yaml"
    message:
        "Drawing the rules of {wildcards.study}"
    script:
        "../scripts/figures/rules.py"


rule layers_figure:
    input:
        architecture="results/{study}/{model}/architecture.nc",
    output:
        report(
            "results/{study}/{model}/figures/layers.svg",
            caption="../report/layers.rst",
            category="Units",
            labels={"model": "{model}", "shows": "connections of the layers"},
        ),
        pdf="results/{study}/{model}/figures/layers.pdf",
    log:
        "logs/{study}/{model}/figures/layers.log",
    benchmark:
        "benchmarks/{study}/{model}/figures/layers.jsonl"
    localrule: True
    conda:
        "../../envs/plots.yaml"
    message:
        "Drawing the layers of {wildcards.model}"
    script:
        "../scripts/figures/layers.py"


rule stimuli_figure:
    input:
        stimuli="results/{study}/stimuli.nc",
    output:
        report(
            "results/{study}/figures/stimuli.svg",
            caption="../report/stimuli.rst",
            category="Stimuli",
            labels={"model": "all", "shows": "samples of every category"},
        ),
        pdf="results/{study}/figures/stimuli.pdf",
    log:
        "logs/{study}/figures/stimuli.log",
    benchmark:
        "benchmarks/{study}/figures/stimuli.jsonl"
    localrule: True
    conda:
        "../../envs/plots.yaml"
    params:
        categories=config["stimuli"]["categories"],
        identifiable=config["report"]["identifiable"],
    message:
        "Drawing the stimuli of {wildcards.study}"
    script:
        "../scripts/figures/stimuli.py"


rule confounds_figure:
    input:
        confounds="results/{study}/{model}/confounds.nc",
    output:
        report(
            "results/{study}/{model}/figures/confounds.svg",
            caption="../report/confounds.rst",
            category="Stimuli",
            labels={"model": "{model}", "shows": "what else tells categories apart"},
        ),
        pdf="results/{study}/{model}/figures/confounds.pdf",
    log:
        "logs/{study}/{model}/figures/confounds.log",
    benchmark:
        "benchmarks/{study}/{model}/figures/confounds.jsonl"
    localrule: True
    conda:
        "../../envs/plots.yaml"
    message:
        "Drawing luminance, contrast and frequencies of what {wildcards.model} sees"
    script:
        "../scripts/figures/confounds.py"


rule selectivity_figure:
    input:
        contrast="results/{study}/{model}/contrast.nc",
    output:
        report(
            "results/{study}/{model}/figures/selectivity.svg",
            caption="../report/selectivity.rst",
            category="Units",
            labels={"model": "{model}", "shows": "preference by layer"},
        ),
        pdf="results/{study}/{model}/figures/selectivity.pdf",
    log:
        "logs/{study}/{model}/figures/selectivity.log",
    benchmark:
        "benchmarks/{study}/{model}/figures/selectivity.jsonl"
    localrule: True
    conda:
        "../../envs/plots.yaml"
    params:
        alpha=config["inference"]["alpha"],
    message:
        "Drawing the preferences of the units of {wildcards.model}"
    script:
        "../scripts/figures/selectivity.py"


rule reliability_figure:
    input:
        reliability="results/{study}/{model}/reliability.nc",
    output:
        report(
            "results/{study}/{model}/figures/reliability.svg",
            caption="../report/reliability.rst",
            category="Units",
            labels={"model": "{model}", "shows": "halves of the stimuli"},
        ),
        pdf="results/{study}/{model}/figures/reliability.pdf",
    log:
        "logs/{study}/{model}/figures/reliability.log",
    benchmark:
        "benchmarks/{study}/{model}/figures/reliability.jsonl"
    localrule: True
    conda:
        "../../envs/plots.yaml"
    message:
        "Drawing how well halves of the stimuli agree in {wildcards.model}"
    script:
        "../scripts/figures/reliability.py"


rule extremes_figure:
    input:
        extremes="results/{study}/{model}/extremes.nc",
        stimuli="results/{study}/stimuli.nc",
    output:
        report(
            "results/{study}/{model}/figures/extremes.svg",
            caption="../report/extremes.rst",
            category="Units",
            labels={"model": "{model}", "shows": "what the best units respond to"},
        ),
        pdf="results/{study}/{model}/figures/extremes.pdf",
    log:
        "logs/{study}/{model}/figures/extremes.log",
    benchmark:
        "benchmarks/{study}/{model}/figures/extremes.jsonl"
    localrule: True
    conda:
        "../../envs/plots.yaml"
    params:
        categories=config["stimuli"]["categories"],
        identifiable=config["report"]["identifiable"],
    message:
        "Drawing what the best units of {wildcards.model} respond to"
    script:
        "../scripts/figures/extremes.py"


rule nulls_figure:
    input:
        nulls="results/{study}/{model}/nulls.nc",
    output:
        report(
            "results/{study}/{model}/figures/nulls.svg",
            caption="../report/nulls.rst",
            category="Units",
            labels={"model": "{model}", "shows": "preference beside shuffled labels"},
        ),
        pdf="results/{study}/{model}/figures/nulls.pdf",
    log:
        "logs/{study}/{model}/figures/nulls.log",
    benchmark:
        "benchmarks/{study}/{model}/figures/nulls.jsonl"
    localrule: True
    conda:
        "../../envs/plots.yaml"
    message:
        "Drawing the preferences of {wildcards.model} beside shuffled labels"
    script:
        "../scripts/figures/nulls.py"


rule masks_figure:
    input:
        masks="results/{study}/{model}/masks.nc",
    output:
        report(
            "results/{study}/{model}/figures/masks.svg",
            caption="../report/masks.rst",
            category="Units",
            labels={"model": "{model}", "shows": "selected units by layer"},
        ),
        pdf="results/{study}/{model}/figures/masks.pdf",
    log:
        "logs/{study}/{model}/figures/masks.log",
    benchmark:
        "benchmarks/{study}/{model}/figures/masks.jsonl"
    localrule: True
    conda:
        "../../envs/plots.yaml"
    message:
        "Drawing the masks of {wildcards.model}"
    script:
        "../scripts/figures/masks.py"


rule effects_figure:
    input:
        effects="results/{study}/{model}/effects.nc",
    output:
        report(
            "results/{study}/{model}/figures/effects.svg",
            caption="../report/effects.rst",
            category="Ablation",
            labels={"model": "{model}", "shows": "performance"},
        ),
        pdf="results/{study}/{model}/figures/effects.pdf",
    log:
        "logs/{study}/{model}/figures/effects.log",
    benchmark:
        "benchmarks/{study}/{model}/figures/effects.jsonl"
    localrule: True
    conda:
        "../../envs/plots.yaml"
    params:
        tasks=config["tasks"],
        contrasts=config["contrasts"],
        localizers=config["localizers"],
    message:
        "Drawing the performance of {wildcards.model} under ablation"
    script:
        "../scripts/figures/effects.py"


rule dissociation_figure:
    input:
        effects="results/{study}/{model}/effects.nc",
    output:
        report(
            "results/{study}/{model}/figures/dissociation.svg",
            caption="../report/dissociation.rst",
            category="Ablation",
            labels={"model": "{model}", "shows": "harm by mask and task"},
        ),
        pdf="results/{study}/{model}/figures/dissociation.pdf",
    log:
        "logs/{study}/{model}/figures/dissociation.log",
    benchmark:
        "benchmarks/{study}/{model}/figures/dissociation.jsonl"
    localrule: True
    conda:
        "../../envs/plots.yaml"
    params:
        tasks=config["tasks"],
        contrasts=config["contrasts"],
        localizers=config["localizers"],
    message:
        "Drawing the harm of each mask of {wildcards.model} to each task"
    script:
        "../scripts/figures/dissociation.py"


rule curves_figure:
    input:
        curves="results/{study}/{model}/curves.nc",
    output:
        report(
            "results/{study}/{model}/figures/curves.svg",
            caption="../report/curves.rst",
            category="Ablation",
            labels={"model": "{model}", "shows": "more and fewer units"},
        ),
        pdf="results/{study}/{model}/figures/curves.pdf",
    log:
        "logs/{study}/{model}/figures/curves.log",
    benchmark:
        "benchmarks/{study}/{model}/figures/curves.jsonl"
    localrule: True
    conda:
        "../../envs/plots.yaml"
    params:
        tasks=config["tasks"],
        readouts=config["readouts"],
        contrasts=config["contrasts"],
        localizers=config["localizers"],
    message:
        "Drawing the effects of more and fewer units in {wildcards.model}"
    script:
        "../scripts/figures/curves.py"


rule changes_figure:
    input:
        changes="results/{study}/{model}/changes.nc",
        stimuli="results/{study}/stimuli.nc",
    output:
        report(
            "results/{study}/{model}/figures/changes.svg",
            caption="../report/changes.rst",
            category="Ablation",
            labels={"model": "{model}", "shows": "images that change their label"},
        ),
        pdf="results/{study}/{model}/figures/changes.pdf",
    log:
        "logs/{study}/{model}/figures/changes.log",
    benchmark:
        "benchmarks/{study}/{model}/figures/changes.jsonl"
    localrule: True
    conda:
        "../../envs/plots.yaml"
    params:
        categories=config["stimuli"]["categories"],
        identifiable=config["report"]["identifiable"],
    message:
        "Drawing the images whose label changes in {wildcards.model}"
    script:
        "../scripts/figures/changes.py"


rule robustness_figure:
    input:
        robustness="results/{study}/{model}/robustness.nc",
    output:
        report(
            "results/{study}/{model}/figures/robustness.svg",
            caption="../report/robustness.rst",
            category="Robustness",
            labels={"model": "{model}", "shows": "central results, other conditions"},
        ),
        pdf="results/{study}/{model}/figures/robustness.pdf",
    log:
        "logs/{study}/{model}/figures/robustness.log",
    benchmark:
        "benchmarks/{study}/{model}/figures/robustness.jsonl"
    localrule: True
    conda:
        "../../envs/plots.yaml"
    message:
        "Drawing the central results in {wildcards.model} under other conditions"
    script:
        "../scripts/figures/robustness.py"


rule units_table:
    input:
        contrast="results/{study}/{model}/contrast.nc",
        masks="results/{study}/{model}/masks.nc",
    output:
        report(
            "results/{study}/{model}/tables/units.csv",
            caption="../report/units_table.rst",
            category="Units",
            labels={"model": "{model}", "shows": "table of units"},
        ),
    log:
        "logs/{study}/{model}/tables/units.log",
    benchmark:
        "benchmarks/{study}/{model}/tables/units.jsonl"
    localrule: True
    conda:
        "../../envs/plots.yaml"
    message:
        "Listing the units of {wildcards.model}"
    script:
        "../scripts/tables/units.py"


rule effects_table:
    input:
        effects="results/{study}/{model}/effects.nc",
    output:
        report(
            "results/{study}/{model}/tables/effects.csv",
            caption="../report/effects_table.rst",
            category="Ablation",
            labels={"model": "{model}", "shows": "table of all effects"},
        ),
    log:
        "logs/{study}/{model}/tables/effects.log",
    benchmark:
        "benchmarks/{study}/{model}/tables/effects.jsonl"
    localrule: True
    conda:
        "../../envs/plots.yaml"
    message:
        "Listing the effects of ablation in {wildcards.model}"
    script:
        "../scripts/tables/effects.py"


rule changes_table:
    input:
        changes="results/{study}/{model}/changes.nc",
    output:
        report(
            "results/{study}/{model}/tables/changes.csv",
            caption="../report/changes_table.rst",
            category="Ablation",
            labels={
                "model": "{model}",
                "shows": "table of images that change their label",
            },
        ),
    log:
        "logs/{study}/{model}/tables/changes.log",
    benchmark:
        "benchmarks/{study}/{model}/tables/changes.jsonl"
    localrule: True
    conda:
        "../../envs/plots.yaml"
    message:
        "Listing the images whose label changes in {wildcards.model}"
    script:
        "../scripts/tables/changes.py"


rule categories_table:
    input:
        changes="results/{study}/{model}/changes.nc",
    output:
        report(
            "results/{study}/{model}/tables/categories.csv",
            caption="../report/categories_table.rst",
            category="Ablation",
            labels={"model": "{model}", "shows": "table by category"},
        ),
    log:
        "logs/{study}/{model}/tables/categories.log",
    benchmark:
        "benchmarks/{study}/{model}/tables/categories.jsonl"
    localrule: True
    conda:
        "../../envs/plots.yaml"
    message:
        "Listing what each mask does to each category in {wildcards.model}"
    script:
        "../scripts/tables/categories.py"
