"""What a run of notebooks knows of its surroundings: of the settings, and of git.

`mlops train` hands it to a run; a notebook that is run by hand asks for it as a process of its own,
`python -m mlops.commands.run_context`, because the notebooks never import the settings.
"""

from typing import Any

import typer

from mlops.commands.settings import load_settings
from mlops.console import print_json
from mlops.process.git_revision import is_dirty, with_git_revision
from settings.settings import Settings
from settings.sources import PROJECT_ROOT


def run_context(settings: Settings) -> dict[str, Any]:
    """Return the fields of `ml_pipe.runner.run.context.Context`."""
    settings = with_git_revision(settings)
    # `make image` says by this what a checkout is asked for otherwise.
    head = settings.git_head.removesuffix("-dirty")
    return {
        "local_data": str(settings.local_data.resolve()),
        "cell_timeout_seconds": settings.train_cell_timeout_seconds,
        "model_formats": list(settings.model_formats),
        "trusted_types": list(settings.model_trusted_types),
        "personal_fields": list(settings.log_personal_fields),
        "variables": list(settings.train_variables),
        "setup": settings.train_setup,
        "git_branch": settings.git_branch,
        "git_head": head,
        "git_dirty": head != settings.git_head or is_dirty(PROJECT_ROOT),
    }


def main() -> None:
    """Print the context as JSON."""
    print_json(run_context(load_settings()))


if __name__ == "__main__":
    typer.run(main)
