"""`POST /predict`, and the same for a named model or version.

A plain Starlette route: FastAPI's own would decode the body a second time. `api.openapi` documents
it, with the typed fields of the served signature.
"""

import time

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api.body import read_json_body
from api.catalog import ServedModel
from api.job import Job
from api.problems import InvalidRows, TooLarge
from api.resources import utc_now
from api.state import state_of
from model_store.row_decoder import InvalidRowsError, Rows


async def predict(request: Request) -> Response:
    """Answer one request."""
    arrived, received = utc_now(), time.perf_counter()
    state = state_of(request)
    settings = state.settings
    model = state.watcher.catalog.answering(
        request.path_params.get("model", ""), request.path_params.get("version", "")
    )
    probabilities = _asks_probabilities(request, model)
    # Before the body is read: who cannot be answered now shall not fill the memory meanwhile.
    state.engine.admit(model)
    body = await read_json_body(
        request,
        max_bytes=settings.predict_max_body_bytes,
        timeout_seconds=settings.predict_body_timeout_seconds,
    )
    job = Job(
        model=model,
        rows=await _decode(model, body, settings.predict_max_rows),
        body=body,
        request_id=request.state.request_id,
        probabilities=probabilities,
        arrived=arrived,
        received=received,
    )
    answer = await state.engine.predict(job)
    headers = {"X-Model-Version": model.manifest.version}
    if not answer.logged:
        headers["Prediction-Logged"] = "false"
    return Response(answer.body, 200, headers, "application/json")


async def _decode(model: ServedModel, body: bytes, max_rows: int) -> Rows:
    try:
        rows = model.decoder.decode(body)
    except InvalidRowsError:
        # To explain takes long where the body is long.
        raise await run_in_threadpool(model.explainer.explain, body, max_rows) from None
    if len(rows.items) > max_rows:
        raise TooLarge(f"A request may have {max_rows} rows.")
    return rows


def _asks_probabilities(request: Request, model: ServedModel) -> bool:
    """Read `?probabilities=true`.

    Raises:
        InvalidRows: it has another value, another parameter stands beside it, or this model has no
            probabilities.
    """
    query = request.url.query
    if not query:
        return False
    if query not in {"probabilities=true", "probabilities=false"}:
        raise InvalidRows("The only query parameter is `probabilities`: true or false.")
    if query.endswith("false"):
        return False
    if not model.loaded.predictor.classes:
        raise InvalidRows("This model has no probabilities: ask without them.")
    return True
