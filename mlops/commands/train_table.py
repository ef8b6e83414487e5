"""From a table to a model that serves it, trained once for as long as the table stays the same."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from api.models.loaded_models import CHAMPION
from mlops.commands.train import run
from mlops.console import fail, tell
from model_store.errors import ModelStoreError
from model_store.manifest import Manifest
from settings import factories
from settings.settings import Settings
from settings.sources import PROJECT_ROOT

PIPELINE = PROJECT_ROOT / "ml_pipe"


def train_table(settings: Settings, data: Path, parameters: Mapping[str, str]) -> str:
    """Return the name of a table's model; it is trained unless its champion already was, on it.

    `parameters` are those of the notebooks; `target` is among them.
    """
    # Only this verb, and only with a table, needs the notebooks' libraries.
    from ml_pipe.runner.errors import TableError  # noqa: PLC0415
    from ml_pipe.runner.run_folder import model_name  # noqa: PLC0415

    model = settings.model_name or model_name(data)
    champion = _champion(settings, model)
    if champion and _is_trained_on(champion, data, parameters):
        tell(f"{model} {champion.version} was trained on this table already.")
        return model
    try:
        check_table(data, parameters)
    except (TableError, ModelStoreError) as error:
        fail(str(error))
    tell(f"Training {model} on {data}: the notebooks of ml_pipe, one after the other.")
    given = {"data": str(data.resolve()), "model": model} | dict(parameters)
    return run(settings, PIPELINE, given).model


def check_table(data: Path, parameters: Mapping[str, str]) -> None:
    """Go through a table as the first notebook will, so that what is wrong is told at once.

    Raises:
        TableError: it is unreadable, has no such target, or cannot be trained on.
        SignatureError: it has a column that cannot be served.
    """
    from ml_pipe import data_etl  # noqa: PLC0415
    from ml_pipe.runner.table_file import load_table  # noqa: PLC0415

    target = parameters["target"]
    left_out = [name.strip() for name in parameters.get("leave_out", "").split(",") if name.strip()]
    table = load_table(data)
    data_etl.check_names(table, target, left_out)
    recognised = table.drop(columns=left_out).apply(data_etl.recognise_column)
    kept, _ = data_etl.clean(recognised, target)
    data_etl.signature_of(kept, target, data_etl.task_of(kept[target], parameters.get("task", "")))


def _champion(settings: Settings, model: str) -> Manifest | None:
    store = factories.model_store(settings)
    try:
        return store.manifest(model, store.aliases(model).current[CHAMPION])
    except (ModelStoreError, KeyError):
        return None


def _is_trained_on(manifest: Manifest, data: Path, parameters: Mapping[str, str]) -> bool:
    return (
        manifest.origin.data == _sha256(data)
        and [column.name for column in manifest.signature.outputs] == [parameters["target"]]
        and parameters.get("task", "") in {"", manifest.task}
        and manifest.origin.notebooks
        == {n: _sha256(PIPELINE / n) for n in manifest.origin.notebooks}
        # Whoever asks for more than that wants to see it happen.
        and set(parameters) <= {"target", "task"}
    )


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
