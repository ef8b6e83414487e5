"""`GET /health/live` and `GET /health/ready`: open to all, and outside admission."""

from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse

from api import readiness
from api.auth.roles import caller
from api.state import State, StateNow


async def live() -> dict[str, str]:
    """Answer that the process is alive."""
    return {"status": "live"}


async def ready(request: Request, state: StateNow) -> JSONResponse:
    """Answer whether predictions can be answered now, and which versions were refused.

    The names of models and versions, which hold those of branches, are for those who may ask for
    predictions.
    """
    loaded_models = state.reloader.loaded_models
    missing = readiness.missing(state)
    content: dict[str, Any] = {
        "status": "not ready" if missing else "ready",
        "missing": missing,
        "prediction_log": readiness.unwritable(state) or "writable",
    }
    if may_see_models(request, state):
        content |= {
            "models": {name: dict(aliases) for name, aliases in loaded_models.aliases.items()},
            "refused": [
                {"model": r.model, "version": r.version, "reason": r.reason}
                for r in loaded_models.refusals
            ],
        }
    elif missing and loaded_models.missing():
        content["missing"] = "No model can answer: send credentials to see why."
    return JSONResponse(content, 503 if missing else 200)


def may_see_models(request: Request, state: State) -> bool:
    """Return whether the caller is on this machine, where predictions are open, or known.

    Nobody sees them under another host: it may be a web page that asks.
    """
    settings, fields = state.settings, caller(request)[0]
    if not state.middleware.rules.know_host(request.scope, fields):
        return False
    open_here = settings.loopback and settings.predict_is_open
    return open_here or request.app.auth.know(*caller(request))
