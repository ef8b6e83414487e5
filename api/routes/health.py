"""`GET /health/live` and `GET /health/ready`: open to all, and outside admission."""

from typing import Any

from fastapi.responses import JSONResponse

from api import readiness
from api.state import StateNow


async def live() -> dict[str, str]:
    """Answer that the process is alive."""
    return {"status": "live"}


async def ready(state: StateNow) -> JSONResponse:
    """Answer whether predictions can be answered now, and which versions were refused."""
    loaded_models = state.reloader.loaded_models
    missing = readiness.missing(state)
    content: dict[str, Any] = {
        "status": "not ready" if missing else "ready",
        "missing": missing,
        "prediction_log": readiness.unwritable(state) or "writable",
        "models": {name: dict(aliases) for name, aliases in loaded_models.aliases.items()},
        "refused": [
            {"model": r.model, "version": r.version, "reason": r.reason}
            for r in loaded_models.refusals
        ],
    }
    return JSONResponse(content, 503 if missing else 200)
