"""`POST /predict`, and the same for a named model or version.

A plain Starlette route: FastAPI's own would decode the body a second time. `api.openapi` documents
it, with the typed fields of the served signature.
"""

import asyncio
import time

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api.auth.roles import client_of
from api.batching.batcher import stopping
from api.batching.prediction_job import PredictionJob, check_rows
from api.batching.prediction_response import PredictionResponse
from api.http.body import read_json_body
from api.http.problems import InvalidRows
from api.models.loaded_models import ServedModel
from api.state import state_of
from model_store.schema.row_decoder import InvalidRowsError, Rows
from monitoring.log.timestamps import utc_now

PATHS = (
    "/predict",
    "/models/{model}/predict",
    "/models/{model}/versions/{version}/predict",
)


async def predict(request: Request) -> Response:
    """Answer one request."""
    arrived, received = utc_now(), time.perf_counter()
    state = state_of(request)
    settings = state.settings
    names = request.path_params
    model = state.reloader.loaded_models.resolve(names.get("model", ""), names.get("version", ""))
    probabilities = _asks_probabilities(request, model)
    # Before the body is read: a request that cannot be answered now must not fill the memory.
    state.batcher.admit(model)
    with state.body_budget.share() as share:
        body = await read_json_body(
            request,
            share,
            max_bytes=settings.predict_max_body_bytes,
            timeout_seconds=settings.predict_body_timeout_seconds,
        )
        rows = await _decode(model, body, settings.predict_max_rows)
        client = client_of(request)
        if client:
            client.take_rows(rows.size)
        job = PredictionJob(
            model=model,
            rows=rows,
            body=body,
            request_id=request.scope["state"]["request_id"],
            probabilities=probabilities,
            arrived=arrived,
            received=received,
            client=client.key.name if client else "",
        )
        try:
            answer = await state.batcher.submit(job)
        except asyncio.CancelledError:
            # The server stops, and does not wait any longer.
            raise stopping() from None
    return PredictionResponse(answer, model.version_header)


async def _decode(model: ServedModel, body: bytes, max_rows: int) -> Rows:
    try:
        rows = model.decoder.decode(body)
    except InvalidRowsError:
        # To explain takes long where the body is long.
        raise await run_in_threadpool(model.explainer.explain, body, max_rows) from None
    check_rows(rows, max_rows)
    return rows


def _asks_probabilities(request: Request, model: ServedModel) -> bool:
    """Read `?probabilities=true`.

    Raises:
        InvalidRows: it has another value, another parameter stands beside it, or this model has no
            probabilities.
    """
    query = request.scope["query_string"]
    if not query:
        return False
    if query not in {b"probabilities=true", b"probabilities=false"}:
        raise InvalidRows("The only query parameter is `probabilities`: true or false.")
    if query.endswith(b"false"):
        return False
    if not model.loaded.predictor.classes:
        raise InvalidRows("This model has no probabilities: ask without them.")
    return True
