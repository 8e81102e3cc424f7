"""Probes: against scikit-learn's pipelines, and what cross-validation must not see."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import PredefinedSplit, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from deeplocalizer.readout import folds, logistic, probe


def drawn(count, width, classes, strength, seed=0):
    rng = np.random.default_rng(seed)
    codes = rng.permutation(np.arange(count) % classes)
    codes[codes == 1] *= rng.random((codes == 1).sum()) < 0.7  # not balanced
    values = rng.normal(size=(count, width)) + strength * rng.normal(size=(classes, width))[codes]
    return values * rng.uniform(0.1, 10, width) + rng.normal(size=width), codes


def pipeline(penalty):
    return make_pipeline(
        StandardScaler(), LogisticRegression(C=penalty, class_weight="balanced", tol=1e-10, max_iter=10_000)
    )


@pytest.mark.parametrize("width", [7, 300])
@pytest.mark.parametrize("classes", [2, 4])
def test_a_path_is_that_of_scikit_learn(width, classes):
    values, codes = drawn(120, width, classes, 0.3)
    train, seen = np.arange(120) < 90, np.arange(120) >= 90
    space = logistic.Space.of(values[train])
    for penalty, model in zip((1e-3, 1e-1), logistic.path(space.coordinates, codes[train], (1e-3, 1e-1)), strict=True):
        expected = pipeline(penalty).fit(values[train], codes[train])
        assert model.converged
        here = model.log_probabilities(space.project(values[seen]))
        np.testing.assert_allclose(np.exp(here), expected.predict_proba(values[seen]), atol=2e-5)
        weight, bias = space.raw(model.weight, model.bias)
        raw = values[seen] @ weight.T + bias
        np.testing.assert_allclose(raw - raw[:, :1], here - here[:, :1], atol=1e-7)


@pytest.mark.parametrize(("width", "classes"), [(7, 3), (150, 2)])
def test_penalty_and_accuracy_are_those_of_nested_cross_validation(width, classes):
    """Brute force with scikit-learn: for each left-out fold, the penalty is chosen within the others."""
    values, codes = drawn(90, width, classes, 0.25, seed=3)
    fold = folds.deal(codes, np.arange(90), 4, 0, "r")
    strengths = (0.1, 10.0, 1000.0)
    found = probe.fit(values, codes, fold, strengths)

    def chosen(mine):
        scores = []
        for strength in strengths:
            read = cross_val_predict(
                pipeline(strength / width), values[mine], codes[mine], cv=PredefinedSplit(fold[mine]),
                method="predict_log_proba",
            )  # fmt: skip
            truth = read[np.arange(mine.sum()), codes[mine]]
            scores.append(np.mean([truth[codes[mine] == one].mean() for one in range(classes)]))
        return strengths[int(np.argmax(scores))] / width

    decided = np.empty(90, dtype=int)
    for one in range(4):
        mine = fold != one
        decided[~mine] = pipeline(chosen(mine)).fit(values[mine], codes[mine]).predict(values[~mine])
    assert found.penalty == chosen(np.ones(90, dtype=bool))
    assert found.accuracy == pytest.approx(balanced_accuracy_score(codes, decided))
    assert found.converged
    final = pipeline(found.penalty).fit(values, codes)
    logits = values @ found.weight.T + found.bias
    expected = final.predict_log_proba(values)
    np.testing.assert_allclose(logits - logits[:, :1], expected - expected[:, :1], atol=2e-3, rtol=1e-3)


def test_planted_classes_are_found():
    values, codes = drawn(160, 400, 4, 0.6)
    fold = folds.deal(codes, np.arange(160), 5, 0, "r")
    assert probe.fit(values, codes, fold).accuracy > 0.95


def test_labels_without_a_meaning_give_the_accuracy_of_guessing():
    """Of 40 data sets the mean accuracy lies within four standard errors of chance: choosing does not inflate it."""
    found = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        codes = np.arange(60) % 2
        fold = folds.deal(codes, np.arange(60), 3, seed, "r")
        found.append(probe.fit(rng.normal(size=(60, 80)), codes, fold, (0.1, 10.0)).accuracy)
    assert abs(np.mean(found) - 0.5) < 4 * np.std(found) / np.sqrt(len(found))
    assert np.std(found) < 0.2


def test_a_left_out_fold_takes_no_part_in_its_own_reading():
    values, codes = drawn(60, 10, 2, 0.5)
    fold = folds.deal(codes, np.arange(60), 3, 0, "r")
    first = probe._left_out(values, codes, fold, (0.01, 0.1))
    changed = values.copy()
    changed[fold == 1] += 100
    second = probe._left_out(changed, codes, fold, (0.01, 0.1))
    # without folds 1 and 0, read in 0: nothing of fold 1 was there; without 0 alone, it was
    np.testing.assert_array_equal(first[1][1][:, fold == 0], second[1][1][:, fold == 0])
    assert not np.allclose(first[0][:, fold == 0], second[0][:, fold == 0])


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 6), st.integers(3, 6))
def test_groups_never_cross_folds(seed, size, count):
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(24), rng.integers(1, size + 1, 24))
    codes = rng.integers(0, 2, len(group))
    codes[np.unique(group, return_index=True)[1]] = np.arange(24) % 2  # both classes in many groups
    fold = folds.deal(codes, group, count, seed, "r")
    assert set(fold) == set(range(count))
    assert all(len(set(fold[group == one])) == 1 for one in set(group))
    np.testing.assert_array_equal(fold, folds.deal(codes, group, count, seed, "r"))


def test_folds_are_stratified_and_differ_by_seed_and_readout():
    codes = np.repeat([0, 1], [40, 20])
    fold = folds.deal(codes, np.arange(60), 5, 0, "r")
    for one in range(5):
        assert np.bincount(codes[fold == one]).tolist() == [8, 4]
    others = [folds.deal(codes, np.arange(60), 5, *given) for given in ((1, "r"), (0, "q"))]
    assert all((fold != other).any() for other in others)


def test_a_class_of_one_large_group_is_named():
    codes, group = np.repeat([0, 1], 12), np.append(np.arange(12), np.full(12, 99))
    with pytest.raises(ValueError, match="readout 'r': groups are so large that class '1' came into 1 of 3 folds"):
        folds.deal(codes, group, 3, 0, "r")


def test_a_fit_that_does_not_converge_is_told(monkeypatch):
    values, codes = drawn(60, 10, 2, 0.1)
    fold = folds.deal(codes, np.arange(60), 3, 0, "r")
    assert probe.fit(values, codes, fold).converged
    monkeypatch.setattr(logistic, "ITERATIONS", 2)
    assert not probe.fit(values, codes, fold).converged


@pytest.mark.parametrize("width", [5, 200])
def test_units_that_never_change_are_no_harm(width):
    values, codes = drawn(90, width, 3, 0.5)
    fold = folds.deal(codes, np.arange(90), 3, 0, "r")
    dead = np.column_stack([np.full(90, 7.0), values, np.zeros(90)])
    one, other = (probe.fit(given, codes, fold, (10.0,)) for given in (values, dead))
    assert np.isfinite(other.weight).all() and not other.weight[:, [0, -1]].any()
    assert one.accuracy == pytest.approx(other.accuracy, abs=0.05)
