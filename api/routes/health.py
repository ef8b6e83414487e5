"""`GET /health/live` and `GET /health/ready`: outside the gate and outside admission."""

from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from api.state import State, state_of


async def live() -> dict[str, str]:
    """Tell that the process answers."""
    return {"status": "live"}


async def ready(request: Request, state: Annotated[State, Depends(state_of)]) -> JSONResponse:
    """Tell whether predictions can be answered now, and which versions were refused."""
    catalog = state.watcher.catalog
    missing = "The service is stopping." if request.app.state.draining else catalog.missing()
    if state.engine.log_failure:
        # Asked here too: a service that gets no requests would never find out.
        await run_in_threadpool(state.engine.try_log)
    if not missing and state.settings.log_on_failure == "refuse":
        missing = state.engine.log_failure
    content: dict[str, Any] = {
        "status": "not ready" if missing else "ready",
        "missing": missing,
        "prediction_log": state.engine.log_failure or "writable",
        "models": {name: dict(aliases) for name, aliases in catalog.aliases.items()},
        "refused": [
            {"model": r.model, "version": r.version, "reason": r.reason} for r in catalog.refusals
        ],
    }
    return JSONResponse(content, 503 if missing else 200)
