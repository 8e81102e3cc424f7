rule ablate:
    input:
        inputs="results/{study}/{model}/inputs.nc",
        weights="results/{study}/{model}/weights.safetensors",
        moments="results/{study}/{model}/moments.nc",
        masks="results/{study}/{model}/masks.nc",
    output:
        "results/{study}/{model}/outcomes/{localizer}.nc",
    log:
        "logs/{study}/{model}/ablate/{localizer}.log",
    benchmark:
        "benchmarks/{study}/{model}/ablate/{localizer}.jsonl"
    conda:
        "../../envs/torch.yaml"
    resources:
        gpu=1,
    params:
        layers=lookup(within=config, dpath="models/{model}/layers"),
        ablation=config["ablation"],
        contrast=lookup(within=config, dpath="localizers/{localizer}/contrast"),
        contrasts=config["contrasts"],
        tasks=config["tasks"],
    message:
        "Ablating the {wildcards.localizer} units of {wildcards.model} and their controls"
    script:
        "../scripts/ablate.py"


rule effects:
    input:
        outcomes=expand(
            "results/{{study}}/{{model}}/outcomes/{localizer}.nc",
            localizer=config["localizers"],
        ),
    output:
        "results/{study}/{model}/effects.nc",
    log:
        "logs/{study}/{model}/effects.log",
    benchmark:
        "benchmarks/{study}/{model}/effects.jsonl"
    conda:
        "../../envs/statistics.yaml"
    params:
        tasks=config["tasks"],
        localizers=config["localizers"],
        dissociations=config["dissociations"],
        inference=config["inference"],
        seed=config["seed"],
    message:
        "Measuring the effects of ablation in {wildcards.model}"
    script:
        "../scripts/effects.py"
