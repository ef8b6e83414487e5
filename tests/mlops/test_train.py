"""`mlops train`: what the command line makes of parameters. Runs are tested with the pipeline."""

import pytest

from mlops.output import Exit
from mlops.train import parse_parameters
from tests.mlops.conftest import Mlops


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ("seed=7", 7),
        ("lowest_score=0.8", 0.8),
        ("drop_duplicates=true", True),
        ('leave_out=["id"]', ["id"]),
        ("target=variety", "variety"),
        ("target=a=b", "a=b"),
        ("task=", ""),
    ],
)
def test_a_value_is_json_where_it_can_be(given: str, value: object) -> None:
    """Numbers, booleans and lists need no quotes; all else is text."""
    name = given.partition("=")[0]
    assert parse_parameters([given]) == {name: value}


def test_a_parameter_without_a_value_is_a_usage_error(mlops: Mlops) -> None:
    """The sentence shows how it is written."""
    told = mlops("train", "-p", "seed")
    assert told.exit_code == Exit.USAGE
    assert "name=value" in told.stderr


def test_an_unknown_parameter_is_refused_with_the_known_ones(mlops: Mlops) -> None:
    """Parameter names are a closed list: none is pasted into a notebook unseen."""
    told = mlops("train", "examples/iris", "-p", "sede=7")
    assert told.exit_code == Exit.FAILED
    assert "seed" in told.stderr
