"""Ask Snakemake which rule needs the output of which, for the report of this study."""

import json
import re
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from deeplocalizer import whole
from deeplocalizer.logging import log_to

VERSION = "from importlib.metadata import version; print(version('snakemake'))"
NODE = re.compile(r'^\s*(\d+)\[label = "([^"\\]+)')
EDGE = re.compile(r"^\s*(\d+) -> (\d+)\s*$")
RULE = re.compile(r"^\s*(?:rule|checkpoint) (\w+):|^\s*use rule \w+(?: from \w+)? as (\w+)(?: with)?:")


def ran(*arguments: str) -> str:
    """Run the Python that Snakemake runs in, whatever lies in the folder of the workflow, and take what it prints."""
    # this job may have an environment of its own, without Snakemake
    command = [snakemake.params.python, "-P", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        said = done.stderr.strip() or done.stdout.strip()
        raise RuntimeError(f"Snakemake gives no rule graph of {snakemake.params.target}: {said}")
    return done.stdout


def graph_of(target: str, config: dict) -> str:
    """Ask for the graph of the same workflow with the same configuration, whatever profile this run has."""
    with TemporaryDirectory() as temporary:
        given = Path(temporary, "config.json")
        given.write_text(json.dumps(config), encoding="utf-8")
        known = ["--snakefile", snakemake.params.snakefile[0], "--configfile", str(given), "--cores", "1"]
        known += ["--profile", "none", "--workflow-profile", "none"]
        # the folder is locked by the run that this job is part of, and files are being written in it
        return ran("-m", "snakemake", *known, "--nolock", "--rerun-incomplete", "--rulegraph", "dot", "--", target)


def stages() -> dict[str, str]:
    """Find the file that each rule is written in: files are named as the stages of the study."""
    found = {}
    for path in map(Path, [*snakemake.params.rules, *snakemake.params.snakefile]):
        for match in filter(None, map(RULE.match, path.read_text(encoding="utf-8").splitlines())):
            found[match[1] or match[2]] = path.stem
    return found


with log_to(snakemake.log[0], snakemake.input, snakemake.output) as log:
    drawn = graph_of(snakemake.params.target, snakemake.config).splitlines()
    names = {match[1]: match[2] for match in filter(None, map(NODE.match, drawn))}
    edges = sorted([names[match[1]], names[match[2]]] for match in filter(None, map(EDGE.match, drawn)))
    stage_of = stages()
    graph = {
        "snakemake": ran("-c", VERSION).strip(),
        # in the order of the stages, so that Snakemake's own numbers do not matter
        "rules": [{"name": name, "stage": stage} for name, stage in stage_of.items() if name in names.values()],
        "edges": edges,
    }
    missing = sorted(set(names.values()) - set(stage_of))
    if missing or not edges:
        raise RuntimeError(f"no rule of {', '.join(missing) or snakemake.params.target} was found in the workflow")
    log.info("%d rules, %d edges", len(graph["rules"]), len(edges))
    whole.write(json.dumps(graph, indent=1) + "\n", snakemake.output[0])
