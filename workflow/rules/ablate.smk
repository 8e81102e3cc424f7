JOBS = ABLATION["jobs"]


# the mean response at every position of the recorded layers
rule maps:
    input:
        inputs=f"{MASKED}/inputs.nc",
        weights=f"{MASKED}/weights.safetensors",
        moments=f"{MASKED}/moments.nc",
    output:
        f"{MASKED}/maps.nc",
    log:
        "logs/{study}/{model}/maps.log",
    benchmark:
        "benchmarks/{study}/{model}/maps.jsonl"
    conda:
        "../../envs/torch.yaml"
    resources:
        gpu=1,
    params:
        layers=of_model("layers"),
        batch_size=config["recording"]["batch_size"],
    message:
        "Averaging the maps of {wildcards.model}"
    script:
        "../scripts/maps.py"


# all masks of a localizer, or those of one of several jobs
rule ablate:
    input:
        inputs=f"{MASKED}/inputs.nc",
        weights=f"{MASKED}/weights.safetensors",
        moments=f"{MASKED}/moments.nc",
        maps=maps_for(ABLATION["value"]),
        readouts=f"{MASKED}/readouts.nc" if config["readouts"] else [],
        masks=f"{MASKED}/masks/{{localizer}}.nc",
    output:
        (
            f"{MASKED}/outcomes/{{localizer}}.nc"
            if JOBS == 1
            else f"{MASKED}/outcomes/jobs/{{localizer}}/{{job}}.nc"
        ),
    log:
        (
            "logs/{study}/{model}/ablate/{localizer}.log"
            if JOBS == 1
            else "logs/{study}/{model}/ablate/{localizer}/{job}.log"
        ),
    benchmark:
        (
            "benchmarks/{study}/{model}/ablate/{localizer}.jsonl"
            if JOBS == 1
            else "benchmarks/{study}/{model}/ablate/{localizer}/{job}.jsonl"
        )
    conda:
        "../../envs/torch.yaml"
    resources:
        gpu=1,
    params:
        layers=of_model("layers"),
        ablation=silencing(ABLATION["value"]),
        contrast=contrast_of,
        contrasts=sides_of,
        tasks=config["tasks"],
        seed=config["seed"],
        jobs=JOBS,
        masks="masks",
    message:
        "Ablating the {wildcards.localizer} units of {wildcards.model} and their controls"
    script:
        "../scripts/ablate.py"


use rule ablate as ablate_series with:
    input:
        inputs=f"{MASKED}/inputs.nc",
        weights=f"{MASKED}/weights.safetensors",
        moments=f"{MASKED}/moments.nc",
        maps=maps_for(*SERIAL),
        readouts=f"{MASKED}/readouts.nc" if config["readouts"] else [],
        masks=f"{MASKED}/series/masks/{{localizer}}.nc",
    output:
        (
            f"{MASKED}/series/{{localizer}}.nc"
            if JOBS == 1
            else f"{MASKED}/series/jobs/{{localizer}}/{{job}}.nc"
        ),
    log:
        (
            "logs/{study}/{model}/series/{localizer}.log"
            if JOBS == 1
            else "logs/{study}/{model}/series/{localizer}/{job}.log"
        ),
    benchmark:
        (
            "benchmarks/{study}/{model}/series/{localizer}.jsonl"
            if JOBS == 1
            else "benchmarks/{study}/{model}/series/{localizer}/{job}.jsonl"
        )
    params:
        layers=of_model("layers"),
        ablation=silencing(*SERIAL),
        contrast=contrast_of,
        contrasts=sides_of,
        tasks=config["tasks"],
        seed=config["seed"],
        jobs=JOBS,
        masks="series",
    message:
        "Ablating more and fewer {wildcards.localizer} units of {wildcards.model}"


if ABLATION["values"]:

    # the target masks and some of their random controls, with another value in the place of their units
    use rule ablate as ablate_values with:
        input:
            inputs=f"{MASKED}/inputs.nc",
            weights=f"{MASKED}/weights.safetensors",
            moments=f"{MASKED}/moments.nc",
            maps=maps_for(*ABLATION["values"]),
            readouts=f"{MASKED}/readouts.nc" if config["readouts"] else [],
            masks=f"{MASKED}/masks/{{localizer}}.nc",
        output:
            expand(
                (
                    f"{MASKED}/values/{{value}}/{{localizer}}.nc"
                    if JOBS == 1
                    else f"{MASKED}/values/{{value}}/jobs/{{localizer}}/{{job}}.nc"
                ),
                value=ABLATION["values"],
                allow_missing=True,
            ),
        log:
            (
                "logs/{study}/{model}/values/ablate/{localizer}.log"
                if JOBS == 1
                else "logs/{study}/{model}/values/ablate/{localizer}/{job}.log"
            ),
        benchmark:
            (
                "benchmarks/{study}/{model}/values/ablate/{localizer}.jsonl"
                if JOBS == 1
                else "benchmarks/{study}/{model}/values/ablate/{localizer}/{job}.jsonl"
            )
        params:
            layers=of_model("layers"),
            ablation=silencing(*ABLATION["values"]),
            contrast=contrast_of,
            contrasts=sides_of,
            tasks=config["tasks"],
            seed=config["seed"],
            jobs=JOBS,
            masks="masks",
            controls=ABLATION["series_controls"],
            matching=ABLATION["matching"],
            values=ABLATION["values"],
        message:
            "Ablating the {wildcards.localizer} units of {wildcards.model} by other values"


