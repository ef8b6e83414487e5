"""The OpenAPI document: the routes that FastAPI knows, and a typed `/predict` for each model."""

from collections.abc import Sequence
from math import prod
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.http.body_errors import row_model
from api.http.problems import FieldError
from api.models.answer_schema import answer_schema, column_notes
from api.models.loaded_models import LoadedModels, ServedModel
from model_store.aliases import CHAMPION
from model_store.schema.examples import example
from model_store.schema.prediction import PROBABILITIES
from model_store.schema.row_decoder import MAX_STRING
from model_store.schema.signature import Signature
from monitoring.log.writing.true_values import Verdict

_MOST_EXAMPLE_NUMBERS = 10_000
"""Of all arrays of a row that is shown as an example."""
_PROBLEM = {
    "type": "object",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {name: {"type": "string"} for name in FieldError._fields},
            },
        },
    },
}
PROBLEM_RESPONSE: dict[str, Any] = {
    "description": "A problem, as RFC 9457 has it.",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
_SECURITY: list[dict[str, list[str]]] = [{}, {"basic": []}, {"bearer": []}, {"key": []}]
"""Of each operation, so that the page offers all; whether one is needed, `api.auth` decides."""
_PROBLEMS = {
    400: "Not acceptable JSON text",
    401: "Credentials are missing or wrong",
    403: "The credentials have another role, or a page of another site asks",
    404: "No such model or version",
    408: "The body came too slowly",
    413: "Too many bytes or rows",
    415: "Not declared as JSON",
    421: "Not a host of this service",
    422: "Not what the schema asks for",
    429: "Too many wrong passwords, or the limit of a key is reached",
    500: "The model failed",
    503: "Overloaded, stopping, or no model",
    504: "Not answered in time",
}


_IGNORED = {
    "type": ["string", "number", "boolean", "null"],
    "description": "A column of the training table that the model does not use: leave it out.",
}


def openapi_document(
    app: FastAPI,
    loaded_models: LoadedModels,
    *,
    max_string: int,
    business_metrics: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the document of the models that are served now."""
    document = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes
    )
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = _PROBLEM
    document["components"]["securitySchemes"] = {
        "basic": {"type": "http", "scheme": "basic"},
        "bearer": {"type": "http", "scheme": "bearer"},
        "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    }
    # The route that most readers need comes first.
    paths: dict[str, Any] = {}
    if not loaded_models.missing():
        paths["/predict"] = _predict_operation("/predict", loaded_models.resolve(), max_string)
    for model in loaded_models.versions:
        for path, version in _paths(loaded_models, model):
            served = loaded_models.versions[model][version]
            paths[path] = _predict_operation(path, served, max_string)
    paths["/feedback"] = _FEEDBACK
    if business_metrics:
        paths["/business-metrics"] = _business_metrics_operation(business_metrics)
    for path in ("/models", "/models/{model}", "/metrics", "/feedback/queue"):
        # So that the page offers to send credentials; whether they are needed, `api.auth` decides.
        for operation in document["paths"][path].values():
            operation["security"] = _SECURITY
    document["paths"]["/feedback/queue"]["get"]["deprecated"] = True
    document["paths"] = paths | document["paths"]
    return document


def example_rows(signature: Signature) -> list[dict[str, Any]]:
    """Return a row that the signature accepts, made from its ranges: never from a person's data."""
    return [{column.name: example(column) for column in signature.inputs}]


def _example(signature: Signature) -> dict[str, Any]:
    """Return a row for the document, unless it would be most of it."""
    numbers = sum(prod(column.shape) for column in signature.inputs if column.shape)
    return {"example": example_rows(signature)} if numbers <= _MOST_EXAMPLE_NUMBERS else {}


def _paths(loaded_models: LoadedModels, model: str) -> list[tuple[str, str]]:
    champion = loaded_models.aliases[model].get(CHAMPION)
    paths = [(f"/models/{model}/predict", champion)] if champion else []
    named = [(f"/models/{model}/versions/{v}/predict", v) for v in loaded_models.versions[model]]
    return [*paths, *named]


def _predict_operation(path: str, served: ServedModel, max_string: int) -> dict[str, Any]:
    manifest = served.manifest
    row = row_model(manifest.signature, max_string=max_string).model_json_schema()
    row.pop("title", None)
    for column in served.shown.inputs:
        row["properties"][column.name] |= column_notes(column)
    for name in manifest.signature.ignored:
        row["properties"][name] = _IGNORED
    answer = answer_schema(served)
    operation: dict[str, Any] = {
        "tags": ["predict"],
        "summary": f"Predict with {manifest.model}",
        "description": f"Answered by version `{manifest.version}`.",
        "operationId": path.strip("/").replace("/", "_"),
        "security": _SECURITY,
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _one_or_many(row)} | _example(served.shown)},
        },
        "responses": _responses(
            "One answer a row, in the same order; an object for an object.", _one_or_many(answer)
        ),
    }
    if served.loaded.predictor.classes:
        operation["parameters"] = [
            {
                "name": PROBABILITIES,
                "in": "query",
                "description": "Whether to add each class's probability.",
                "schema": {"type": "boolean", "default": False},
            }
        ]
    return {"post": operation}


def _one_or_many(schema: dict[str, Any]) -> dict[str, Any]:
    return {"oneOf": [{"type": "array", "minItems": 1, "items": schema}, schema]}


def _responses(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "200": {"description": description, "content": {"application/json": {"schema": schema}}}
    } | {
        str(status): PROBLEM_RESPONSE | {"description": text} for status, text in _PROBLEMS.items()
    }


def _items(properties: dict[str, Any]) -> dict[str, Any]:
    return _one_or_many(
        {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        }
    )


_ROW_OF_REQUEST = {
    "request_id": {
        "type": "string",
        "maxLength": 128,
        "description": "The `X-Request-ID` of the prediction.",
    },
    "row": {"type": "integer", "minimum": 0, "description": "Which row of it, from 0."},
}
_TRUE_VALUE = {
    "type": ["string", "integer", "number", "boolean", "object"],
    "maxLength": MAX_STRING,
    "additionalProperties": {"type": ["string", "integer", "number", "boolean"]},
    "description": "The truth; of several outputs an object by their names.",
}
_FEEDBACK = {
    "post": {
        "tags": ["predict"],
        "summary": "Send the true values of rows that were predicted",
        "operationId": "feedback",
        "security": _SECURITY,
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": _items(_ROW_OF_REQUEST | {"value": _TRUE_VALUE})}
            },
        },
        "responses": _responses(
            "The verdict on each value, in the same order; an object for an object.",
            _items(_ROW_OF_REQUEST | {"status": {"enum": [str(verdict) for verdict in Verdict]}}),
        ),
    }
}


def _business_metrics_operation(names: Sequence[str]) -> dict[str, Any]:
    values = {
        "type": "object",
        "minProperties": 1,
        "properties": {name: {"type": "number"} for name in names},
        "additionalProperties": False,
    }
    stored = {
        "type": "object",
        "properties": {"stored": {"type": "array", "items": {"enum": list(names)}}},
        "required": ["stored"],
    }
    operation = {
        "tags": ["predict"],
        "summary": "Send numbers of your own system, such as its revenue",
        "operationId": "business_metrics",
        "security": _SECURITY,
        "requestBody": {"required": True, "content": {"application/json": {"schema": values}}},
        "responses": _responses("The names whose values were stored.", stored),
    }
    return {"post": operation}
