"""`mlops feedback`: send true values to a running service.

It uses the HTTP interface even on the same machine: the service alone writes its log.
"""

import csv
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec
import typer

from api.routes.feedback_item import FeedbackItem
from mlops.commands.settings import load_settings
from mlops.console import Exit, JsonOption, fail, print_json, print_table, say
from mlops.process.service_client import ServiceClient, ServiceError
from monitoring.log.writing.true_values import Verdict

app = typer.Typer(no_args_is_help=True, help="Send true values to a running service.")

_BATCH_LINES = 200
_KEPT = {str(Verdict.STORED), str(Verdict.UNCHANGED)}
_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}
_MODEL = (
    "The model whose output decides whether 5 is a number or a text; else the default model. Which "
    "answers the values belong to is decided by the request ids."
)
_NUMBERS = {"number": Verdict.NO_NUMBER, "integer": Verdict.NO_INTEGER}

Cells = tuple[str, str, Mapping[str, str]]
"""Request id, row, and the texts of values by column."""


class Output(NamedTuple):
    """What a model answers with: a table says 5 for a number, and for a text."""

    kind: str
    categories: frozenset[str]
    """Those of all its served versions."""


class Line(NamedTuple):
    """A line of a table."""

    number: int
    item: FeedbackItem | None
    """The feedback of the line; None if it is not valid."""
    refused: str
    """Why not; empty if it is valid."""


@dataclass
class Imported:
    """The verdicts on the lines of a table."""

    counts: Counter[str] = field(default_factory=Counter)
    refused: list[tuple[int, str]] = field(default_factory=list)


