"""What Snakemake would run, and why, asked many times in one process; and studies that look finished.

Job              a job that would run, and why
planned          the jobs that Snakemake would run for a configuration in a folder
told             what Snakemake says
pretend          make a study look finished: each of its files is there, and Snakemake has noted how it was made
first            those that would run for a reason of their own, not because another job runs before them
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from snakemake import api, cli
from snakemake.settings.types import (
    ConfigSettings,
    DAGSettings,
    ExecutionSettings,
    OutputSettings,
    Quietness,
    ResourceSettings,
)

from tests.workflow.conftest import ROOT, command

AFTER = "input files updated by another job"


@dataclass(frozen=True)
class Job:
    """A job that would run, and why."""

    rule: str
    wildcards: tuple[tuple[str, str], ...]
    reasons: frozenset[str]

    def __str__(self) -> str:
        known = [value for name, value in self.wildcards if name != "study"]
        return " ".join([self.rule, *known])


def _told(folder: Path, config: dict, pseudo: str, snakefile: Path) -> list[list]:
    """Ask Snakemake in this process, which is not the same afterwards."""
    _, parsed = cli.parse_args([*command(folder, config)[3:], "--cores", "2"])  # with what the profile says
    with api.SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as snakemake:
        workflow = snakemake.workflow(
            resource_settings=ResourceSettings(cores=2),
            config_settings=ConfigSettings(configfiles=parsed.configfile),
            snakefile=snakefile,
            workdir=folder,
        )
        dag = workflow.dag(DAGSettings(forceall=pseudo == "touch", rerun_triggers=parsed.rerun_triggers))
        dag.execute_workflow("local", pseudo, ExecutionSettings(lock=False))
        made = workflow._workflow.dag
        why = {job: sorted(made.reason(job).get_names()) for job in made.jobs}
        return [
            [job.rule.name, sorted(job.wildcards_dict.items()), why[job], list(job.output)]
            for job in made.jobs
            if why[job] and job.rule.name != "all"
        ]


def _forked(ask: Callable[..., object], *given: object) -> tuple[Any, str]:
    """Ask in a copy of this process: Snakemake keeps much in it, and starting a new one takes a second.

    Returns what is answered, None where Snakemake stops, and what it says.
    """
    with tempfile.TemporaryDirectory() as temporary:
        answer, said = Path(temporary, "answer.json"), Path(temporary, "said.txt")
        child = os.fork()
        if not child:
            out = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(out, 1)
            os.dup2(out, 2)
            sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")  # not those of pytest
            try:
                answer.write_text(json.dumps(ask(*given)))
            except SystemExit:
                pass
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(0)
        os.waitpid(child, 0)
        return json.loads(answer.read_text()) if answer.exists() else None, said.read_text()


def _jobs(*given: object) -> list[list]:
    found, said = _forked(_told, *given)
    assert found is not None, said
    return found


def _run(words: Sequence[str], environment: Mapping[str, str]) -> None:
    os.environ.update(environment)
    cli.main(words)


def told(folder: Path, config: dict, *words: str, environment: Mapping[str, str] | None = None) -> str:
    """Give what Snakemake says when it is called with these words."""
    return _forked(_run, [*command(folder, config)[3:], *words], environment or {})[1]


def planned(folder: Path, config: dict, snakefile: Path = ROOT / "Snakefile") -> list[Job]:
    """Give the jobs that Snakemake would run for a configuration in a folder, with the triggers of the profile."""
    found = _jobs(folder, config, "dryrun", snakefile)
    return [Job(rule, tuple(map(tuple, known)), frozenset(why)) for rule, known, why, _ in found]


def first(jobs: Iterable[Job]) -> list[Job]:
    """Give those that would run for a reason of their own, not because another job runs before them."""
    return [job for job in jobs if job.reasons != {AFTER}]


def pretend(folder: Path, config: dict) -> Sequence[Job]:
    """Make a study look finished: each of its files is there, and Snakemake has noted how it was made."""
    for _, _, _, output in _jobs(folder, config, "dryrun", ROOT / "Snakefile"):
        for path in (folder / name for name in output):
            if path.suffix:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(str(path.relative_to(folder)))
            else:
                path.mkdir(parents=True, exist_ok=True)
                (path / "table.csv").write_text("")
    _jobs(folder, config, "touch", ROOT / "Snakefile")
    # all of one time: jobs are touched in an order of chance, and a new one is compared with those that need it
    made = [path for path in folder.glob("results/**/*") if path.is_file()]
    now = max(path.stat().st_mtime for path in made)
    for path in made:
        os.utime(path, (now, now))
    return planned(folder, config)
