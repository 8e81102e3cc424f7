rule model:
    input:
        files=files_of,
        weights=weights_of,
    output:
        "results/{study}/{model}/model.json",
    log:
        "logs/{study}/{model}/model.log",
    benchmark:
        "benchmarks/{study}/{model}/model.jsonl"
    cache: SHARED
    conda:
        "../../envs/torch.yaml"
    params:
        architecture=of_model("architecture"),
        revision=of_model("revision", ""),
        weights=of_model("weights"),
        preprocessing=of_model("preprocessing", None),
        labels=of_model("labels", None),
        task_labels=labels_of,
        listing=states_of,
        shared=told("model"),
    message:
        "Looking up {wildcards.model}"
    script:
        "../scripts/model.py"


rule architecture:
    input:
        model="results/{study}/{model}/model.json",
    output:
        "results/{study}/{model}/architecture.nc",
    log:
        "logs/{study}/{model}/architecture.log",
    benchmark:
        "benchmarks/{study}/{model}/architecture.jsonl"
    cache: SHARED
    conda:
        "../../envs/torch.yaml"
    params:
        layers=of_model("layers"),
        shared=told("architecture"),
    message:
        "Finding the layers of {wildcards.model}"
    script:
        "../scripts/architecture.py"


rule weights:
    input:
        model="results/{study}/{model}/model.json",
        # a layer that does not exist is found out before hours of training
        architecture=ancient("results/{study}/{model}/architecture.nc"),
        inputs=learnt_from,
        weights=weights_of,
    output:
        "results/{study}/{model}/weights.safetensors",
    log:
        "logs/{study}/{model}/weights.log",
    benchmark:
        "benchmarks/{study}/{model}/weights.jsonl"
    cache: SHARED
    conda:
        "../../envs/torch.yaml"
    params:
        weights=of_model("weights"),
        learning=learning_of,
        seed=seed_of,
        listing=states_of,
        shared=told("weights", ordered=config["tasks"]),
    message:
        "Getting the weights of {wildcards.model}"
    script:
        "../scripts/weights.py"
