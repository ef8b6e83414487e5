"""`mlops train`: what the command line makes of parameters. Runs are tested with the pipeline."""

import pytest

from mlops.commands.run_context import run_context
from mlops.commands.train import parse_parameters
from mlops.console import Exit
from settings.settings import Settings
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
    result = mlops("train", "-p", "seed")
    assert result.exit_code == Exit.USAGE
    assert "name=value" in result.stderr


@pytest.mark.slow  # it starts a process
def test_an_unknown_parameter_is_refused_with_the_known_ones(mlops: Mlops) -> None:
    """Parameter names are a closed list: none is pasted into a notebook unseen."""
    result = mlops("train", "ml_pipe", "-p", "sede=7")
    assert result.exit_code == Exit.FAILED
    assert "seed" in result.stderr


def test_an_installation_that_only_serves_says_so(
    mlops: Mlops, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To train with it is refused with what to use instead."""
    monkeypatch.setattr("mlops.commands.train.find_spec", lambda name: None)
    result = mlops("train", "ml_pipe")
    assert result.exit_code == Exit.FAILED
    assert "cannot train" in result.stderr
    assert "image of all modes" in result.stderr


def test_a_commit_that_was_built_from_changed_files_is_marked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`make image` says so in the name of the commit, as there is no git in the image."""
    monkeypatch.setattr("mlops.commands.run_context.is_dirty", lambda folder: False)
    for head, dirty in (("1a2b3c4", False), ("1a2b3c4-dirty", True)):
        origin = run_context(Settings(git_branch="main", git_head=head))
        assert (origin["git_head"], origin["git_dirty"]) == ("1a2b3c4", dirty)
