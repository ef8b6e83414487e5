"""`mlops feedback`: send true values to a running service.

It uses the HTTP interface even on the same machine: the service alone writes its log.
"""

import csv
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, NamedTuple

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

Columns = tuple[str, str, str]


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
        str, typer.Option(help="The columns of request id, row and true value.")
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
    if len(names) != len(FeedbackItem.__struct_fields__):
        fail("--columns needs three names, as in request_id,row,variety.", Exit.USAGE)
    imported = Imported()
    try:
        with ServiceClient(url, load_settings()) as service:
            output = _output(service, model)
            for line, verdict in _sent(service, _lines(file, names, output)):
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


def _output(service: ServiceClient, model: str) -> Output:
    """Return what a model answers with."""
    models = service.get("/models")["models"]
    for found in models:
        if found["model"] == model or (not model and found["default"]):
            outputs = [version["signature"]["outputs"][0] for version in found["versions"]]
            categories = frozenset[str]().union(*(output["categories"] for output in outputs))
            return Output(outputs[-1]["kind"], categories)
    known = ", ".join(found["model"] for found in models) or "none"
    raise ServiceError(f"Say by --model whose feedback this is; the service has: {known}.")


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


def _lines(file: Path, columns: tuple[str, ...], output: Output) -> Iterator[Line]:
    with file.open(encoding="utf-8-sig", newline="") as stream:
        table = csv.DictReader(stream)
        missing = [name for name in columns if name not in (table.fieldnames or ())]
        if missing:
            fail(f"{file} has no column {', '.join(missing)}: name them by --columns.", Exit.USAGE)
        for cells in table:
            request_id, row, value = (cells[name] or "" for name in columns)
            yield _line(table.line_num, (request_id.strip(), row.strip(), value), output)


def _line(number: int, cells: Columns, output: Output) -> Line:
    request_id, row, text = cells
    try:
        value = _value(text, output)
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
