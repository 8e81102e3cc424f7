"""What the figures are to be, beside what they are.

claims           for the rows of a benchmark: what is claimed, the figure, its target and whether it is met
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from tests.benchmarks.tables import Row

FLAT = 1.2  # the most that peak memory may grow for a hundred times the stimuli, and still be called flat


def claims(benchmark: str, rows: Sequence[Row]) -> list[Row]:
    """Compare rows with targets."""
    return list(CLAIMS[benchmark](rows)) if rows else []


def _at_most(claim: str, figure: float, most: float) -> Row:
    return {"claim": claim, "figure": figure, "target": f"≤ {most:g}", "met": figure <= most}


def _at_least(claim: str, figure: float, least: float) -> Row:
    return {"claim": claim, "figure": figure, "target": f"≥ {least:g}", "met": figure >= least}


def _forward(rows: Sequence[Row]) -> Iterator[Row]:
    for way, most in (("channel units", 1.05), ("position moments", 1.15)):
        for row in rows:
            if row["way"] == way:
                yield _at_most(f"{row['network']}: {way}, CPU time over bare", row["cpu_ratio"], most)


def _memory(rows: Sequence[Row]) -> Iterator[Row]:
    peaks = {row["stimuli"]: row["peak_MB"] for row in rows if row["series"] == "stimuli"}
    few, many = min(peaks), max(peaks)
    yield _at_most(f"peak memory with {many} stimuli over {few}", peaks[many] / peaks[few], FLAT)
    more = {(row["network"], row["what"]): row["peak_MB"] for row in rows if row["series"] == "network"}
    for (network, what), peak in more.items():
        if what == "moments":
            yield _at_most(f"{network}: MB beyond the bare pass, position moments", peak - more[network, "bare"], 300)


def _store(rows: Sequence[Row]) -> Iterator[Row]:
    by = {row["store"]: row for row in rows}
    chosen = next(row for name, row in by.items() if name.startswith("stream ("))
    yield _at_least("streamed write over to_netcdf with zlib", chosen["write"] / by["to_netcdf zlib 1"]["write"], 8)
    for state in ("cold", "warm"):
        slab = f"units_{state}"
        yield _at_least(f"slab of units over contiguous file, {state}", chosen[slab] / by["stream contiguous"][slab], 5)


def _shards(rows: Sequence[Row]) -> Iterator[Row]:
    yield _at_least("shards that gather to identical contents, of all", sum(r["identical"] for r in rows), len(rows))
    two = [row for row in rows if row["shards"] == 2]
    for row in two:
        yield _at_least("efficiency of 2 shards", row["efficiency"], 0.9)


def _moments(rows: Sequence[Row]) -> Iterator[Row]:
    kept = [row for row in rows if row["way"] == "leaf, float64, in a tree"]
    for row in kept:
        yield _at_most(f"relative error of t, mean/sd {row['data']}", row["t"], 1e-6)


def _statistics(rows: Sequence[Row]) -> Iterator[Row]:
    by = {(row["task"].split(",")[0], row["task"].partition(", ")[2], row["way"].split(",")[0]): row for row in rows}
    for (task, detail, way), row in by.items():
        if way == "contrast.welch":
            yield _at_most(f"s for the contrast of {row['of']} units from moments", row["all_s"], 3)
        if way == "ranks.auroc":
            loop = by[task, detail, "sklearn.metrics.roc_auc_score"]
            yield _at_least(f"AUROC, {detail}: speed over scikit-learn's loop", loop["all_s"] / row["all_s"], 30)
        if way == "inference.resample and intervals":
            yield _at_most(f"s for the intervals of {row['of']} columns, {detail}", row["seconds"], 5)
            yield _at_most("peak memory of its process in MB", row["peak_MB"], 2**30 / 1e6)


def _ablation(rows: Sequence[Row]) -> Iterator[Row]:
    late = ("layer4 alone", "one stage at a time")
    for row in rows:
        claim = f"{row['network']}: masks in {row['masks in']}, {row['value']}, CPU time over a bare pass for each mask"
        yield _at_most(claim, row["cpu_ratio"], {late[0]: 0.3, late[1]: 0.75}.get(row["masks in"], 1.05))


def _gpu(rows: Sequence[Row]) -> Iterator[Row]:
    for row in rows:
        if row["way"].startswith("channel units"):
            yield _at_most(f"{row['network']}: channel units, wall time over bare", row["wall_ratio"], 1.05)
            yield _at_least(f"{row['network']}: share of time in which the device is busy", row["busy"], 0.9)


def _dag(rows: Sequence[Row]) -> Iterator[Row]:
    for row in rows:
        if row["study"] == "large":
            yield _at_most(f"CPU s until {row['jobs']} jobs are known", row["cpu_s"], 10)


def _overhead(rows: Sequence[Row]) -> Iterator[Row]:
    for kind, most in (("statistics", 3), ("torch", 8)):
        those = [row for row in rows if row["kind"] == kind]
        for key, where, bound in (("local_s", "locally", most), ("cluster_s", "on a cluster", 12)):
            worst = max(those, key=lambda row, key=key: row[key], default=None)
            if worst is not None:
                yield _at_most(f"CPU s beside the work of a {kind} job, {where}: {worst['rule']}", worst[key], bound)


CLAIMS: dict[str, Callable[[Sequence[Row]], Iterator[Row]]] = {
    "forward": _forward,
    "memory": _memory,
    "store": _store,
    "shards": _shards,
    "moments": _moments,
    "statistics": _statistics,
    "ablation": _ablation,
    "gpu": _gpu,
    "dag": _dag,
    "overhead": _overhead,
}
