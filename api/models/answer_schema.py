"""What the OpenAPI document says of a model's answers and of its columns, in JSON Schema."""

from collections.abc import Mapping
from typing import Any

from api.http.array_fields import array_note
from api.models.loaded_models import ServedModel
from model_store.schema.deciding.decision import TOP
from model_store.schema.examples import example
from model_store.schema.prediction import PROBABILITIES, label_text
from model_store.schema.signature import Column, Kind


def answer_schema(served: ServedModel) -> dict[str, Any]:
    """Return the JSON Schema of an answer: outputs, and what a decision adds to them."""
    types = {Kind.INTEGER: "integer", Kind.NUMBER: "number", Kind.BOOLEAN: "boolean"}
    properties: dict[str, Any] = {
        column.name: {"type": types.get(column.kind, "string")} | column_notes(column)
        for column in served.shown.outputs
    }
    decision = served.manifest.decision
    if decision.least_confidence:
        for answer in properties.values():
            answer["type"] = [answer["type"], "null"]
            answer["description"] = (
                f"{answer.get('description', '')} Null where no probability reaches "
                f"{decision.least_confidence:g}."
            ).strip()
    if decision.top:
        properties[TOP] = _top_schema(served.shown.outputs[0], decision.top, types)
    required = list(properties)
    if classes := served.loaded.predictor.classes:
        names = [label_text(label) for label in classes]
        properties[PROBABILITIES] = {
            "type": "object",
            "properties": {name: {"type": "number"} for name in names},
        }
    return {"type": "object", "properties": properties, "required": required}


def _top_schema(output: Column, count: int, types: Mapping[Kind, str]) -> dict[str, Any]:
    label = {
        "label": {"type": types.get(output.kind, "string")},
        "probability": {"type": "number"},
    }
    return {
        "type": "array",
        "maxItems": count,
        "items": {"type": "object", "properties": label, "required": list(label)},
        "description": "The likeliest labels, the likeliest first.",
    }


def column_notes(column: Column) -> dict[str, Any]:
    """Return the training range of a column in words; values outside it are answered too."""
    notes: list[str] = []
    if column.unit:
        notes.append(f"In {column.unit}.")
    if column.kind is Kind.ARRAY:
        notes.append(f"{array_note(column)}.")
    if column.kind is Kind.DATETIME and (column.form or column.time_zone):
        zone = column.time_zone or "UTC"
        notes.append(f"Such as {example(column)}; a time without an offset is read in {zone}.")
    if column.header:
        notes.append("The header of the training table counts as its name, too.")
    if column.categories:
        notes.append(f"In training one of: {', '.join(column.categories)}.")
    elif column.minimum is not None:
        notes.append(f"In training from {_short(column.minimum)} to {_short(column.maximum)}.")
    return {"title": column.name} | ({"description": " ".join(notes)} if notes else {})


def _short(value: float | str | None) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
