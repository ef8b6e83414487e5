"""`mlops train`: what the command line makes of parameters. Runs are tested with the pipeline."""

from mlops.output import Exit
from mlops.train import parse_parameters
from tests.mlops.conftest import Mlops


def test_a_value_is_text_up_to_the_end() -> None:
    """The notebook that declares a parameter reads it; only the first equals sign divides."""
    assert parse_parameters(["seed=7", "target=a=b", "task="]) == {
        "seed": "7",
        "target": "a=b",
        "task": "",
    }


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
