"""Run the script of a job in this new process, twice, and print what each time took as JSON; `overhead` starts it."""

from __future__ import annotations

import json
import os
import runpy
import sys


def main(script: str) -> dict[str, object]:
    """Run a script; give its rule, whether it loads torch, and CPU seconds.

    Returns
    -------
    dict
        ``anew_s``: from the start of this process to the end of the first time, as a job takes them; ``again_s``: of
        the second time, for which all is imported. Those of processes that the script starts count, too.
    """
    rule = runpy.run_path(script, run_name="__main__")["snakemake"].rule
    anew = _used()
    runpy.run_path(script, run_name="__main__")
    return {"rule": rule, "torch": "torch" in sys.modules, "anew_s": anew, "again_s": _used() - anew}


def _used() -> float:
    return sum(os.times()[:4])


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1])))
