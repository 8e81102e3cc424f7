rule contrast:
    input:
        moments="results/{study}/{model}/moments.nc",
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
    message:
        "Contrasting categories in every unit of {wildcards.model}"
    script:
        "../scripts/contrast.py"


rule masks:
    input:
        contrast="results/{study}/{model}/contrast.nc",
    output:
        "results/{study}/{model}/masks.nc",
    log:
        "logs/{study}/{model}/masks.log",
    benchmark:
        "benchmarks/{study}/{model}/masks.jsonl"
    conda:
        "../../envs/statistics.yaml"
    params:
        localizers=config["localizers"],
        controls=config["ablation"]["controls"],
        seed=config["seed"],
    message:
        "Selecting units of {wildcards.model} and drawing control masks"
    script:
        "../scripts/masks.py"
