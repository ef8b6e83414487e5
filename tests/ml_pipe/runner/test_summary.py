"""The summary at the end of a training: everything that decides whether to trust the model."""

from ml_pipe.runner.summary import Candidate, Comparison, Look, Summary
from model_store.manifest import measured, shown

LOOK = Look(
    score="balanced accuracy",
    model=0.93,
    guess=1 / 3,
    by="the most frequent label",
    p=0.0002,
    is_beaten=True,
)
SUMMARY = Summary(
    model="iris",
    version="20261121",
    task="classification",
    target="variety",
    source="iris.csv",
    task_reason="It has 3 texts. For the other one: -p task=regression.",
    rows={"train": 90, "test": 30, "validation": 30},
    dropped={"without target": 2, "duplicate": 0},
    columns=("sepal", "petal"),
    left_out={"Id": "an index"},
    metric="accuracy",
    scores={"train": {"accuracy": 1.0}, "test": {"accuracy": 0.9}, "validation": {"accuracy": 0.8}},
    errors={"test": 0.05, "validation": None},
    guessed={"accuracy": 0.33},
    comparison=Comparison(rows=60, where="the test and validation rows", looks=(LOOK,)),
    importance={"petal": 0.5, "sepal": 0.1},
    candidates=(
        Candidate(name="linear", score=0.91, error=0.01, seconds=0.2, chosen=True),
        Candidate(name="forest", score=0.92, error=0.02, seconds=2.0),
    ),
    warnings=("The column x is constant.",),
    form="Compiled, by ONNX Runtime.",
)


def test_it_says_what_was_trained_how_good_it_is_and_what_to_beware_of() -> None:
    """A line a fact, no line wider than 80."""
    text = SUMMARY.text("/data/runs/1")
    assert text.splitlines() == [
        "iris 20261121",
        "Task        classification of variety. It has 3 texts. For the other one: -p",
        "            task=regression.",
        "Rows        150 of iris.csv: 90 train, 30 test, 30 validation, 2 dropped",
        "            (without target) (split: random)",
        "Columns     2 used: sepal, petal. Left out: Id (an index)",
        "Score       accuracy 0.9 ± 0.098 on test, 0.8 on validation; guessing: 0.33",
        "Guessing    beaten on 60 rows (the test and validation rows): balanced accuracy",
        "            0.93 against 0.333 by guessing the most frequent label (p < 0.001)",
        "Candidates  linear 0.91 ± 0.02, 0.2 s (chosen); forest 0.92 ± 0.039, 2.0 s",
        "Depends on  petal (0.5), sepal (0.1)",
        "Served      Compiled, by ONNX Runtime.",
        "Warnings    The column x is constant.",
        "Notebooks   /data/runs/1",
    ]


def test_an_error_is_shown_above_zero() -> None:
    """More is better of what decides; people read errors as they are."""
    assert shown("neg_mean_absolute_error", -2.5) == ("mean_absolute_error", 2.5)
    assert shown("accuracy", 0.5) == ("accuracy", 0.5)
    assert measured("neg_wape", -0.25, 0.1) == "0.25 ± 0.2"


def test_the_surest_look_is_the_reason_of_a_promotion() -> None:
    """Or that there was none."""
    assert (
        SUMMARY.comparison.reason() == "balanced accuracy 0.93 against 0.33 by guessing, p < 0.001"
    )
    assert Comparison(rows=3, where="", looks=()).reason() == "not compared with guessing"
