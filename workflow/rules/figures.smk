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
    log:
        "logs/{study}/figures/stimuli.log",
    benchmark:
        "benchmarks/{study}/figures/stimuli.jsonl"
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
    log:
        "logs/{study}/{model}/figures/confounds.log",
    benchmark:
        "benchmarks/{study}/{model}/figures/confounds.jsonl"
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
    log:
        "logs/{study}/{model}/figures/selectivity.log",
    benchmark:
        "benchmarks/{study}/{model}/figures/selectivity.jsonl"
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
    log:
        "logs/{study}/{model}/figures/reliability.log",
    benchmark:
        "benchmarks/{study}/{model}/figures/reliability.jsonl"
    conda:
        "../../envs/plots.yaml"
    message:
        "Drawing how well halves of the stimuli agree in {wildcards.model}"
    script:
        "../scripts/figures/reliability.py"


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
    log:
        "logs/{study}/{model}/figures/masks.log",
    benchmark:
        "benchmarks/{study}/{model}/figures/masks.jsonl"
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
    log:
        "logs/{study}/{model}/figures/effects.log",
    benchmark:
        "benchmarks/{study}/{model}/figures/effects.jsonl"
    conda:
        "../../envs/plots.yaml"
    params:
        tasks=config["tasks"],
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
    log:
        "logs/{study}/{model}/figures/dissociation.log",
    benchmark:
        "benchmarks/{study}/{model}/figures/dissociation.jsonl"
    conda:
        "../../envs/plots.yaml"
    params:
        tasks=config["tasks"],
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
    log:
        "logs/{study}/{model}/figures/curves.log",
    benchmark:
        "benchmarks/{study}/{model}/figures/curves.jsonl"
    conda:
        "../../envs/plots.yaml"
    params:
        tasks=config["tasks"],
        readouts=config["readouts"],
        localizers=config["localizers"],
    message:
        "Drawing the effects of more and fewer units in {wildcards.model}"
    script:
        "../scripts/figures/curves.py"


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
    conda:
        "../../envs/plots.yaml"
    message:
        "Listing the effects of ablation in {wildcards.model}"
    script:
        "../scripts/tables/effects.py"
