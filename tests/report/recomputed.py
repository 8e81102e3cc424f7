"""What a report must say, computed anew from files by NumPy and SciPy: nothing here comes from the library.

said             phrases that must stand on the page, by section
"""

from pathlib import Path

import numpy as np
import scipy.stats
import xarray as xr


def said(folder: Path, config: dict, outcomes: dict[str, xr.Dataset]) -> dict[str, list[str]]:
    """Compute phrases of every section.

    Parameters
    ----------
    folder : path
        The artefacts of the model; the stimuli lie in the folder above, or beside.
    config : dict
    outcomes : dict
        For each localizer that names a task: outcomes of every test stimulus, intact and under every mask.
    """
    files = {path.stem: xr.open_dataset(path) for path in folder.glob("*.nc")}
    stimuli = next(path for path in (folder.parent / "stimuli.nc", folder / "stimuli.nc") if path.exists())
    sections = {"stimuli": stimuli_of(xr.open_dataset(stimuli)), "confounds": confounds_of(files["confounds"], config)}
    sections |= {"network": network_of(files["contrast"], files["effects"])}
    sections |= {"preferences": preferences_of(files["contrast"], config), "masks": masks_of(files["masks"], config)}
    sections |= {"ablation": ablation_of(outcomes, files["effects"], config)}
    further = {
        "extremes": extremes_of, "nulls": nulls_of, "reliability": reliability_of, "changes": changes_of,
        "curves": curves_of, "readouts": readouts_of, "robustness": robustness_of,
    }  # fmt: skip
    for kind, compute in further.items():
        if kind in files:
            sections[kind] = compute(files["effects"] if kind == "readouts" else files[kind], config)
    return sections


def number(value: float, digits: int = 1) -> str:
    """Write a number as the report does."""
    return f"{value:,.{digits}f}".replace("-", "−") if round(value, digits) else f"{0:.{digits}f}"


def p_of(value: float) -> str:
    if value < 0.001:
        return "p < 0.001"
    return f"p = {value:.3f}" if value < 0.0995 else f"p = {value:.2f}"


def words(values) -> np.ndarray:
    return values.values.astype(str)


def plain(name: str) -> str:
    return name.replace("_", " ")


def stimuli_of(table: xr.Dataset) -> list[str]:
    names, counts = np.unique(words(table["split"]), return_counts=True)
    return [
        f"The study has {table.sizes['stimulus']:,} images of {len(np.unique(words(table['category'])))} categories",
        *(f"{name} ({count:,})" for name, count in zip(names, counts, strict=True)),
    ]


def confounds_of(measured: xr.Dataset, config: dict) -> list[str]:
    """Compute Cohen's d and the area under the ROC curve from the statistics of single images."""
    seen = np.isin(words(measured["split"]), ["localize", "select", "test"])
    values = measured["value"].sel(statistic="slope").values[seen]
    category = words(measured["category"])[seen]
    told = []
    for sides in config["contrasts"].values():
        one, other = (values[np.isin(category, list(sides[side]))] for side in ("preferred", "other"))
        one, other = one[np.isfinite(one)], other[np.isfinite(other)]
        freedom = len(one) + len(other) - 2
        pooled = np.sqrt(((len(one) - 1) * one.var(ddof=1) + (len(other) - 1) * other.var(ddof=1)) / freedom)
        d = (one.mean() - other.mean()) / pooled
        area = scipy.stats.mannwhitneyu(one, other).statistic / (len(one) * len(other))
        told += [f"slope of the spectrum {number(one.mean(), 2)} {number(other.mean(), 2)} {number(d, 2)} ["]
        told += [f"] {area:.2f} "]
    return told


def network_of(contrast: xr.Dataset, effects: xr.Dataset) -> list[str]:
    layers = np.unique(contrast["layer"].values).size
    return [
        f"{contrast.sizes['unit']:,} channel units in {layers} layers were recorded",
        *(f"chance {100 * float(chance):.1f} %" for chance in effects["chance"].values if np.isfinite(chance)),
    ]


