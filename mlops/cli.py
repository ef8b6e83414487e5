"""The command itself: one Typer app, one verb a module."""

import typer

from mlops import feedback, log, models
from mlops.lab import lab
from mlops.report import report
from mlops.serve import serve
from mlops.settings import settings
from mlops.train import train

app = typer.Typer(
    name="mlops",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    help="Train, serve and watch models. Exit codes: 0 done, 1 failed, 2 usage, 3 not found.",
)
app.command()(train)
app.command()(serve)
app.command()(report)
app.command()(settings)
app.command()(lab)
app.add_typer(models.app, name="models")
app.add_typer(log.app, name="log")
app.add_typer(feedback.app, name="feedback")
