"""A model that knows nothing is refused, whatever its luck; one that knows something passes."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import datasets
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from ml_pipe.runner.errors import AcceptanceError
from ml_pipe.runner.quality.acceptance import check_beaten
from ml_pipe.runner.quality.answers import Answers, Rows, answers_of
from ml_pipe.runner.quality.guessing import Part, compare, guessed_scores
from ml_pipe.runner.summary import Comparison
from ml_pipe.train_test_validate import score
from model_store.manifest import Task

SEEDS = 30


def compared(
    model: Any, inputs: np.ndarray, truth: np.ndarray, task: Task, seed: int
) -> Comparison:
    """Fit on three fifths of the rows, and compare on the rest."""
    labels = truth if task == "classification" else None
    train, rest = train_test_split(
        np.arange(len(truth)), test_size=0.4, random_state=seed, stratify=labels
    )
    model.fit(inputs[train], truth[train])
    parts = [Part(truth[half], answers_of(model, inputs[half])) for half in np.array_split(rest, 2)]
    return compare(truth[train], parts, task, "the test and validation rows")


@pytest.mark.slow  # many tables
@pytest.mark.parametrize("kind", ["coins", "rare", "three", "normal", "heavy"])
def test_noise_is_refused(kind: str) -> None:
    """300 coin flips, a rare label, three labels, and amounts: of 30 seeds at most one passes."""
    passed = 0
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        inputs = rng.normal(size=(300, 5))
        truth = {
            "coins": rng.integers(0, 2, 300),
            "rare": (rng.random(300) < 0.1).astype(int),
            "three": rng.integers(0, 3, 300),
            "normal": rng.normal(size=300),
            "heavy": rng.standard_t(2, size=300),
        }[kind]
        if kind in {"normal", "heavy"}:
            model, task = DecisionTreeRegressor(max_depth=5, random_state=seed), "regression"
        else:
            model, task = DecisionTreeClassifier(max_depth=5, random_state=seed), "classification"
        passed += compared(model, inputs, truth, task, seed).is_beaten  # type: ignore[arg-type]
    assert passed <= 1


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "diabetes"])
def test_small_real_tables_pass(name: str) -> None:
    """With 60 unseen rows too."""
    inputs, truth = getattr(datasets, f"load_{name}")(return_X_y=True)
    task: Task = "regression" if name == "diabetes" else "classification"
    model = make_pipeline(
        StandardScaler(), Ridge() if task == "regression" else LogisticRegression()
    )
    assert compared(model, inputs, truth, task, 0).is_beaten


def test_a_rare_label_that_is_never_answered_may_still_be_known() -> None:
    """Its probabilities say so, where the labels are those of the most frequent one alone."""
    rng = np.random.default_rng(0)
    truth = (rng.random(400) < 0.05).astype(int)
    shares = np.where(truth, rng.uniform(0.1, 0.4, 400), rng.uniform(0.0, 0.2, 400))
    answers = Answers(np.zeros(400, int), np.column_stack([1 - shares, shares]), np.array([0, 1]))
    parts = [Part(truth[:200], answers.take(np.arange(200)))]
    parts += [Part(truth[200:], answers.take(np.arange(200, 400)))]
    balanced, log_loss = compare(truth, parts, "classification", "the test rows").looks
    assert (balanced.model, balanced.guess, balanced.is_beaten) == (0.5, 0.5, False)
    assert log_loss.is_beaten
    assert log_loss.model < log_loss.guess


def test_probabilities_that_mislead_are_named() -> None:
    """The labels are right in nine of ten rows, but each mistake is made with all certainty."""
    truth = np.array(["a", "b"] * 100, dtype=object)
    answers = truth.copy()
    answers[:80] = truth[:80][::-1]
    shares = np.column_stack([answers == "a", answers == "b"]).astype(float)
    part = Part(truth, Answers(answers, shares, np.array(["a", "b"], dtype=object)))
    found = compare(truth, [part], "classification", "the test rows")
    assert found.is_beaten
    (remark,) = found.remarks
    assert remark.startswith("Its probabilities are worse than the mere shares of the labels")


def test_many_labels_are_compared_too() -> None:
    """Where no table of labels is drawn any more, by the variance of the sum."""
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 60, 900)
    knows = np.where(rng.random(900) < 0.2, truth, rng.integers(0, 60, 900))
    for answers, is_beaten in ((knows, True), (rng.permutation(knows), False)):
        part = Part(truth, Answers(answers))
        assert compare(truth, [part], "classification", "the test rows").is_beaten == is_beaten


def test_many_rows_take_little_time_and_say_the_same() -> None:
    """Fewer draws, ended by a normal distribution."""
    rng = np.random.default_rng(2)
    truth = rng.normal(size=60_000)
    for signal, is_beaten in ((0.0, False), (0.5, True)):
        answers = signal * truth + rng.normal(size=60_000) * (0.5 if signal else 0.01)
        part = Part(truth, Answers(answers))
        assert compare(truth, [part], "regression", "the test rows").is_beaten == is_beaten


def test_a_refusal_has_the_numbers_and_says_what_to_do() -> None:
    """And guessing is accepted where somebody says so."""
    truth = np.array([0.0, 1.0] * 20)
    part = Part(truth, Answers(1 - truth))
    found = compare(truth, [part], "regression", "the test rows")
    with pytest.raises(AcceptanceError) as caught:
        check_beaten(found)
    assert str(caught.value).startswith(
        "The model is not published: it is not better than guessing by more than noise. On 40 "
        "rows (the test rows): R2 -3 against 0 by guessing the mean (p = 1); mean absolute error 1 "
        "against 0.5 by guessing the median (p = 1); one must have p < 0.005."
    )
    assert str(caught.value).endswith("add `-p accept_guessing=true`.")
    check_beaten(found, accept_guessing=True)


def test_a_handful_of_rows_shows_nothing() -> None:
    """Not even where all of them are right."""
    part = Part(np.array([0, 1, 0]), Answers(np.array([0, 1, 0])))
    with pytest.raises(AcceptanceError, match=r"3 rows \(the test rows\) are too few"):
        check_beaten(compare(np.array([0, 1]), [part], "classification", "the test rows"))


def test_one_answer_to_all_rows_is_guessing() -> None:
    """Whatever its label is, and where the truth has one label alone."""
    truth = np.array(["a", "b"] * 20, dtype=object)
    always = DummyClassifier(strategy="constant", constant="a").fit(np.zeros((40, 1)), truth)
    part = Part(truth, answers_of(always, pd.DataFrame({"x": np.zeros(40)})))
    assert not compare(truth, [part], "classification", "the test rows").is_beaten
    same = Part(truth[::2], Answers(truth[::2]))
    assert not compare(truth, [same], "classification", "the test rows").is_beaten


def test_the_guess_of_absolute_errors_is_the_median() -> None:
    """That of squared errors is the mean."""
    rows = Rows(pd.DataFrame({"x": range(5)}), pd.Series([0.0, 0.0, 0.0, 0.0, 10.0]))
    found = guessed_scores(rows, rows, "regression", score)
    assert found["mean_absolute_error"] == 2.0
    assert found["root_mean_squared_error"] == 4.0


@pytest.mark.slow  # shuffles thousands of times
def test_rows_of_one_group_are_no_proof_of_their_own() -> None:
    """Thirty patients of ten rows each, with a truth and a hunch of each patient: chance."""
    passed = {"rows": 0, "groups": 0}
    for seed in range(10):
        rng = np.random.default_rng(seed)
        patients = np.arange(300) // 10
        truth, answers = rng.integers(0, 2, (2, 30))[:, patients]
        for name, blocks in (("rows", None), ("groups", patients)):
            part = Part(truth, Answers(answers), blocks)
            passed[name] += compare(truth, [part], "classification", "the rows").is_beaten
    assert passed["groups"] == 0
    assert passed["rows"] > 0


def test_a_model_that_knows_the_groups_passes() -> None:
    """As it knows most of its rows."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 300)
    answers = np.where(rng.random(300) < 0.8, truth, 1 - truth)
    part = Part(truth, Answers(answers), np.arange(300) // 10)
    assert compare(truth, [part], "classification", "the test rows").is_beaten