def preferences_of(contrast: xr.Dataset, config: dict) -> list[str]:
    alpha, told = config["inference"]["alpha"], []
    for name in words(contrast["contrast"]):
        one = contrast.sel(contrast=name)
        d, alive = one["d"].values, one["dead"].values == 0
        more, less = (
            int(np.sum(alive & (one[f"log10_q_{side}"].values <= np.log10(alpha)))) for side in ("greater", "less")
        )
        units = contrast.sizes["unit"]
        told += [
            f"Of {units:,} units, {more} ({100 * more / units:.1f} %) respond",
            f"{less} ({100 * less / units:.1f} %) respond",
            f"(d = {number(d[alive].max(), 2)})",
            f"correlates with r = {number(float(one['reliability']), 2)}",
        ]
    return told


def extremes_of(found: xr.Dataset, config: dict) -> list[str]:
    told = [f"({int(found['count'].sum()):,} images), which took no part"]
    for name, sides in config["contrasts"].items():
        one = found.sel(contrast=name)
        there = np.isfinite(one["d"].values)
        high, low = (100 * one["share"].sel(side=side).values[there].mean() for side in ("highest", "lowest"))
        preferred = one["count"].where(one["compared"] == 1, 0).sum() / found["count"].sum()
        told += [
            f"make up {high:.0f} % of the {int(found['looked_at'])} images",
            f"and {low:.0f} % of the {int(found['looked_at'])} that drive",
            f"of all these images, they make up {100 * float(preferred):.0f} %",
        ]
        area = one["auroc"].values[there]
        told.append(f"AUROC {'' if area.size == 1 else 'from '}{area.min():.2f}")
        assert len(sides["preferred"]) >= 1
    return told


def nulls_of(found: xr.Dataset, config: dict) -> list[str]:
    told = []
    for name in words(found["contrast"]):
        one = found.sel(contrast=name)
        large = one["beyond"].sel(direction=["more", "less"], least=0.5).sum()
        mean = one["beyond_null_mean"].sel(direction="either", least=0.5).sum()
        units = int(one["units"].sum())
        told += [
            f"{int(large)} units have |d| > 0.5, of {units} ({100 * float(large) / units:.1f} %)",
            f"with shuffled labels, {number(float(mean))} on average",
        ]
    return told


def reliability_of(found: xr.Dataset, config: dict) -> list[str]:
    told = []
    for name in words(found["localizer"]):
        one = found.sel(localizer=name)
        told += [
            f"maps of the localizer {plain(name)} correlate with r = {number(one['correlation'].values.mean(), 2)}",
            f"Dice coefficient of {number(one['dice'].values.mean(), 2)}",
        ]
    return told


def masks_of(masks: xr.Dataset, config: dict) -> list[str]:
    selected, role, owner = masks["selected"].values != 0, words(masks["role"]), words(masks["localizer"])
    targets = {name: selected[(role == "target") & (owner == name)][0] for name in config["localizers"]}
    random = words(masks["kind"]) == "random"
    told = [
        f"The localizer {plain(name)} selects {mask.sum()} units of {mask.size:,}" for name, mask in targets.items()
    ]
    shares = [100 * selected[random & (owner == name)][:, mask].mean() for name, mask in targets.items()]
    told.append(
        f"on average {' and '.join(dict.fromkeys(f'{share:.0f} %' for share in shares))} of the masks' own units"
    )
    first, second = list(targets.values())[:2]
    both = int(np.sum(first & second))
    told.append(f"share {both} unit" if both else "share no unit")
    return told


