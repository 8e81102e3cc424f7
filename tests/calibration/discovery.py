"""How many of the units that are found are false, and how often a bound on the true ones is too high.

``fdp`` is the false discovery proportion on average, for independent units and for units that share noise; ``above``
the share of runs in which All-Resolution Inference claims more true units than there are, in any of many masks at once.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from deeplocalizer import contrast, multiplicity
from tests.calibration.counting import Row, error, seeds

LEVEL = 0.05
SIZES = (5, 20, 100, 400)  # units of the masks that are bounded at once: the highest, and those in the middle


def simulate(against: str, method: str, common: float, units: int, there: int, stimuli: int, runs: int) -> Row:
    """Contrast units of which the first few prefer, and count what is found.

    ``against`` is ``zero``, or ``least``: the others then have the least effect itself, which is no discovery either.
    """
    proportions, power, above = [], [], []
    for rng in seeds(f"discovery {against} {method} {common} {units} {there} {stimuli}", runs):
        found = _contrast(rng, 0.2 if against == "least" else 0.0, common, units, there, stimuli)
        log10_p = found["log10_p" if against == "zero" else "log10_p_least"]
        chosen = multiplicity.log10_q(log10_p, method) <= np.log10(LEVEL)
        proportions.append(chosen[there:].sum() / max(chosen.sum(), 1))
        power.append(chosen[:there].mean() if there else np.nan)
        above.append(_above(log10_p, there))
    return {
        "against": against,
        "method": method,
        "common": common,
        "units": units,
        "there": there,
        "runs": runs,
        "fdp": float(np.mean(proportions)),
        "error": float(np.std(proportions) / np.sqrt(runs)) or error(0.0, runs),
        "power": float(np.mean(power)),
        "above": float(np.mean(above)),
        "above_error": error(LEVEL, runs),
    }


def main(share: float = 1.0) -> list[Row]:
    """Give the table."""
    runs = int(600 * share)
    cases = (
        ("zero", "benjamini_hochberg", 0.0, 1000, 0),
        ("zero", "benjamini_hochberg", 0.0, 1000, 100),
        ("zero", "benjamini_hochberg", 0.5, 1000, 100),
        ("zero", "benjamini_yekutieli", 0.5, 1000, 100),
        ("least", "benjamini_hochberg", 0.0, 1000, 100),
    )
    return [simulate(*case, stimuli=60, runs=runs) for case in cases]


def _contrast(
    rng: np.random.Generator, least: float, common: float, units: int, there: int, stimuli: int
) -> dict[str, np.ndarray]:
    effect = np.full(units, least)
    effect[:there] = least + 1.0
    sides = []
    for shift in (effect, 0.0):
        noise = np.sqrt(1 - common) * rng.standard_normal((stimuli, units))
        values = noise + np.sqrt(common) * rng.standard_normal((stimuli, 1)) + shift
        mean = values.mean(axis=0)
        cells = {"mean": mean, "m2": np.square(values - mean).sum(axis=0)}
        columns = {
            name: (("category", "split", "fold", "unit"), value[None, None, None]) for name, value in cells.items()
        }
        sides.append(xr.Dataset(columns))
    moments = xr.concat(sides, "category").assign_coords(
        category=["one", "other"], split=["localize"], fold=[0], unit=np.arange(units)
    )
    moments["count"] = (("category", "split", "fold"), np.full((2, 1, 1), stimuli))
    compared = contrast.compare(moments, {"preferred": ["one"], "other": ["other"]})
    return {"log10_p": compared.log10_p, "log10_p_least": compared.log10_p_least(0.2)}


def _above(log10_p: np.ndarray, there: int) -> bool:
    """Say whether more units are claimed than there are, in any of some masks."""
    closed = multiplicity.ClosedSimes(log10_p, LEVEL)
    order = np.argsort(log10_p, kind="stable")
    for size in SIZES:
        for start in (0, len(order) // 4):
            mask = np.zeros(len(order), dtype=bool)
            mask[order[start : start + size]] = True
            if closed.among(mask) > mask[:there].sum():
                return True
    return False
