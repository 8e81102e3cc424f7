rule stimuli:
    output:
        "results/{study}/stimuli.nc",
    log:
        "logs/{study}/stimuli.log",
    benchmark:
        "benchmarks/{study}/stimuli.jsonl"
    conda:
        "../../envs/images.yaml"
    params:
        stimuli=config["stimuli"],
        seed=config["seed"],
    message:
        "Gathering the stimuli of {wildcards.study}"
    script:
        "../scripts/stimuli.py"


rule inputs:
    input:
        stimuli="results/{study}/stimuli.nc",
    output:
        "results/{study}/{model}/inputs.nc",
    log:
        "logs/{study}/{model}/inputs.log",
    benchmark:
        "benchmarks/{study}/{model}/inputs.jsonl"
    conda:
        "../../envs/images.yaml"
    params:
        architecture=lookup(within=config, dpath="models/{model}/architecture"),
    message:
        "Decoding the stimuli for {wildcards.model}"
    script:
        "../scripts/inputs.py"
