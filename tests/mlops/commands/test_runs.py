"""`mlops runs` lists what was trained, shows one run, and compares two."""

import json
from pathlib import Path

import msgspec
import pytest

from ml_pipe.runner.run.context import Context
from ml_pipe.runner.run.run_folder import Outcome, Run, State, write_run
from ml_pipe.runner.summary import Comparison, Look, Summary
from mlops.console import Exit
from tests.mlops.conftest import Mlops

LOOK = Look(score="R2", model=0.9, guess=0.0, by="the mean", p=0.0001, is_beaten=True)
SUMMARY = Summary(
    model="flats",
    task="regression",
    target="rent",
    source="flats.csv",
    rows={"train": 60, "test": 20, "validation": 20},
    columns=("rooms", "size"),
    metric="neg_mean_absolute_error",
    scores={
        "train": {"neg_mean_absolute_error": -1.0},
        "test": {"neg_mean_absolute_error": -2.0},
        "validation": {"neg_mean_absolute_error": -2.5},
    },
    errors={"test": 0.1},
    comparison=Comparison(rows=40, where="the test and validation rows", looks=(LOOK,)),
)


def write(
    local_data: Path,
    name: str,
    state: State,
    reason: str = "",
    summary: Summary = SUMMARY,
    **parameters: int,
) -> None:
    """Write the `run.json` of a run."""
    folder = local_data / "runs" / name
    folder.mkdir(parents=True)
    outcome = Outcome(
        state=state, reason=reason, seconds=9, summary=summary if not reason else None
    )
    run = Run(
        run=name,
        pipeline="flats",
        notebooks={},
        parameters=dict(parameters),
        context=Context(local_data=str(local_data)),
        outcome=outcome,
    )
    write_run(folder, run)


@pytest.fixture
def runs(local_data: Path) -> None:
    """Two that published, one that was refused, and the rest of one that was killed."""
    write(local_data, "20261121T120000Z_flats", "published", seed=7)
    refusal = "The model is not published: R2 -1. More. (02.ipynb, cell 3, `x`; its copy is y.)"
    write(local_data, "20261122T120000Z_flats", "refused", refusal)
    write(local_data, "20261123T120000Z_flats", "published", seed=8)
    damaged = local_data / "runs" / "20261124T120000Z_flats"
    damaged.mkdir()
    (damaged / "run.json").write_text("{")


@pytest.mark.usefixtures("runs")
def test_list_has_those_too_that_published_nothing(
    mlops: Mlops, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the reason, in 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")
    printed = mlops("runs", "list").stdout
    assert "mean_absolute_error 2 ± 0.2 on test" in " ".join(printed.split())
    assert "The model is not published: R2 -1" in " ".join(printed.split())
    assert max(map(len, printed.splitlines())) <= 80
    rows = json.loads(mlops("runs", "list", "--json").stdout)
    assert [row["state"] for row in rows] == ["published", "refused", "published"]
    assert rows[0]["test"] == -2.0


@pytest.mark.usefixtures("runs")
def test_show_has_the_summary_or_the_reason(mlops: Mlops, local_data: Path) -> None:
    """Of the last run, or of the one whose id begins so."""
    printed = mlops("runs", "show").stdout
    assert "20261123T120000Z_flats: published after 9 s" in printed
    assert "Score       mean absolute error 2 ± 0.2 on test, 2.5 on validation" in printed
    assert str(local_data / "runs" / "20261123T120000Z_flats") in printed
    assert "not published: R2 -1. More." in mlops("runs", "show", "20261122").stdout
    whole = json.loads(mlops("runs", "show", "20261121", "--json").stdout)
    assert msgspec.convert(whole["run_json"]["outcome"]["summary"], Summary) == SUMMARY


@pytest.mark.usefixtures("runs")
def test_compare_shows_what_differs(mlops: Mlops) -> None:
    """Parameters, and each score with its change."""
    printed = mlops("runs", "compare", "20261121", "last").stdout
    assert "seed" in printed
    assert "mean_absolute_error, test" in printed
    assert "not of the same" not in printed
    found = json.loads(mlops("runs", "compare", "20261121", "20261122", "--json").stdout)
    assert found["parameters"] == {"seed": {"A": 7, "B": None}}
    assert found["scores"][1] == {
        "metric": "neg_mean_absolute_error",
        "split": "test",
        "A": -2.0,
        "B": None,
    }


@pytest.mark.usefixtures("runs")
def test_scores_of_other_rows_are_said_to_be_no_comparison(mlops: Mlops, local_data: Path) -> None:
    """A score of another target, or on another table, says nothing of which model is better."""
    other = msgspec.structs.replace(SUMMARY, target="price")
    write(local_data, "20261125T120000Z_rents", "published", summary=other)
    printed = mlops("runs", "compare", "20261121", "last").stdout
    assert "They differ in target: their scores are not of the same." in printed


def test_an_unknown_run_is_not_found(mlops: Mlops, local_data: Path) -> None:
    """Nor is one of several."""
    assert mlops("runs", "show").exit_code == Exit.NOT_FOUND
    write(local_data, "20261121T120000Z_flats", "published")
    write(local_data, "20261121T120000Z_flats-2", "published")
    assert mlops("runs", "show", "2025").exit_code == Exit.NOT_FOUND
    assert mlops("runs", "show", "20261121").exit_code == Exit.NOT_FOUND
    assert mlops("runs", "show", "20261121T120000Z_flats").exit_code == Exit.DONE
