"""What a study took: time, memory, machines and programs.

sentence         how long the jobs took, and which rule took most
machines_told    on how many machines they ran
by_rule          time and memory by rule
jobs             time and memory of each job
machines         where the jobs ran
software         packages and their versions
version          the version of this package that made the artefacts
workflow         of how many rules the study is made
rules_described  the figure of the rules for those who do not see it

Times and memory are those of Snakemake's benchmarks, machines those that logs begin with: both stand beside the
artefacts, and tell of the last run of each job: of the attempt that succeeded, where it was tried again. A job whose
output came from Snakemake's cache ran in another study and is not among them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import pandas as pd

from deeplocalizer.progress import duration
from deeplocalizer.report import wording
from deeplocalizer.report.markup import html
from deeplocalizer.report.study import Job, Study

_MEMORY = "Memory (MiB)"


def sentence(study: Study) -> str:
    """Say how long the jobs took, which rule took most of it, and which job held most memory."""
    timed = [job for job in study.jobs if math.isfinite(job.seconds)]
    if not timed:
        return "No job left a measurement of its time."
    total = sum(job.seconds for job in timed)
    told = f"{_jobs(len(timed))} {'took' if len(timed) == 1 else 'took together'} {duration(total)}"
    rules = _rules(timed)
    if len(rules) > 1 and total > 0:
        name, members = rules[0]
        share = sum(job.seconds for job in members) / total
        told += f", {wording.percent(share, 0)} of it in {wording.code(name)}"
    measured = [job for job in timed if math.isfinite(job.memory)]
    if measured:
        largest = max(measured, key=lambda job: job.memory)
        told += f"; most memory, {wording.decimal(largest.memory, 0)}{wording.NO_BREAK}MiB, was held in "
        told += wording.code(largest.rule or largest.name)
    return f"{wording.capitalized(told)}."


def machines_told(study: Study) -> str:
    """Say on how many machines the jobs ran; nothing where no log tells."""
    number = len({machine for machine, _ in study.machines})
    if not number:
        return ""
    jobs, used = sum(study.machines.values()), sum(n for (_, accelerator), n in study.machines.items() if accelerator)
    where = "one machine" if number == 1 else f"machines of {wording.count(number, 'kind')}"
    graphics = f", {used:,} of them with a graphics processor" if used else ", none with a graphics processor"
    every = jobs == len(study.jobs)
    who = _jobs(jobs) if every else wording.count(jobs, "job")
    tell = "By their logs" if every else "By the logs that name a machine"
    return f"{tell}, {who} ran on {where}{graphics}."


def by_rule(study: Study) -> str:
    """Sum up the jobs by rule, the rules that took longest first.

    A job of which the rule is not known stands by itself, under its own name.
    """
    rows = [_row(name, members) for name, members in _rules(study.jobs)]
    if len(rows) > 1:
        rows.append(_row("all", study.jobs))
    columns = ["Rule", "Jobs", "Seconds", "Longest job", "Processor seconds", f"Most {_MEMORY[0].lower()}{_MEMORY[1:]}"]
    return html(pd.DataFrame(rows, columns=columns), code=["Rule"])


def jobs(study: Study) -> str:
    """List what each job took."""
    rows = [
        {"Job": job.name, "Seconds": wording.decimal(job.seconds), _MEMORY: wording.decimal(job.memory, 0)}
        for job in study.jobs
    ]
    return html(pd.DataFrame(rows, columns=["Job", "Seconds", _MEMORY]), code=["Job"])


def machines(study: Study) -> str:
    """List the machines that jobs ran on, with the graphics processors that they used."""
    rows = [
        {"Machine": machine, "Graphics processor": accelerator or wording.ABSENT, "Jobs": f"{number:,}"}
        for (machine, accelerator), number in study.machines.items()
    ]
    return html(pd.DataFrame(rows, columns=["Machine", "Graphics processor", "Jobs"]), text=["Graphics processor"])


def software(study: Study) -> str:
    """List the packages that wrote the artefacts, and Snakemake that ran them, with their versions."""
    found: dict[str, set[str]] = {}
    for one in study.artefacts:
        for package, version in one.software.items():
            found.setdefault(package, set()).add(version)
    if "snakemake" in study.rules:
        found["snakemake"] = {str(study.rules["snakemake"])}
    rows = [{"Package": package, "Version": ", ".join(sorted(versions))} for package, versions in found.items()]
    return html(pd.DataFrame(rows, columns=["Package", "Version"]), text=["Version"])


def version(study: Study) -> str:
    """Name this package with the versions that made the artefacts."""
    found = {one.software["deeplocalizer"] for one in study.artefacts if "deeplocalizer" in one.software}
    return f"DeepLocalizer {wording.listed(sorted(found))}".rstrip()


def workflow(study: Study) -> str:
    """Say of how many rules and stages the workflow of the study is made."""
    number, stages = len(study.rules["rules"]), len({rule["stage"] for rule in study.rules["rules"]})
    return f"{wording.count(number, 'rule')} in {wording.count(stages, 'stage')} make the study"


def rules_described(study: Study) -> str:
    """Describe the figure of the rules for those who do not see it."""
    names = [rule["name"] for rule in study.rules["rules"]]
    needed = {source for source, _ in study.rules["edges"]}
    last = wording.listed(name for name in names if name not in needed)
    return f"{len(names)} boxes with the names of rules, joined by arrows that all lead to {last}"


def _rules(jobs: Sequence[Job]) -> list[tuple[str, list[Job]]]:
    """Put jobs together by rule, the rule that took longest first."""
    found: dict[str, list[Job]] = {}
    for job in jobs:
        found.setdefault(job.rule or job.name, []).append(job)
    return sorted(found.items(), key=lambda item: (-sum(_finite(job.seconds for job in item[1])), item[0]))


def _row(name: str, members: Sequence[Job]) -> list[str]:
    seconds, memory = _finite(job.seconds for job in members), _finite(job.memory for job in members)
    processor = _finite(job.processor for job in members)
    return [
        name,
        f"{len(members):,}",
        wording.decimal(sum(seconds) if seconds else math.nan),
        wording.decimal(max(seconds, default=math.nan)),
        wording.decimal(sum(processor) if processor else math.nan),
        wording.decimal(max(memory, default=math.nan), 0),
    ]


def _finite(values: Iterable[float]) -> list[float]:
    """Leave out what was not measured."""
    return [value for value in values if math.isfinite(value)]


def _jobs(number: int) -> str:
    """Name a number of jobs."""
    return "the one job" if number == 1 else f"the {wording.count(number, 'job')}"
