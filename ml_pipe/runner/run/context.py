"""What a run knows of its surroundings: where to write, what may be stored, whose code it is."""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import msgspec

from ml_pipe.runner.errors import PipelineError
from ml_pipe.runner.run.parameters import Parameter
from model_store.manifest import EstimatorFormat

ROOT = Path(__file__).parents[3]
"""The folder of the project."""

_ASK = [sys.executable, "-m", "mlops.commands.run_context"]


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """The surroundings of a run: from the settings and git. No notebook declares them."""

    local_data: str
    """The folder of everything that is written at run time; absolute."""
    cell_timeout_seconds: float = 600
    """How long one cell may take."""
    setup: str = ""
    """A name for this machine or configuration, part of the version."""
    git_branch: str = ""
    git_head: str = ""
    git_dirty: bool = False
    """Whether files differ from those of the commit."""
    model_format: EstimatorFormat = "skops"
    """How the estimator is stored: skops or pickle."""
    model_formats: tuple[str, ...] = ("skops",)
    """The formats that may be loaded."""
    trusted_types: tuple[str, ...] = ()
    """The types that a stored estimator may hold beyond those that skops trusts."""
    personal_fields: tuple[str, ...] = ()
    """The columns whose values are shown nowhere and published with no model."""
    variables: tuple[str, ...] = ()
    """The environment variables that notebooks get beside those that every kernel gets."""


OVERRIDES = {
    name: Parameter(name, frozenset({kind}), default)
    for name, kind, default in (
        ("setup", "str", "''"),
        ("git_branch", "str", "''"),
        ("git_head", "str", "''"),
        ("git_dirty", "bool", "False"),
        ("model_format", "str", "'skops'"),
        ("model_formats", "list[str]", "['skops']"),
        ("trusted_types", "list[str]", "[]"),
    )
}
"""What `mlops train -p name=value` may set of it, although no notebook declares it."""


def context_by_hand(*, fresh: bool = False) -> Context:
    """Return the context that `mlops train` would have now; fresh: with what git says now.

    Raises:
        PipelineError: the settings cannot be used; the sentence says why.
    """
    if fresh:
        _asked.cache_clear()
    return _asked(os.environ.get("LOCAL_DATA", ""))


@cache
def _asked(_local_data: str) -> Context:
    # The notebooks must not import the settings, so that a process of its own reads them.
    done = subprocess.run(_ASK, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise PipelineError(f"The settings cannot be read: {reason}")
    return msgspec.json.decode(done.stdout, type=Context)
