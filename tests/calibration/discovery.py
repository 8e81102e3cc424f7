"""How many of the units that are found are false, and how often a bound on the true ones is too high.

main             the table of discoveries: ``fdp`` is the false discovery proportion on average, for independent units
                 and for units that share noise; ``above`` the share of runs in which All-Resolution Inference claims
                 more true units than there are, in any of many masks at once
opposing         the same of masks by q, where most units prefer the other side
least            how often p against a minimum effect is at most a level where the effect is just that, by group sizes
                 and standard deviations
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from deeplocalizer import contrast, masks, multiplicity, units
from tests.calibration.counting import Row, error, seeds

LEVEL = 0.05
LEAST = 0.2
SIZES = (5, 20, 100, 400)  # units of the masks that are bounded at once: the highest, and those in the middle
SIDES = {"preferred": ["one"], "other": ["other"]}
DRAWS = 500  # units of a run of `least`


def simulate(against: str, method: str, common: float, units: int, there: int, stimuli: int, runs: int) -> Row:
    """Contrast units of which the first few prefer, and count what is found.

    ``against`` is ``zero``, or ``least``: the others then have the least effect itself, which is no discovery either.
    """
    proportions, power, above = [], [], []
    for rng in seeds(f"discovery {against} {method} {common} {units} {there} {stimuli}", runs):
        effect = np.full(units, LEAST if against == "least" else 0.0)
        effect[:there] += 1.0
        compared = contrast.compare(_moments(rng, effect, common, stimuli), SIDES)
        log10_p = compared.log10_p if against == "zero" else compared.log10_p_least(LEAST)
        chosen = multiplicity.log10_q(log10_p, method) <= np.log10(LEVEL)
        proportions.append(_false(chosen, np.arange(units) < there))
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


def opposing(share: float = 1.0) -> list[Row]:
    """Select units by q on the side of few, while many prefer the other side and the rest neither."""
    runs = int(200 * share)
    cases = (("positive", False), ("negative", False), ("absolute", False), ("positive", True), ("negative", True))
    return [_opposing(sign, least, runs) for sign, least in cases]


def _opposing(sign: str, least: bool, runs: int, count: int = 2000, many: int = 1000, few: int = 10) -> Row:
    layout = units.table([units.Layer("one", 0, (count,))], ["mean"])
    rule = {"statistic": "t", "sign": sign, "scope": "network", "q": LEVEL, "least": least}
    few_side = -1.0 if sign == "negative" else 1.0
    limit = LEAST if least else 0.0
    effect = np.full(count, few_side * limit)
    effect[:many], effect[many : many + few] = -few_side, few_side * (limit + 1.0)
    true = np.abs(effect) > limit if sign == "absolute" else few_side * effect > limit
    proportions, power = [], []
    for rng in seeds(f"opposing {sign} {least}", runs):
        moments = _moments(rng, effect, 0.0, 50).assign_coords(layout.coords)
        found = contrast.welch(moments, {"c": SIDES}, least_d=LEAST).sel(contrast="c")
        chosen = masks.select(found, rule)
        proportions.append(_false(chosen, true))
        power.append(chosen[true].mean())
    return {
        "sign": sign,
        "least": least,
        "runs": runs,
        "fdp": float(np.mean(proportions)),
        "error": float(np.std(proportions) / np.sqrt(runs)),
        "power": float(np.mean(power)),
    }


def least(share: float = 1.0) -> list[Row]:
    """Count how often p against a minimum effect is small where d of the population is just the minimum."""
    runs = int(200 * share)
    designs = (
        ((30, 300), (1.0, 1.0)),
        ((30, 300), (2.0, 1.0)),
        ((30, 300), (3.0, 1.0)),
        ((300, 30), (3.0, 1.0)),
        ((50, 50), (3.0, 1.0)),
        ((15, 60), (1.0, 2.0)),
        ((60, 15, 40), (1.0, 2.0, 0.5)),
    )
    return [_least(counts, spreads, level, runs) for counts, spreads in designs for level in (0.05, 0.01, 0.001)]


def _least(counts: tuple[int, ...], spreads: tuple[float, ...], level: float, runs: int) -> Row:
    """The first group is preferred; two others are averaged by weights of 3 to 1."""
    weights = (1.0, -1.0) if len(counts) == 2 else (1.0, -0.75, -0.25)
    freedom = sum(counts) - len(counts)
    pooled = np.sqrt(sum((n - 1) * sd**2 for n, sd in zip(counts, spreads, strict=True)) / freedom)
    rates = {"two_sided": 0.0, "greater": 0.0}
    for rng in seeds(f"least {counts} {spreads}", runs):
        groups = []
        for row, (weight, n, sd) in enumerate(zip(weights, counts, spreads, strict=True)):
            values = sd * rng.standard_normal((n, DRAWS)) + (LEAST * pooled if row == 0 else 0.0)
            groups.append(contrast.Group(weight, n, values.mean(axis=0), n * values.var(axis=0)))
        found = contrast.Comparison(groups).least(LEAST)
        for side in rates:
            rates[side] += float((getattr(found, side) <= np.log10(level)).mean()) / runs
    of = {"counts": str(counts), "spreads": str(spreads), "level": level, "units": runs * DRAWS}
    return {**of, **rates, "error": error(level, runs * DRAWS)}


def _moments(rng: np.random.Generator, effect: np.ndarray, common: float, stimuli: int) -> xr.Dataset:
    """Draw responses to two categories, so many stimuli each, whose mean differs by the effect."""
    sides = []
    for shift in (effect, 0.0):
        noise = np.sqrt(1 - common) * rng.standard_normal((stimuli, len(effect)))
        values = noise + np.sqrt(common) * rng.standard_normal((stimuli, 1)) + shift
        mean = values.mean(axis=0)
        cells = {"mean": mean, "m2": np.square(values - mean).sum(axis=0)}
        columns = {
            name: (("category", "split", "fold", "unit"), value[None, None, None]) for name, value in cells.items()
        }
        sides.append(xr.Dataset(columns))
    moments = xr.concat(sides, "category").assign_coords(
        category=["one", "other"], split=["localize"], fold=[0], unit=np.arange(len(effect))
    )
    moments["count"] = (("category", "split", "fold"), np.full((2, 1, 1), stimuli))
    return moments


def _false(chosen: np.ndarray, true: np.ndarray) -> float:
    """Give the share of what was chosen that is not true; 0 where nothing was."""
    return float((chosen & ~true).sum() / max(chosen.sum(), 1))


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
