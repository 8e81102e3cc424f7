"""Jobs that outlived the Snakemake that submitted them.

refusal          say why nothing may start in a folder where such jobs still work
"""

from __future__ import annotations

import logging
import shutil
import subprocess
from collections.abc import Collection
from pathlib import Path

log = logging.getLogger("deeplocalizer")
PATIENCE = 30  # seconds
UNKNOWN = "Could not establish a configuration source"  # says squeue where it is installed and no cluster is


def refusal(folder: Path, study: str, parts: Collection[str]) -> str:
    """Say why nothing of a study may start in a folder.

    A killed Snakemake leaves its jobs in the queue of the cluster. Two jobs that write the same file would end each
    other, so they are looked for before others are submitted.

    Parameters
    ----------
    folder : path
        In which Snakemake works.
    study : str
        Jobs of others may go on.
    parts : collection of str
        Its categories, models and groups of replicates: a job is named by its study and one of these, and the names of
        two studies may begin alike.

    Returns
    -------
    str
        Which jobs still work there, and how to end them; empty if none do, if there is no Slurm, or if it does not
        answer, which is warned of.
    """
    if not shutil.which("squeue"):
        return ""
    words = ["squeue", "--me", "--noheader", "--format=%i|%j|%k|%Z"]
    try:
        asked = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        said = str(getattr(error, "stderr", None) or error).strip().splitlines()[-1]
        if UNKNOWN not in said:
            log.warning(
                "squeue does not answer (%s): if a Snakemake was killed that was started here, see to it that none of "
                "its jobs still works",
                said,
            )
        return ""
    jobs = [line.split("|", 3) for line in asked.stdout.splitlines() if line.count("|") >= 3]
    left = [(number, run) for number, run, rule, place in jobs if _of(rule, study, parts) and _same(place, folder)]
    if not left:
        return ""
    runs = ",".join(sorted({run for _, run in left}))
    return (
        f"Jobs of an earlier run of {study} are still in Slurm's queue: {', '.join(number for number, _ in left)}. "
        "Others that write the same files cannot start beside them. Wait until they have ended, or end them: "
        f"scancel --name={runs}"
    )


def _of(rule: str, study: str, parts: Collection[str]) -> bool:
    """Whether the executor's comment on a job tells of this study, or at least of no other."""
    _, found, wildcards = rule.partition("_wildcards_")
    if not rule.startswith(("rule_", "group_")):
        return False
    begins = [f"{study}_{part}_" for part in parts]
    return not found or wildcards == study or f"{wildcards}_".startswith(tuple(begins))


def _same(place: str, folder: Path) -> bool:
    try:
        return Path(place).samefile(folder)
    except OSError:
        return False
