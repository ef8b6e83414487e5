"""`GET /models` and `GET /models/{model}`: what is served."""

from typing import Any, Literal

import msgspec
from pydantic import BaseModel

from api.http.problems import NotFound
from api.models.loaded_models import LoadedModels, ServedModel
from api.state import StateNow
from model_store.manifest import Task
from model_store.schema.signature import Signature


class ColumnView(BaseModel):
    """A column of a signature."""

    name: str
    kind: Literal["integer", "number", "boolean", "string", "category", "datetime", "array"]
    nullable: bool
    categories: list[str]
    minimum: float | str | None
    maximum: float | str | None
    unit: str
    form: str
    """Of a datetime: the pattern in which a request may write it as well."""
    time_zone: str
    """Of a datetime: in which one without an offset is read; empty: each needs an offset."""
    dtype: str
    """Of an array: the type of its numbers, as numpy names it; base64 holds them little-endian."""
    shape: list[int]
    """Of an array: how many numbers it has along each axis."""
    header: str
    """Another spelling of the name, which a request may use as well."""


class IntervalView(BaseModel):
    """The outputs that bound another one."""

    of: str
    lower: str
    upper: str
    coverage: float
    """The share of rows whose true value should lie between the bounds."""


class SignatureView(BaseModel):
    """The columns that a version takes and gives."""

    inputs: list[ColumnView]
    outputs: list[ColumnView]
    ignored: list[str]
    """What a request may hold as well; it is not used."""
    interval: IntervalView | None = None
    """Which outputs are the bounds of another; null: none is."""


class ScoreView(BaseModel):
    """A score that a version reached in training."""

    metric: str
    split: str
    value: float


class DecisionView(BaseModel):
    """What the service makes of a version's probabilities."""

    least_confidence: float
    """Below this greatest probability the answer is null; 0: never."""
    top: int
    """How many of the likeliest labels an answer names."""
    calibrated: str
    """How they were calibrated in training; empty: they are the estimator's own."""


class VersionView(BaseModel):
    """A served version."""

    version: str
    created: str
    task: Task
    aliases: list[str]
    signature: SignatureView
    scores: list[ScoreView]
    decision: DecisionView
    """What is made of its probabilities."""
    form: Literal["compiled", "estimator"]
    """What answers: the compiled form, or the estimator with the libraries of its training."""
    form_reason: str
    """Why it is not the compiled form; usually empty."""
    card: str | None = None


class ModelView(BaseModel):
    """A served model."""

    model: str
    default: bool
    aliases: dict[str, str]
    versions: list[VersionView]


class ModelsView(BaseModel):
    """All served models."""

    models: list[ModelView]


async def list_models(state: StateNow) -> ModelsView:
    """List every model that is served, with its versions, signatures and scores."""
    loaded_models = state.reloader.loaded_models
    return ModelsView(
        models=[_model_view(loaded_models, name, card=False) for name in loaded_models.versions]
    )


async def show_model(model: str, state: StateNow) -> ModelView:
    """Show one model, with the cards of its versions."""
    loaded_models = state.reloader.loaded_models
    if model not in loaded_models.versions:
        raise NotFound("No model of that name is served: GET /models lists them.")
    return _model_view(loaded_models, model, card=True)


def _model_view(loaded_models: LoadedModels, model: str, *, card: bool) -> ModelView:
    aliases = dict(loaded_models.aliases[model])
    return ModelView(
        model=model,
        default=model == loaded_models.default,
        aliases=aliases,
        versions=[
            _version_view(served, [a for a, v in aliases.items() if v == version], card=card)
            for version, served in loaded_models.versions[model].items()
        ],
    )


def _version_view(served: ServedModel, aliases: list[str], *, card: bool) -> VersionView:
    manifest = served.manifest
    return VersionView(
        version=manifest.version,
        created=manifest.created,
        task=manifest.task,
        aliases=aliases,
        signature=SignatureView(
            inputs=[_column_view(column) for column in served.shown.inputs],
            outputs=[_column_view(column) for column in served.shown.outputs],
            ignored=list(manifest.signature.ignored),
            interval=_interval_view(manifest.signature),
        ),
        scores=[ScoreView(metric=s.metric, split=s.split, value=s.value) for s in manifest.scores],
        decision=DecisionView(**msgspec.structs.asdict(manifest.decision)),
        form=served.loaded.form,
        form_reason=served.loaded.form_reason,
        card=served.card if card else None,
    )


def _interval_view(signature: Signature) -> IntervalView | None:
    found = signature.interval
    if found is None:
        return None
    return IntervalView(of=found.of, lower=found.lower, upper=found.upper, coverage=found.coverage)


def _column_view(column: Any) -> ColumnView:
    return ColumnView(**{name: getattr(column, name) for name in ColumnView.model_fields})
