"""What Snakemake makes of a profile: run as a program, it prints the resources of every rule as JSON.

Its arguments are Snakemake's, for a dry run.
"""

import json
import sys

from snakemake import cli
from snakemake.workflow import Workflow

ATTEMPTS = (1, 2, 3)
SIZES = (1, 1000)
plain = Workflow.execute


class Files(list):
    """Input of some size, wherever it may be."""

    def __init__(self, size: float) -> None:
        super().__init__(["small", "large"])
        self.size_mb, self.size_files_mb = size, [size / 10, size * 9 / 10]


def told(workflow: Workflow) -> dict:
    """Give the resources of every rule that has jobs, those of one of them, by size of the input and by attempt."""
    found = {}
    for job in workflow.dag.jobs:
        made = {
            size: [dict(job.rule.expand_resources(job.wildcards, Files(size), attempt)) for attempt in ATTEMPTS]
            for size in SIZES
        }
        local = job.rule.norun or job.rule.name in workflow._localrules  # in a dry run, is_local is true of all
        found[job.rule.name] = {"local": local, "made": made}
    return found


def execute(self, *arguments, **options):
    """Run dry, then tell."""
    plain(self, *arguments, **options)
    scripts = [rule.name for rule in self.rules if rule.script]
    print(json.dumps({"jobs": told(self), "rules": scripts}, default=str))


if __name__ == "__main__":
    Workflow.execute = execute
    cli.main(["--dry-run", "--quiet=all", *sys.argv[1:]])
