rule contrast:
    input:
        moments="results/{study}/{model}/moments.nc",
        activations="results/{study}/{model}/activations.nc",
    output:
        "results/{study}/{model}/contrast.nc",
    log:
        "logs/{study}/{model}/contrast.log",
    benchmark:
        "benchmarks/{study}/{model}/contrast.jsonl"
    conda:
        "../../envs/statistics.yaml"
    params:
        contrasts=config["contrasts"],
        inference=settings_of(INFERENCE, "least_d", "fdr", "family"),
    message:
        "Contrasting categories in every unit of {wildcards.model}"
    script:
        "../scripts/contrast.py"


rule reliability:
    input:
        moments="results/{study}/{model}/moments.nc",
    output:
        "results/{study}/{model}/reliability.nc",
    log:
        "logs/{study}/{model}/reliability.log",
    benchmark:
        "benchmarks/{study}/{model}/reliability.jsonl"
    conda:
        "../../envs/statistics.yaml"
    params:
        contrasts=config["contrasts"],
        localizers=CHOSEN,
        inference=settings_of(INFERENCE, "least_d", "fdr", "family"),
        seed=config["seed"],
    message:
        "Comparing halves of the stimuli in {wildcards.model}"
    script:
        "../scripts/reliability.py"


rule extremes:
    input:
        contrast="results/{study}/{model}/contrast.nc",
        activations="results/{study}/{model}/activations.nc",
    output:
        "results/{study}/{model}/extremes.nc",
    log:
        "logs/{study}/{model}/extremes.log",
    benchmark:
        "benchmarks/{study}/{model}/extremes.jsonl"
    conda:
        "../../envs/statistics.yaml"
    params:
        contrasts=config["contrasts"],
    message:
        "Finding what the best units of {wildcards.model} respond to"
    script:
        "../scripts/extremes.py"


rule nulls:
    input:
        moments="results/{study}/{model}/moments.nc",
    output:
        "results/{study}/{model}/nulls.nc",
    log:
        "logs/{study}/{model}/nulls.log",
    benchmark:
        "benchmarks/{study}/{model}/nulls.jsonl"
    conda:
        "../../envs/statistics.yaml"
    params:
        contrasts=config["contrasts"],
        inference=settings_of(INFERENCE, "alpha"),
        seed=config["seed"],
    message:
        "Exchanging the labels of the stimuli in {wildcards.model}"
    script:
        "../scripts/nulls.py"


rule masks:
    input:
        contrast="results/{study}/{model}/contrast.nc",
        moments="results/{study}/{model}/moments.nc",
        untrained=twin_of,
    output:
        "results/{study}/{model}/masks.nc",
    log:
        "logs/{study}/{model}/masks.log",
    benchmark:
        "benchmarks/{study}/{model}/masks.jsonl"
    conda:
        "../../envs/statistics.yaml"
    params:
        contrasts=config["contrasts"],
        localizers=CHOSEN,
        ablation=DRAWN | settings_of(ABLATION, "controls", "compare", "shuffles"),
        alpha=INFERENCE["alpha"],
        seed=config["seed"],
    message:
        "Selecting units of {wildcards.model} and drawing control masks"
    script:
        "../scripts/masks.py"


rule series:
    input:
        contrast="results/{study}/{model}/contrast.nc",
        moments="results/{study}/{model}/moments.nc",
    output:
        "results/{study}/{model}/series.nc",
    log:
        "logs/{study}/{model}/series.log",
    benchmark:
        "benchmarks/{study}/{model}/series.jsonl"
    conda:
        "../../envs/statistics.yaml"
    params:
        contrasts=config["contrasts"],
        localizers=CHOSEN,
        ablation=DRAWN
        | settings_of(ABLATION, "fractions", "keep", "layers", "series_controls"),
        alpha=INFERENCE["alpha"],
        seed=config["seed"],
    message:
        "Selecting more and fewer units of {wildcards.model}"
    script:
        "../scripts/series.py"


rule readouts:
    input:
        activations="results/{study}/{model}/activations.nc",
        stimuli="results/{study}/stimuli.nc",
    output:
        "results/{study}/{model}/readouts.nc",
    log:
        "logs/{study}/{model}/readouts.log",
    benchmark:
        "benchmarks/{study}/{model}/readouts.jsonl"
    conda:
        "../../envs/statistics.yaml"
    params:
        readouts=config["readouts"],
        seed=config["seed"],
    message:
        "Fitting readouts to the responses of {wildcards.model}"
    script:
        "../scripts/readouts.py"