if JOBS > 1:

    rule gather_outcomes:
        input:
            expand(
                f"{MASKED}/{{outcomes}}/jobs/{{localizer}}/{{job}}.nc",
                job=range(JOBS),
                allow_missing=True,
            ),
        output:
            f"{MASKED}/{{outcomes}}/{{localizer}}.nc",
        log:
            "logs/{study}/{model}/{outcomes}/{localizer}/gather.log",
        benchmark:
            "benchmarks/{study}/{model}/{outcomes}/{localizer}/gather.jsonl"
        conda:
            "../../envs/statistics.yaml"
        message:
            "Putting the outcomes of {wildcards.localizer} masks together"
        script:
            "../scripts/gather_outcomes.py"


rule effects:
    input:
        outcomes=expand(
            f"{MASKED}/outcomes/{{localizer}}.nc",
            localizer=config["localizers"],
            allow_missing=True,
        ),
    output:
        f"{MASKED}/effects.nc",
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
        inference=TESTED,
        seed=config["seed"],
    message:
        "Measuring the effects of ablation in {wildcards.model}"
    script:
        "../scripts/effects.py"


use rule effects as effects_of_values with:
    input:
        outcomes=expand(
            f"{MASKED}/values/{{value}}/{{localizer}}.nc",
            localizer=config["localizers"],
            allow_missing=True,
        ),
    output:
        f"{MASKED}/values/{{value}}.nc",
    log:
        "logs/{study}/{model}/values/{value}.log",
    benchmark:
        "benchmarks/{study}/{model}/values/{value}.jsonl"
    message:
        "Measuring the effects of the value {wildcards.value} in {wildcards.model}"


rule curves:
    input:
        outcomes=expand(
            f"{MASKED}/series/{{localizer}}.nc",
            localizer=config["localizers"],
            allow_missing=True,
        ),
    output:
        f"{MASKED}/curves.nc",
    log:
        "logs/{study}/{model}/curves.log",
    benchmark:
        "benchmarks/{study}/{model}/curves.jsonl"
    conda:
        "../../envs/statistics.yaml"
    params:
        tasks=config["tasks"],
        localizers=config["localizers"],
        inference=TESTED,
        seed=config["seed"],
    message:
        "Measuring the effects of more and fewer units in {wildcards.model}"
    script:
        "../scripts/curves.py"


rule changes:
    input:
        outcomes=expand(
            f"{MASKED}/outcomes/{{localizer}}.nc",
            localizer=config["localizers"],
            allow_missing=True,
        ),
    output:
        f"{MASKED}/changes.nc",
    log:
        "logs/{study}/{model}/changes.log",
    benchmark:
        "benchmarks/{study}/{model}/changes.jsonl"
    conda:
        "../../envs/statistics.yaml"
    params:
        tasks=config["tasks"],
        localizers=config["localizers"],
        inference=TESTED,
        seed=config["seed"],
    message:
        "Finding the labels that change under ablation in {wildcards.model}"
    script:
        "../scripts/changes.py"


rule replicates:
    input:
        effects=effects_of,
    output:
        "results/{study}/replicates/{replicates}.nc",
    log:
        "logs/{study}/replicates/{replicates}.log",
    benchmark:
        "benchmarks/{study}/replicates/{replicates}.jsonl"
    conda:
        "../../envs/statistics.yaml"
    params:
        models=lookup(within=config["replicates"], dpath="{replicates}"),
        inference=settings_of(INFERENCE, "confidence", "alpha", "least_performance"),
    message:
        "Comparing the effects of the {wildcards.replicates} models"
    script:
        "../scripts/replicates.py"


rule robustness:
    input:
        effects=f"{MASKED}/effects.nc",
        values=expand(
            f"{MASKED}/values/{{value}}.nc",
            value=ABLATION["values"],
            allow_missing=True,
        ),
        replicates=replicates_of,
        twin=effects_of_twin,
    output:
        f"{MASKED}/robustness.nc",
    log:
        "logs/{study}/{model}/robustness.log",
    benchmark:
        "benchmarks/{study}/{model}/robustness.jsonl"
    conda:
        "../../envs/statistics.yaml"
    params:
        value=ABLATION["value"],
        values=ABLATION["values"],
        groups=groups_of,
        untrained=of_model("untrained", ""),
        tasks=config["tasks"],
        localizers=config["localizers"],
        contrasts=config["contrasts"],
        dissociations=config["dissociations"],
    message:
        "Comparing the central results in {wildcards.model} under other conditions"
    script:
        "../scripts/robustness.py"
