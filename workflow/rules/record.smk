RECORDED = "results/{study}/{model}"
SHARD = "results/{study}/{model}/shards/{shard}"
SHARDS = config["recording"]["shards"]


# the whole, or one of several shards
rule record:
    input:
        architecture=f"{RECORDED}/architecture.nc",
        inputs=f"{RECORDED}/inputs.nc",
        weights=f"{RECORDED}/weights.safetensors",
        validation=(
            f"{RECORDED}/validation.nc" if config["recording"]["validate"] else []
        ),
        batch_size=f"{RECORDED}/batch_size.txt" if SHARDS > 1 else [],
    output:
        activations=f"{RECORDED if SHARDS == 1 else SHARD}/activations.nc",
        moments=f"{RECORDED if SHARDS == 1 else SHARD}/moments.nc",
    log:
        "logs/{study}/{model}/record.log"
        if SHARDS == 1
        else "logs/{study}/{model}/record/{shard}.log",
    benchmark:
        "benchmarks/{study}/{model}/record.jsonl"
        if SHARDS == 1
        else "benchmarks/{study}/{model}/record/{shard}.jsonl"
    conda:
        "../../envs/torch.yaml"
    resources:
        gpu=1,
    params:
        layers=lookup(within=config, dpath="models/{model}/layers"),
        recording=RECORDING,
        shards=SHARDS,
    message:
        "Recording the responses of {wildcards.model}"
    script:
        "../scripts/record.py"


rule batch_size:
    input:
        inputs=f"{RECORDED}/inputs.nc",
        weights=f"{RECORDED}/weights.safetensors",
    output:
        f"{RECORDED}/batch_size.txt",
    log:
        "logs/{study}/{model}/batch_size.log",
    benchmark:
        "benchmarks/{study}/{model}/batch_size.jsonl"
    conda:
        "../../envs/torch.yaml"
    resources:
        gpu=1,
    params:
        layers=lookup(within=config, dpath="models/{model}/layers"),
        recording=RECORDING,
    message:
        "Finding the batch size that fits into memory for {wildcards.model}"
    script:
        "../scripts/batch_size.py"


rule validate:
    input:
        inputs=f"{RECORDED}/inputs.nc",
        weights=f"{RECORDED}/weights.safetensors",
    output:
        f"{RECORDED}/validation.nc",
    log:
        "logs/{study}/{model}/validate.log",
    benchmark:
        "benchmarks/{study}/{model}/validate.jsonl"
    conda:
        "../../envs/torch.yaml"
    resources:
        gpu=1,
    params:
        layers=lookup(within=config, dpath="models/{model}/layers"),
        seed=config["seed"],
    message:
        "Feeding recorded values back into {wildcards.model}"
    script:
        "../scripts/validate.py"


if SHARDS > 1:

    rule gather:
        input:
            inputs=f"{RECORDED}/inputs.nc",
            activations=expand(
                f"{SHARD}/activations.nc", shard=range(SHARDS), allow_missing=True
            ),
            parts=expand(f"{SHARD}/moments.nc", shard=range(SHARDS), allow_missing=True),
        output:
            activations=f"{RECORDED}/activations.nc",
            moments=f"{RECORDED}/moments.nc",
        log:
            "logs/{study}/{model}/gather.log",
        benchmark:
            "benchmarks/{study}/{model}/gather.jsonl"
        conda:
            "../../envs/statistics.yaml"
        params:
            layers=lookup(within=config, dpath="models/{model}/layers"),
            recording=RECORDING,
        message:
            "Putting the shards of {wildcards.model} together"
        script:
            "../scripts/gather.py"
