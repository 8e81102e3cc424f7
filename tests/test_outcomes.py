"""Outcomes: against SciPy and scikit-learn, and what must hold of all logits."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import log_softmax, rel_entr, softmax
from sklearn.metrics import top_k_accuracy_score

from deeplocalizer import outcomes

NAMES = [f"l{i}" for i in range(9)]
# multiples of 1/8: ties are common
LOGITS = arrays(np.float32, (6, 9), elements=st.integers(-200, 200).map(lambda value: value / 8))


def asked(truth, task=NAMES):
    return outcomes.ask(np.array([NAMES[i] if i >= 0 else "" for i in truth]), NAMES, {"task": task})


@settings(max_examples=150, deadline=None)
@given(LOGITS, LOGITS, arrays(np.int64, 6, elements=st.integers(-1, 8)))
def test_what_holds_of_all_logits(outputs, intact, truth):
    scored = outcomes.score(outputs, intact, asked(truth))
    known = truth >= 0
    assert set(scored) == set(outcomes.OUTCOMES)
    correct, top5, margin = scored["correct"][known], scored["top5"][known], scored["margin"][known]
    assert set(correct.tolist()) <= {0, 1} and set(top5.tolist()) <= {0, 1}
    assert (top5 >= correct).all()
    assert (correct[margin > 0] == 1).all() and (correct[margin < 0] == 0).all()
    expected = log_softmax(outputs.astype(float), axis=1)[np.arange(6), truth]
    np.testing.assert_allclose(scored["log_likelihood"][known], expected[known], rtol=1e-6, atol=1e-6)
    assert (scored["kl"] >= 0).all()
    divergence = rel_entr(softmax(outputs.astype(float), axis=1), softmax(intact.astype(float), axis=1)).sum(axis=1)
    np.testing.assert_allclose(scored["kl"], divergence, rtol=1e-5, atol=1e-6)
    for name in ("correct", "top5"):
        assert (scored[name][~known] == -1).all()
    for name in ("margin", "log_likelihood"):
        assert np.isnan(scored[name][~known]).all()


@settings(max_examples=50, deadline=None)
@given(LOGITS, st.lists(st.integers(0, 8), min_size=6, max_size=6))
def test_of_equal_outputs_the_earlier_label_is_higher(outputs, truth):
    scored = outcomes.score(outputs, outputs, asked(truth))
    order = np.argsort(-outputs, axis=1, kind="stable")
    rank = np.array([row.tolist().index(true) for row, true in zip(order, truth, strict=True)])
    assert scored["correct"].tolist() == (rank < 1).astype(int).tolist()
    assert scored["top5"].tolist() == (rank < 5).astype(int).tolist()
    assert scored["kept"].all() and not scored["kl"].any()


@settings(max_examples=50, deadline=None)
@given(LOGITS, LOGITS, st.lists(st.integers(-1, 8), min_size=6, max_size=6))
def test_the_chosen_label_is_the_one_that_is_kept_and_right(outputs, intact, truth):
    question = asked(truth, NAMES[2:])
    question.alternatives[:2] = True
    chosen, before = (outcomes.decide(given, question) for given in (outputs, intact))
    scored = outcomes.score(outputs, intact, question)
    assert scored["kept"].tolist() == (chosen == before).astype(int).tolist()
    known = question.truth >= 0
    assert scored["correct"][known].tolist() == (chosen == question.truth)[known].astype(int).tolist()
    for row, place in enumerate(chosen):
        allowed = np.flatnonzero(question.alternatives[row])
        assert place == min(one for one in allowed if outputs[row, one] == outputs[row, allowed].max())


@pytest.mark.parametrize(("labels", "dtype"), [(2, "int16"), (2**15, "int16"), (2**15 + 1, "int32"), (50_257, "int32")])
def test_the_last_of_very_many_labels_can_be_chosen(labels, dtype):
    outputs = np.zeros((1, labels), dtype=np.float32)
    outputs[0, -1] = 1
    chosen = outcomes.decide(outputs, outcomes.Question(np.ones((1, labels), dtype=bool), np.array([-1])))
    assert chosen.tolist() == [labels - 1] and chosen.dtype == dtype


@settings(max_examples=50, deadline=None)
@given(LOGITS, LOGITS, st.floats(-50, 50))
def test_a_constant_added_to_all_outputs_changes_nothing(outputs, intact, shift):
    truth = np.arange(6)
    one, other = (outcomes.score(given.astype(float), intact, asked(truth)) for given in (outputs, outputs + shift))
    for name in ("margin", "log_likelihood", "kl"):
        np.testing.assert_allclose(other[name], one[name], atol=1e-4)


def test_top5_is_that_of_scikit_learn():
    rng = np.random.default_rng(4)
    outputs, truth = rng.normal(size=(400, 9)), rng.integers(0, 9, 400)
    scored = outcomes.score(outputs, outputs, asked(truth))
    assert scored["top5"].mean() == pytest.approx(top_k_accuracy_score(truth, outputs, k=5, labels=range(9)))
    assert scored["correct"].mean() == pytest.approx(top_k_accuracy_score(truth, outputs, k=1, labels=range(9)))


def test_top5_counts_the_labels_of_the_task_only():
    outputs = np.array([[9, 8, 7, 6, 5, 4, 3, 2, 1.0]] * 2)
    of_six = outcomes.score(outputs, outputs, asked([7, 8], NAMES[3:]))
    assert of_six["top5"].tolist() == [1, 0]  # the fifth and the sixth of six


def test_top5_is_not_defined_in_a_task_of_five_labels():
    outputs = np.random.default_rng(0).normal(size=(2, 9))
    assert outcomes.score(outputs, outputs, asked([4, 5], NAMES[4:]))["top5"].tolist() == [-1, -1]
    assert (outcomes.score(outputs, outputs, asked([4, 5], NAMES[3:]))["top5"] >= 0).all()


def part(name, readouts=("r",), right=(1, 0, -1), truth=("x", "y", "")):
    rng = np.random.default_rng(len(name))
    run = {key: np.vstack([[1, 1, 0], rng.integers(0, 2, 3)]).astype(np.int8) for key in outcomes.OUTCOMES}
    read = {key: np.array([[right, rng.integers(0, 2, 3)]] * len(readouts)) for key in outcomes.READOUT}
    found = xr.Dataset(
        {key: (("intervention", "stimulus"), values) for key, values in run.items()},
        coords={"intervention": ["intact", name], "stimulus": ["s", "t", "u"]},
    )
    if not readouts:
        return found
    dims = ("readout", "intervention", "stimulus")
    return found.assign({key: (dims, values) for key, values in read.items()}).assign(
        {"readout_label": (("readout", "stimulus"), np.array([truth] * len(readouts), dtype=object))},
    ).assign_coords(readout=list(readouts))  # fmt: skip


def test_readouts_are_joined_too():
    one, other = part("one", ("r", "q")), part("other", ("r", "q"))
    joined = outcomes.join([one, other])
    assert joined["intervention"].values.tolist() == ["intact", "one", "other"]
    for name in outcomes.READOUT:
        for source in (one, other):
            wanted = source[name].sel(intervention=source["intervention"].values[1])
            xr.testing.assert_equal(joined[name].sel(intervention=wanted["intervention"]), wanted)
    assert joined["readout_label"].dims == ("readout", "stimulus")
    assert joined["readout_label"].values.tolist() == [["x", "y", ""]] * 2


def test_readouts_that_do_not_go_together_are_named():
    with pytest.raises(ValueError, match=r"different readouts: \['r'\] and \['q'\]"):
        outcomes.join([part("one"), part("two", ("q",))])
    with pytest.raises(ValueError, match=r"different readouts: \['r'\] and \[\]"):
        outcomes.join([part("one"), part("two", ())])
    with pytest.raises(ValueError, match="intact runs of the localizers differ in 'readout_correct'"):
        outcomes.join([part("one"), part("two", right=(0, 0, -1))])
    with pytest.raises(ValueError, match="different true classes"):
        outcomes.join([part("one"), part("two", truth=("x", "x", ""))])


def test_parts_of_a_study_join_on_one_intact_run():
    joined = outcomes.join([part("one", ()), part("other", ())])
    assert joined["intervention"].values.tolist() == ["intact", "one", "other"]
    assert (joined["correct"].sel(intervention="other") == part("other", ())["correct"][1]).all()
    changed = part("other", ())
    changed["kept"][0, 0] = 0
    with pytest.raises(ValueError, match="intact runs of the localizers differ in 'kept'"):
        outcomes.join([part("one", ()), changed])
    with pytest.raises(ValueError, match="different stimuli"):
        outcomes.join([part("one", ()), part("other", ()).assign_coords(stimulus=["s", "t", "v"])])


def test_each_task_has_its_own_alternatives():
    tasks = {"one": ["l0", "l1"], "two": ["l2", "l3", "l4"]}
    rng = np.random.default_rng(0)
    outputs, label = rng.normal(size=(40, 9)), rng.permutation(NAMES[:5] * 8)
    scored = outcomes.score(outputs, outputs, outcomes.ask(label, NAMES, tasks))
    for row, true in enumerate(label):
        mine = next(names for names in tasks.values() if true in names)
        logits = {name: outputs[row, NAMES.index(name)] for name in mine}
        assert scored["correct"][row] == (max(logits, key=logits.get) == true)
        rest = max(value for name, value in logits.items() if name != true)
        assert scored["margin"][row] == pytest.approx(logits[true] - rest, rel=1e-5)
        share = softmax(list(logits.values()))[mine.index(true)]
        assert scored["log_likelihood"][row] == pytest.approx(np.log(share), rel=1e-5)


def test_a_label_that_the_network_has_not_is_named():
    with pytest.raises(ValueError, match="task 'three': the network has no output for the label 'q'"):
        outcomes.ask(np.array(["l0"]), NAMES, {"three": ["l0", "q"]})


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_outputs_that_are_not_finite_are_refused(wrong):
    """NaN would be the highest of all, and correct."""
    outputs = np.zeros((3, 9))
    outputs[1, 4] = wrong
    for pair, name in (((outputs, np.zeros((3, 9))), "outputs"), ((np.zeros((3, 9)), outputs), "intact outputs")):
        with pytest.raises(ValueError, match=f"^{name} must be finite; that of label 4 is {wrong} at stimulus 1"):
            outcomes.score(*pair, asked([4, 4, 4]))


def test_a_label_of_two_tasks_is_refused():
    with pytest.raises(ValueError, match="label 'l1' is of the tasks 'one' and 'two'; of one was expected"):
        outcomes.ask(np.array(["l1"]), NAMES, {"one": ["l0", "l1"], "two": ["l1", "l2"]})
