"""Tables of robustness written by hand, of any number of localizers and networks."""

from deeplocalizer import robustness
from deeplocalizer.robustness import Result, Variant
from tests.plots import conftest
from tests.plots.makers import replicates as over

VALUES = ("zero", "mean", "resample")


def effects(asked, advantage, outcome="correct", p=0.01, chance=0.5, p_able=0.001, spread=0.03):
    """Write effects with one estimate for each result; None where there is no number."""
    tasks = list(dict.fromkeys(one.task for one in asked if one.task))
    rows = {}
    for index, one in enumerate(asked):
        value = advantage[index] if isinstance(advantage, (list, tuple)) else advantage
        if value is None:
            continue
        numbers = (value, value - 0.08, value + 0.06, p, float("nan") if one.other else p)
        rows[one.kind, one.localizer, one.other, one.task, "raw"] = numbers
        if one.task:
            control = (0.02, 0.02 - spread, 0.02 + spread, float("nan"), float("nan"))
            rows["control", one.localizer, "", one.task, "raw"] = control
        else:
            pair = ((one.localizer, one.other), (one.other, one.localizer))
            own = {each.localizer: each.task for each in asked if each.task}
            for first, second in pair:
                rows["dissociation", first, second, own[first], "raw"] = numbers
    localizers = list(dict.fromkeys(one.localizer for one in asked))
    made = conftest.hand_made(tasks, localizers, rows, controls=40, chance=chance, outcome=outcome)
    return made.assign(p_able=("task_name", [p_able] * len(tasks)))


def asked_of(localizers=2, dissociations=True, long=False):
    """List results: each localizer on a task of its own, and one dissociation."""
    word = "rather_long_name_of_a_localizer" if long else "localizer"
    named = ["faces", "digits"] if localizers == 2 and not long else [f"{word}_{i}" for i in range(localizers)]
    tasks = ["face_detection", "digit_recognition"] if localizers == 2 and not long else [
        f"{'recognition_of_many_small_' if long else ''}things_{i}" for i in range(localizers)
    ]  # fmt: skip
    found = [Result("advantage", one, task=task) for one, task in zip(named, tasks, strict=True)]
    return found + ([Result("double_dissociation", *named[:2])] if dissociations else [])


def replicated(asked, mean, networks, outcome="correct", p=0.004):
    """Write effects over networks."""
    made = over([f"network_{i}" for i in range(networks)], outcome)
    rows = {name: made[name].isel(comparison=[0] * len(asked)) for name in made.data_vars}
    made = made.isel(comparison=[0] * len(asked))
    for name, value in (("estimate", mean), ("low", mean - 0.1), ("high", mean + 0.1), ("p", p)):
        made[name] = rows[name] * 0 + value
    places = {key: [getattr(one, key) for one in asked] for key in ("kind", "localizer", "other", "task")}
    return made.assign_coords(
        comparison=[one.name for one in asked], **{key: ("comparison", value) for key, value in places.items()}
    )


def table(
    localizers=2, networks=3, twin=True, dissociations=True, long=False, outcome="correct", values=VALUES, of=None,
    untrained=0.01, replicates=0.2, **changes,
):  # fmt: skip
    """Write a table: ``of`` gives the estimate by value, 0.25 of the first and less of each further one by default."""
    asked = asked_of(localizers, dissociations, long)
    chance = 0.5 if outcome == "correct" else float("nan")
    of = {value: 0.25 - 0.05 * index for index, value in enumerate(values)} | (of or {})
    made = [
        Variant("value" if index else "main", value, effects(asked, of[value], outcome, chance=chance, **changes))
        for index, value in enumerate(values)
    ]
    if networks:
        made.append(Variant("replicates", "several_seeds", replicated(asked, replicates, networks, outcome)))
    if twin:
        made.append(Variant("twin", "untrained", effects(asked, untrained, outcome, p=0.4, chance=chance)))
    return robustness.table(made, asked, outcome)
