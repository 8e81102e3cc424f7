RECORDED = "results/{study}/{model}"
SHARD = "results/{study}/{model}/shards/{shard}"
SHARDS = config["recording"]["shards"]


# the whole, or one of several shards
rule record:
    input:
        architecture=f"{RECORDED}/architecture.nc",
        inputs=f"{RECORDED}/inputs.nc",
        weights=f"{RECORDED}/weights.safetensors",
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
    cache: SHARED
    conda:
        "../../envs/torch.yaml"
    resources:
        gpu=1,
    params:
        layers=of_model("layers"),
        recording=RECORDING,
        shards=SHARDS,
        shared=told("record", accelerated=True),
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
    cache: SHARED
    conda:
        "../../envs/torch.yaml"
    resources:
        gpu=1,
    params:
        layers=of_model("layers"),
        recording=RECORDING,
        shared=told("batch_size", accelerated=True),
    message:
        "Finding the batch size that fits into memory for {wildcards.model}"
    script:
        "../scripts/batch_size.py"


# it comes first where it can, and the report needs it; no recording depends on it
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
    cache: SHARED
    priority: 1
    conda:
        "../../envs/torch.yaml"
    resources:
        gpu=1,
    params:
        layers=of_model("layers"),
        seed=config["seed"],
        shared=told("validate", accelerated=True),
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
        cache: SHARED
        conda:
            "../../envs/statistics.yaml"
        params:
            layers=of_model("layers"),
            recording=RECORDING,
            shared=told("gather"),
        message:
            "Putting the shards of {wildcards.model} together"
        script:
            "../scripts/gather.py"
