"""`GET /health/live` and `GET /health/ready`: outside the gate and outside admission."""

from typing import Any

from fastapi.responses import JSONResponse

from api.state import StateNow


async def live() -> dict[str, str]:
    """Tell that the process answers."""
    return {"status": "live"}


async def ready(state: StateNow) -> JSONResponse:
    """Tell whether predictions can be answered now, and which versions were refused."""
    catalog = state.watcher.catalog
    missing = "The service is stopping." if state.engine.draining else catalog.missing()
    # Anyone may ask, so that the reason, which names a path, stands in the events alone.
    unwritable = "The prediction log cannot be written." if state.answering.log_failure else ""
    if state.settings.log_on_failure == "refuse":
        missing = missing or unwritable
    content: dict[str, Any] = {
        "status": "not ready" if missing else "ready",
        "missing": missing,
        "prediction_log": unwritable or "writable",
        "models": {name: dict(aliases) for name, aliases in catalog.aliases.items()},
        "refused": [
            {"model": r.model, "version": r.version, "reason": r.reason} for r in catalog.refusals
        ],
    }
    return JSONResponse(content, 503 if missing else 200)
