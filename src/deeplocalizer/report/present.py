"""Which of the jobs that left a benchmark are jobs of the study as it is now.

belongs          whether a job is one of the study: others are left from an earlier configuration of it

Snakemake leaves benchmarks and logs where they are when a model, a localizer or a job of several is no longer asked
for, and the page of the report has one from when it was last rendered.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

RENDERING = ("report", "pdf")  # while they run, their own time is not known yet
# rules whose work may be shared among several jobs, and the wildcard that tells these apart
SHARED = {"record": "shard", "ablate": "job", "ablate_series": "job", "ablate_values": "job"}


def belongs(
    rule: str, wildcards: Mapping[str, Any], config: Mapping[str, Any], rules: Collection[str] | None = None
) -> bool:
    """Say whether a job is one of a study.

    Parameters
    ----------
    rule : str
        Empty where it is not known: then the job counts.
    wildcards : mapping
        What the job was run for, as Snakemake's extended benchmarks tell; empty where they do not.
    config : mapping
        The configuration of the study, with every default.
    rules : collection of str or None
        The names of all rules of the study; None where they are not known.
    """
    if not rule:
        return True
    if rule in RENDERING or (rules is not None and rule not in rules):
        return False
    numbers = {"shard": config["recording"]["shards"], "job": config["ablation"]["jobs"]}
    shared = SHARED.get(rule)
    if wildcards and shared and (shared in wildcards) != (numbers[shared] > 1):
        return False
    known: dict[str, Collection[str]] = {
        "study": [config["study"]],
        "category": config["stimuli"]["categories"],
        "model": config["models"],
        "contrast": config["contrasts"],
        "localizer": config["localizers"],
        "replicates": config["replicates"],
        "value": config["ablation"]["values"],
        "outcomes": ["outcomes", "series", *(f"values/{value}" for value in config["ablation"]["values"])],
    }
    known |= {name: [str(place) for place in range(number)] for name, number in numbers.items()}
    return all(str(value) in known[name] for name, value in wildcards.items() if name in known)
