rule record:
    input:
        architecture="results/{study}/{model}/architecture.nc",
        inputs="results/{study}/{model}/inputs.nc",
        weights="results/{study}/{model}/weights.safetensors",
    output:
        activations="results/{study}/{model}/activations.nc",
        moments="results/{study}/{model}/moments.nc",
    log:
        "logs/{study}/{model}/record.log",
    benchmark:
        "benchmarks/{study}/{model}/record.jsonl"
    conda:
        "../../envs/torch.yaml"
    resources:
        gpu=1,
    params:
        layers=lookup(within=config, dpath="models/{model}/layers"),
        recording=config["recording"],
    message:
        "Recording the responses of {wildcards.model}"
    script:
        "../scripts/record.py"
