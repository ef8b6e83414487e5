"""The command itself: one Typer app, one verb a module."""

import typer

from mlops.backup.commands import backup, restore
from mlops.commands import feedback, keys, log, models, runs
from mlops.commands.lab import lab
from mlops.commands.report import report
from mlops.commands.serve import serve
from mlops.commands.settings import settings
from mlops.commands.train import train
from mlops.erasure.erase import erase
from mlops.exchange.commands import export_model, import_model
from mlops.sealing import publishers
from mlops.sealing.approve import approve

app = typer.Typer(
    name="mlops",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    # A wrong argument is quoted as it is.
    rich_markup_mode=None,
    help="Train, serve and monitor models. Exit codes: 0 done, 1 failed, 2 usage, 3 not found.",
)
app.command()(train)
app.command()(serve)
app.command()(report)
app.command()(settings)
app.command()(lab)
models.app.command()(approve)
models.app.command("import")(import_model)
models.app.command("export")(export_model)
app.command()(backup)
app.command()(restore)
app.add_typer(models.app, name="models")
app.add_typer(publishers.app, name="publishers")
app.add_typer(runs.app, name="runs")
log.app.command()(erase)
app.add_typer(log.app, name="log")
app.add_typer(keys.app, name="keys")
app.add_typer(feedback.app, name="feedback")
