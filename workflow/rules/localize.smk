rule contrast:
    input:
        moments="results/{study}/{model}/moments.nc",
        activations="results/{study}/{model}/activations.nc",
    output:
        "results/{study}/{model}/contrasts/{contrast}.nc",
    log:
        "logs/{study}/{model}/contrasts/{contrast}.log",
    benchmark:
        "benchmarks/{study}/{model}/contrasts/{contrast}.jsonl"
    conda:
        "../../envs/statistics.yaml"
    params:
        contrasts=sides_of,
        inference=settings_of(INFERENCE, "least_d", "fdr", "family"),
    message:
        "Contrasting {wildcards.contrast} in every unit of {wildcards.model}"
    script:
        "../scripts/contrast.py"


rule contrasts:
    input:
        expand(
            "results/{{study}}/{{model}}/contrasts/{contrast}.nc",
            contrast=config["contrasts"],
        ),
    output:
        "results/{study}/{model}/contrast.nc",
    log:
        "logs/{study}/{model}/contrasts.log",
    benchmark:
        "benchmarks/{study}/{model}/contrasts.jsonl"
    conda:
        "../../envs/statistics.yaml"
    params:
        contrasts=config["contrasts"],
        inference=settings_of(INFERENCE, "least_d", "fdr", "family"),
    message:
        "Putting the contrasts of {wildcards.model} together"
    script:
        "../scripts/contrasts.py"


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


rule mask:
    input:
        contrast=contrasted,
        moments=(
            "results/{study}/{model}/moments.nc"
            if "shuffled" in ABLATION["compare"]
            else []
        ),
        untrained=twin_of,
    output:
        "results/{study}/{model}/masks/{localizer}.nc",
    log:
        "logs/{study}/{model}/masks/{localizer}.log",
    benchmark:
        "benchmarks/{study}/{model}/masks/{localizer}.jsonl"
    conda:
        "../../envs/statistics.yaml"
    params:
        contrasts=sides_of,
        localizers=choosing,
        ablation=DRAWN | settings_of(ABLATION, "controls", "compare", "shuffles"),
        seed=config["seed"],
    message:
        "Selecting {wildcards.localizer} units of {wildcards.model} and drawing control masks"
    script:
        "../scripts/mask.py"


rule masks:
    input:
        contrast="results/{study}/{model}/contrast.nc",
        masks=expand(
            "results/{{study}}/{{model}}/masks/{localizer}.nc",
            localizer=config["localizers"],
        ),
    output:
        "results/{study}/{model}/masks.nc",
    log:
        "logs/{study}/{model}/masks.log",
    benchmark:
        "benchmarks/{study}/{model}/masks.jsonl"
    conda:
        "../../envs/statistics.yaml"
    params:
        localizers=CHOSEN,
        alpha=INFERENCE["alpha"],
    message:
        "Putting the masks of {wildcards.model} together"
    script:
        "../scripts/masks.py"


rule series:
    input:
        contrast=contrasted,
    output:
        "results/{study}/{model}/series/masks/{localizer}.nc",
    log:
        "logs/{study}/{model}/series/masks/{localizer}.log",
    benchmark:
        "benchmarks/{study}/{model}/series/masks/{localizer}.jsonl"
    conda:
        "../../envs/statistics.yaml"
    params:
        localizers=choosing,
        ablation=DRAWN
        | settings_of(ABLATION, "fractions", "keep", "layers", "series_controls"),
        seed=config["seed"],
    message:
        "Selecting more and fewer {wildcards.localizer} units of {wildcards.model}"
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
