rule draw:
    input:
        table=table_of,
    output:
        "results/{study}/drawn/{category}.nc",
    log:
        "logs/{study}/draw/{category}.log",
    benchmark:
        "benchmarks/{study}/draw/{category}.jsonl"
    cache: SHARED
    conda:
        "../../envs/images.yaml"
    params:
        category=lookup(within=config["stimuli"]["categories"], dpath="{category}"),
        splits=splits_of,
        seed=config["seed"],
        listing=listing_of,
        shared=told("draw"),
    message:
        "Drawing the {wildcards.category} of {wildcards.study}"
    script:
        "../scripts/draw.py"


rule stimuli:
    input:
        drawn=expand(
            "results/{{study}}/drawn/{category}.nc",
            category=config["stimuli"]["categories"],
        ),
    output:
        "results/{study}/stimuli.nc",
    log:
        "logs/{study}/stimuli.log",
    benchmark:
        "benchmarks/{study}/stimuli.jsonl"
    cache: SHARED
    conda:
        "../../envs/images.yaml"
    params:
        stimuli=config["stimuli"],
        seed=config["seed"],
        shared=told("stimuli", ordered=config["stimuli"]["categories"]),
    message:
        "Composing the stimuli of {wildcards.study}"
    script:
        "../scripts/stimuli.py"


rule inputs:
    input:
        stimuli="results/{study}/stimuli.nc",
        model="results/{study}/{model}/model.json",
    output:
        "results/{study}/{model}/inputs.nc",
    log:
        "logs/{study}/{model}/inputs.log",
    benchmark:
        "benchmarks/{study}/{model}/inputs.jsonl"
    cache: SHARED
    conda:
        "../../envs/torch.yaml"
    params:
        shared=told("inputs"),
    message:
        "Decoding the stimuli for {wildcards.model}"
    script:
        "../scripts/inputs.py"


rule confounds:
    input:
        inputs="results/{study}/{model}/inputs.nc",
    output:
        "results/{study}/{model}/confounds.nc",
    log:
        "logs/{study}/{model}/confounds.log",
    benchmark:
        "benchmarks/{study}/{model}/confounds.jsonl"
    conda:
        "../../envs/statistics.yaml"
    params:
        contrasts=config["contrasts"],
    message:
        "Measuring luminance, contrast and frequencies of what {wildcards.model} sees"
    script:
        "../scripts/confounds.py"
