"""A pipeline: a folder of numbered notebooks, the parameters they declare, and the values given."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import msgspec

from ml_pipe.runner.errors import PipelineError
from ml_pipe.runner.run.boosters import check_installed, with_booster
from ml_pipe.runner.run.context import OVERRIDES, Context
from ml_pipe.runner.run.model_name import model_name
from ml_pipe.runner.run.parameters import Parameter, Value, declared
from ml_pipe.runner.source.export import PACKAGE
from ml_pipe.runner.source.notebook_file import read_notebook

OURS = frozenset({"run_folder", "local_data"})
"""The parameters that a run sets itself, for notebooks that declare them."""


def notebooks_of(folder: Path) -> list[Path]:
    """Return the notebooks of a pipeline, in the order in which they run.

    Raises:
        PipelineError: there is no such folder, or nothing in it to run.
    """
    if not folder.is_dir():
        raise PipelineError(f'There is no folder "{folder}": give the folder of a pipeline.')
    for place in (folder, PACKAGE):
        numbered = sorted(place.glob("[0-9][0-9]_*.ipynb"))
        found = [path for path in numbered if not path.stem.endswith("_workflow")]
        if found:
            return found
        if not (folder / "parameters.toml").is_file():
            break
    raise PipelineError(
        f'The folder "{folder}" has neither numbered notebooks, as in 00_data_etl.ipynb, nor a '
        "parameters.toml for the notebooks of ml_pipe: add one of them."
    )


def file_parameters(folder: Path) -> dict[str, object]:
    """Return what a pipeline's `parameters.toml` says; nothing where there is none.

    Raises:
        PipelineError: the file is no TOML.
    """
    path = folder / "parameters.toml"
    try:
        found = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise PipelineError(f'"{path}" cannot be read as TOML: {error}.') from error
    # A table, as in [search.boosting], is handed on as the JSON of it.
    return {
        name: json.dumps(value) if isinstance(value, dict) else value
        for name, value in found.items()
    }


def read_values(
    given: Mapping[str, object], known: Mapping[str, Parameter], base: Path
) -> dict[str, Value]:
    """Return given parameters in their declared types.

    Raises:
        PipelineError: one is unknown, of another type, or not for a caller to set.
    """
    allowed = (set(known) | set(OVERRIDES)) - OURS
    for name in given:
        if name not in allowed:
            shown = sorted(set(known) - OURS - set(OVERRIDES))
            raise PipelineError(
                f'There is no parameter "{name}": the notebooks declare '
                f"{', '.join(shown) or 'none'}."
            )
    types = OVERRIDES | dict(known)
    return {name: types[name].read(value, base) for name, value in given.items()}


@dataclass(frozen=True)
class Pipeline:
    """A folder's notebooks, in order, each with the parameters that it declares."""

    folder: Path
    declarations: Mapping[Path, Mapping[str, Parameter]]

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read a folder's notebooks.

        Raises:
            PipelineError: there are none, or a cell of parameters holds something else.
        """
        folder = folder.resolve()
        paths = notebooks_of(folder)
        return cls(folder, {path: declared(read_notebook(path)) for path in paths})

    def values(self, given: Mapping[str, object]) -> dict[str, Value]:
        """Return the parameters of a run: a caller's, which win, and those of the folder's file.

        Paths in the file are relative to its folder, a caller's to where the caller stands.

        Raises:
            PipelineError: one is unknown, or of another type.
        """
        known = {name: found for each in self.declarations.values() for name, found in each.items()}
        own = read_values(with_booster(file_parameters(self.folder)), known, self.folder)
        if own.get("data") and "model" in known:
            # Another table is another version of the folder's model, and no model of its name.
            own.setdefault("model", model_name(Path(str(own["data"]))))
        values = own | read_values(with_booster(given), known, Path.cwd())
        check_installed(values)
        return values

    def complete(self, notebook: Path, values: Mapping[str, Value]) -> dict[str, Value]:
        """Return every parameter that a notebook declares: as given, else its default."""
        declared_here = self.declarations[notebook]
        return {name: values.get(name, each.value) for name, each in declared_here.items()}

    def given_to(
        self, notebook: Path, values: Mapping[str, Value], context: Context, run_folder: Path
    ) -> dict[str, Value]:
        """Return what a notebook is run with: of all that is known, the names that it declares."""
        known = {
            **msgspec.structs.asdict(context),
            **values,
            "run_folder": str(run_folder),
            "local_data": context.local_data,
        }
        return {name: known[name] for name in self.declarations[notebook] if name in known}


def overridden(context: Context, values: Mapping[str, Value]) -> Context:
    """Return a context with those of its fields that a run's parameters set.

    Raises:
        PipelineError: one cannot have this value.
    """
    chosen = {name: value for name, value in values.items() if name in OVERRIDES}
    try:
        return msgspec.convert({**msgspec.structs.asdict(context), **chosen}, Context)
    except msgspec.ValidationError as error:
        raise PipelineError(f"A parameter cannot have this value: {error}.") from error