@app.command("import")
def import_table(
    file: Annotated[Path, typer.Argument(help="A CSV file in UTF-8, its first line the names.")],
    *,
    columns: Annotated[
        str,
        typer.Option(
            help="The columns of request id, row and true value; of several outputs, one of each, "
            "named as the output is."
        ),
    ] = "request_id,row,value",
    model: Annotated[str, typer.Option(help=_MODEL)] = "",
    url: Annotated[
        str, typer.Option(help="The address of the service; else that of the settings.")
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Send the true values of a table; a value that was sent before does not count twice.

    The exit code is 1 if a line was refused.
    """
    names = tuple(name.strip() for name in columns.split(","))
    if len(names) < len(FeedbackItem.__struct_fields__):
        fail("--columns needs three names, as in request_id,row,variety.", Exit.USAGE)
    imported = Imported()
    try:
        with ServiceClient(url, load_settings()) as service:
            outputs = _outputs(service, model)
            if len(names) > len(FeedbackItem.__struct_fields__):
                _check_names(names[2:], outputs)
            for line, verdict in _sent(service, _lines(file, names, outputs)):
                imported.counts[verdict] += 1
                if verdict not in _KEPT:
                    imported.refused.append((line, verdict))
                    if not as_json:
                        say(f"line {line}: {verdict}")
    except ServiceError as error:
        done = imported.counts.total()
        fail(f"{error} {done} values were stored; import the table again." if done else str(error))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        fail(f"{file} cannot be read as CSV in UTF-8 ({type(error).__name__}: {error}).")
    if as_json:
        refused = [{"line": line, "reason": reason} for line, reason in imported.refused]
        print_json({"counts": imported.counts, "refused": refused})
    else:
        rows = [(verdict, str(count)) for verdict, count in imported.counts.most_common()]
        print_table(["Verdict", "Values"], rows)
    if imported.refused:
        raise typer.Exit(Exit.FAILED)


def _outputs(service: ServiceClient, model: str) -> dict[str, Output]:
    """Return what a model answers with, by the name of each output."""
    models = service.get("/models")["models"]
    for found in models:
        if found["model"] == model or (not model and found["default"]):
            outputs: dict[str, Output] = {}
            for version in found["versions"]:
                for column in version["signature"]["outputs"]:
                    known = outputs.get(column["name"], Output("", frozenset()))
                    categories = known.categories.union(column["categories"])
                    outputs[column["name"]] = Output(column["kind"], categories)
            return outputs
    names = ", ".join(found["model"] for found in models) or "none"
    raise ServiceError(f"Say by --model whose feedback this is; the service has: {names}.")


def _check_names(names: Sequence[str], outputs: Mapping[str, Output]) -> None:
    if unknown := [name for name in names if name not in outputs]:
        fail(
            f"{unknown[0]} is no output of the model: it has {', '.join(outputs)}. Name the "
            "columns after its outputs, or give one column of values.",
            Exit.USAGE,
        )


def _sent(service: ServiceClient, lines: Iterator[Line]) -> Iterator[tuple[int, str]]:
    """Send lines, a batch at a time; yield each one's number and verdict."""
    for batch in _batches(lines):
        items = [msgspec.to_builtins(line.item) for line in batch if line.item]
        answers = iter(service.post("/feedback", items) if items else ())
        for line in batch:
            yield line.number, next(answers)["status"] if line.item else line.refused


def _batches(lines: Iterator[Line]) -> Iterator[list[Line]]:
    """Yield lines in batches of the size that the service accepts."""
    settings = load_settings()
    # Half of it is for what stands between the items.
    room = settings.predict_max_body_bytes // 2
    most = min(_BATCH_LINES, settings.predict_max_rows)
    batch: list[Line] = []
    size = 0
    for line in lines:
        length = len(msgspec.json.encode(line.item))
        if batch and (len(batch) == most or size + length > room):
            yield batch
            batch, size = [], 0
        batch.append(line)
        size += length
    if batch:
        yield batch


def _lines(file: Path, columns: tuple[str, ...], outputs: Mapping[str, Output]) -> Iterator[Line]:
    with file.open(encoding="utf-8-sig", newline="") as stream:
        table = csv.DictReader(stream)
        missing = [name for name in columns if name not in (table.fieldnames or ())]
        if missing:
            fail(f"{file} has no column {', '.join(missing)}: name them by --columns.", Exit.USAGE)
        for cells in table:
            request_id, row = ((cells[name] or "").strip() for name in columns[:2])
            values = {name: cells[name] or "" for name in columns[2:]}
            yield _line(table.line_num, (request_id, row, values), outputs)


def _line(number: int, cells: Cells, outputs: Mapping[str, Output]) -> Line:
    request_id, row, texts = cells
    try:
        value = _true_values(texts, outputs)
        place = msgspec.json.decode(row, type=int | float)
        # pandas writes the row 0.0 where another cell of its column is empty.
        if isinstance(place, float) and place.is_integer():
            place = int(place)
        item = {"request_id": request_id, "row": place, "value": value}
        return Line(number, msgspec.convert(item, FeedbackItem), "")
    except msgspec.DecodeError as error:
        return Line(number, None, f"no feedback: {error}")
    except ValueError as error:
        return Line(number, None, str(error))


def _true_values(texts: Mapping[str, str], outputs: Mapping[str, Output]) -> Any:
    """Return the value of a line, of several columns an object of those that are there.

    Raises:
        ValueError: with the reason why there is none.
    """
    if len(texts) > 1:
        found = {name: _value(text, outputs[name]) for name, text in texts.items() if text.strip()}
        if not found:
            raise ValueError("value is missing")
        return found
    ((name, text),) = texts.items()
    is_named = name in outputs and len(outputs) > 1
    value = _value(text, outputs[name] if is_named else next(iter(outputs.values())))
    return {name: value} if is_named else value


def _value(text: str, output: Output) -> str | float | bool:
    """Return the value of a cell.

    Raises:
        ValueError: with the reason why it has no value of this kind.
    """
    word = text.strip()
    if not word:
        raise ValueError("value is missing")
    if output.kind == "boolean":
        if word.lower() not in _BOOLEANS:
            raise ValueError(str(Verdict.NO_BOOLEAN))
        return _BOOLEANS[word.lower()]
    if output.kind not in _NUMBERS:
        # Blanks belong to a class that training read with them.
        return text if text in output.categories else word
    try:
        return _number(word)
    except ValueError:
        raise ValueError(str(_NUMBERS[output.kind])) from None


def _number(word: str) -> float:
    """Return the number that a word stands for, a whole one exactly.

    Raises:
        ValueError: it stands for none, or for one that is not finite.
    """
    number = float(word)
    if "_" in word or not math.isfinite(number):
        raise ValueError
    try:
        return int(word)
    except ValueError:
        return number
