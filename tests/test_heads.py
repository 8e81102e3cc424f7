"""Heads: the probabilities of scikit-learn, and the outcomes of a readout."""

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression

from deeplocalizer.heads import Head, score_head
from deeplocalizer.outcomes import READOUT


def head(weight, bias, classes, wanted):
    return Head("r", "conv", 0, "mean", np.asarray(weight, float), np.asarray(bias, float), classes, np.array(wanted))


@pytest.mark.parametrize("classes", [("a", "b"), ("a", "b", "c")])
def test_softmax_gives_the_probabilities_of_scikit_learn(classes):
    rng = np.random.default_rng(0)
    features, label = rng.normal(size=(60, 4)), np.array(classes)[np.arange(60) % len(classes)]
    fitted = LogisticRegression().fit(features, label)
    weight, bias = fitted.coef_, fitted.intercept_
    if len(classes) == 2:
        weight, bias = np.vstack([np.zeros(4), weight]), np.append(0, bias)
    one = head(weight, bias, classes, label)
    np.testing.assert_allclose(softmax(one.logits(features), axis=1), fitted.predict_proba(features), rtol=1e-12)
    right = score_head(features, features, one)["readout_correct"]
    assert right.mean() == pytest.approx(fitted.score(features, label))


def test_a_stimulus_is_asked_for_its_class():
    question = head(np.eye(2), [0, 0], ("a", "b"), ["b", "", "a"]).ask()
    assert question.truth.tolist() == [1, -1, 0]
    assert question.alternatives.all()


def test_outcomes_of_a_readout_worked_by_hand():
    one = head([[1, 0], [0, 1]], [0, 0.5], ("a", "b"), ["a", "a", "b", ""])
    intact = np.array([[3.0, 0], [3, 0], [0, 3], [0, 3]], dtype=np.float32)
    ablated = np.array([[3.0, 0], [0, 0], [0, 0], [0, 0]], dtype=np.float32)
    found = score_head(ablated, intact, one)
    assert set(found) == set(READOUT)
    assert found["readout_correct"].tolist() == [1, 0, 1, -1]
    np.testing.assert_allclose(found["readout_margin"], [2.5, -0.5, 0.5, np.nan])
    expected = -np.log1p(np.exp([-2.5, 0.5, -0.5, np.nan]))
    np.testing.assert_allclose(found["readout_log_likelihood"], expected, rtol=1e-6)
    assert found["readout_kept"].tolist() == [1, 0, 1, 1]
    later = score_head(ablated[2:], intact[2:], one, slice(2, 4))
    for name in READOUT:
        np.testing.assert_array_equal(later[name], found[name][2:])


def test_what_does_not_fit_is_named():
    with pytest.raises(ValueError, match=r"readout 'r': weight \(2, 3\) and bias \(2,\) for 3 classes"):
        head(np.ones((2, 3)), [0, 0], ("a", "b", "c"), [])
    with pytest.raises(ValueError, match="readout 'r': class 'z' is wanted; it has a, b"):
        head(np.ones((2, 3)), [0, 0], ("a", "b"), ["a", "z", ""])
    one = head(np.ones((2, 3)), [0, 0], ("a", "b"), ["a"])
    with pytest.raises(ValueError, match=r"features \(1, 4\) of layer 'conv'; expected \(stimulus, 3\)"):
        one.logits(np.ones((1, 4)))
    with pytest.raises(ValueError, match="readout 'r': a response of layer 'conv' is not finite"):
        one.logits(np.array([[1, np.nan, 0]]))
