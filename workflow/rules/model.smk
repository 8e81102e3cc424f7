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
    conda:
        "../../envs/torch.yaml"
    params:
        architecture=lookup(within=config, dpath="models/{model}/architecture"),
        revision=lookup(within=config, dpath="models/{model}/revision", default=""),
        weights=lookup(within=config, dpath="models/{model}/weights"),
        preprocessing=lookup(
            within=config, dpath="models/{model}/preprocessing", default=None
        ),
        labels=lookup(within=config, dpath="models/{model}/labels", default=None),
        task_labels=LABELS,
        downloads=config["downloads"],
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
    conda:
        "../../envs/torch.yaml"
    params:
        layers=lookup(within=config, dpath="models/{model}/layers"),
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
    conda:
        "../../envs/torch.yaml"
    params:
        weights=lookup(within=config, dpath="models/{model}/weights"),
        training=lookup(within=config, dpath="models/{model}/training"),
        tasks=config["tasks"],
        seed=lookup(within=config, dpath="models/{model}/seed", default=config["seed"]),
        downloads=config["downloads"],
    message:
        "Getting the weights of {wildcards.model}"
    script:
        "../scripts/weights.py"