def balanced(correct: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Average the share of right answers over labels: correct (run, stimulus)."""
    return np.mean([correct[:, label == one].mean(axis=1) for one in np.unique(label)], axis=0)


def ablation_of(outcomes: dict[str, xr.Dataset], effects: xr.Dataset, config: dict) -> list[str]:
    """Compute performance, harm and ranks from the answers to single stimuli."""
    found = []
    for name, table in outcomes.items():
        task = config["localizers"][name]["task"]
        asked = np.isin(words(table["label"]), config["tasks"][task])
        role, owner, kind = (words(table[key]) for key in ("role", "localizer", "kind"))
        right = balanced(table["correct"].values[:, asked].astype(float), words(table["label"])[asked])
        intact, ablated = (
            100 * float(right[rows][0]) for rows in (role == "intact", (role == "target") & (owner == name))
        )
        random = 100 * right[(role == "control") & (owner == name) & (kind == "random")]
        p = (1 + np.sum(random <= ablated + 1e-9)) / (1 + random.size)
        able = float(effects["p_able"].sel(task_name=task))
        found.append((name, task, intact, ablated, random, max(p, able)))
    told = []
    ps = np.array([one[-1] for one in found])
    order = np.argsort(ps)
    holm = np.empty(len(ps))
    holm[order] = np.minimum(1, np.maximum.accumulate(ps[order] * np.arange(len(ps), 0, -1)))
    for (name, task, intact, ablated, random, p), family in zip(found, holm, strict=True):
        went = "falls" if ablated < intact else "rises"
        told += [
            f"balanced accuracy in {plain(task)} {went} from {number(intact)} % to {number(ablated)} % ["
            if number(ablated) != number(intact)
            else f"balanced accuracy in {plain(task)} stays at {number(intact)} %",
            f"(difference {number(random.mean() - ablated)} percentage points [",
            p_of(family),
            p_of(p),
        ]
        on_average = intact - random.mean()
        if abs(on_average) >= 0.05:
            verb = "lowers" if on_average > 0 else "raises"
            told.append(f"{verb} it by {number(abs(on_average))} percentage points on average")
        assert name in config["localizers"]
    return told


def changes_of(found: xr.Dataset, config: dict) -> list[str]:
    told = []
    for name in words(found["localizer_name"]):
        one = found.sel(localizer_name=name)
        rows = words(found["change_localizer"]) == name
        every = int(found["n"].values[0])
        alone = int(np.sum(found["change_controls"].values[rows] == 0))
        told.append(
            f"{rows.sum()} of {every} test images ({100 * rows.sum() / every:.1f} %" if rows.any() else "none of"
        )
        told.append(f"change {100 * float(one['control'].sel(outcome='kept').values[0]):.1f} % on average"
                    if rows.any() else "(0.0 % [")  # fmt: skip
        if rows.any():
            pairs = list(zip(words(found["change_before"])[rows], words(found["change_after"])[rows], strict=True))
            most = max(pairs.count(pair) for pair in pairs)
            told.append(f"({most} images; " if most > 1 else "No two images")
            told.append(f"{alone} change under no random mask" if alone else "under some random mask, too")
    return told


def curves_of(found: xr.Dataset, config: dict) -> list[str]:
    told = []
    for name, settings in config["localizers"].items():
        here = (words(found["localizer"]) == name) & (words(found["task"]) == settings["task"])
        dose = here & (words(found["series"]) == "fraction")
        largest = np.flatnonzero(dose)[np.argmax(found["dose"].values[dose])]
        one = found.sel(outcome="correct").isel(point=largest)
        low, high = (number(100 * float(one[end])) for end in ("low", "high"))
        told.append(
            f"units silenced, harm is {number(100 * float(one['estimate']))} percentage points [{low}, {high}] "
            f"(random masks {number(100 * float(one['control']))}, {p_of(float(one['p']))})"
        )
    return told


def readouts_of(effects: xr.Dataset, config: dict) -> list[str]:
    told = []
    for name in config["readouts"]:
        row = (words(effects["kind"]) == "intact") & (words(effects["task"]) == name)
        one = effects.sel(outcome="correct").isel(comparison=np.flatnonzero(row)[0])
        estimate, low, high = (number(100 * float(one[key])) for key in ("estimate", "low", "high"))
        told += [f"with a balanced accuracy of {estimate} % [{low}, {high}]", f"{int(one['n'])} test stimuli"]
    return told


def robustness_of(found: xr.Dataset, config: dict) -> list[str]:
    """Compute how many results hold: by the p over the family where there is one, and where the task is done."""
    alpha = config["inference"]["alpha"]
    p = np.where(np.isfinite(found["p_family"].values), found["p_family"].values, found["p"].values)
    able = ~(found["p_able"].values > alpha)
    held = (p <= alpha) & able
    main = words(found["kind"]) == "main"
    number_held = int(held[main].sum())
    hold = f"{number_held or 'none'} {'hold' if number_held > 1 else 'holds'}"
    told = [f"Of {found.sizes['comparison']} central results, {hold} in the main analysis"]
    for place, row in enumerate(np.flatnonzero(words(found["kind"]) == "value")):
        one = found.isel(variant=row, comparison=0)
        low, high = (number(100 * float(one[end])) for end in ("low", "high"))
        told.append(f"({number(100 * float(one['estimate']))} percentage points [{low}, {high}], {p_of(p[row, 0])})")
        assert place < found.sizes["variant"]
    return told
