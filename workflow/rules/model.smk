rule architecture:
    output:
        "results/{study}/{model}/architecture.nc",
    log:
        "logs/{study}/{model}/architecture.log",
    benchmark:
        "benchmarks/{study}/{model}/architecture.jsonl"
    conda:
        "../../envs/torch.yaml"
    params:
        architecture=lookup(within=config, dpath="models/{model}/architecture"),
        layers=lookup(within=config, dpath="models/{model}/layers"),
        labels=LABELS,
    message:
        "Finding the layers of {wildcards.model}"
    script:
        "../scripts/architecture.py"


rule weights:
    input:
        # a layer that does not exist is found out before hours of training
        architecture=ancient("results/{study}/{model}/architecture.nc"),
        inputs="results/{study}/{model}/inputs.nc",
    output:
        "results/{study}/{model}/weights.safetensors",
    log:
        "logs/{study}/{model}/weights.log",
    benchmark:
        "benchmarks/{study}/{model}/weights.jsonl"
    conda:
        "../../envs/torch.yaml"
    params:
        architecture=lookup(within=config, dpath="models/{model}/architecture"),
        weights=lookup(within=config, dpath="models/{model}/weights"),
        training=lookup(within=config, dpath="models/{model}/training"),
        tasks=config["tasks"],
        labels=LABELS,
        seed=config["seed"],
    message:
        "Making the weights of {wildcards.model}"
    script:
        "../scripts/weights.py"
