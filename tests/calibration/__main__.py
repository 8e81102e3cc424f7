"""Run calibrations and print their tables with Monte-Carlo errors.

    python -m tests.calibration [--quick] [coverage groups hierarchy nulls families discovery planted]

All run by default; `--quick` takes a tenth of the repetitions. A calibration is a module with ``main(share) -> rows``,
named in `NAMES`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from importlib import import_module

from tests.calibration.counting import Row, text

NAMES = ("coverage", "groups", "hierarchy", "nulls", "families", "discovery", "planted")


def main(arguments: Sequence[str] | None = None) -> dict[str, list[Row]]:
    """Run what is asked for; give the rows of each."""
    parser = argparse.ArgumentParser(prog="python -m tests.calibration", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="calibration", help=f"of {', '.join(NAMES)}; all by default")
    parser.add_argument("--quick", action="store_true", help="a tenth of the repetitions")
    asked = parser.parse_args(arguments)
    for name in asked.names:
        if name not in NAMES:
            parser.error(f"there is no calibration {name!r}; there are {', '.join(NAMES)}")
    found = {}
    for name in asked.names or NAMES:
        start = time.perf_counter()
        calibration = import_module(f"tests.calibration.{name}")
        print(f"\n{name}: {(calibration.__doc__ or '').splitlines()[0]}", flush=True)
        found[name] = calibration.main(0.1 if asked.quick else 1.0)
        print(f"{text(found[name])}\n({time.perf_counter() - start:.0f} s)", flush=True)
    return found


if __name__ == "__main__":
    main()
