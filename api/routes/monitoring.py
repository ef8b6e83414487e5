"""`GET /monitoring`: the newest report that `mlops report` wrote, as it stands.

Evidently's pages beside it are not served: they run megabytes of scripts, in which the values that
callers sent stand, and a browser that shows this page holds an administrator's credentials.
"""

from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse

from api.http.problems import NotFound, Unavailable
from api.state import StateNow
from monitoring.report_folder import ReportFolder

# The page names its own style by its hash; both policies hold, and neither knows a script.
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'; sandbox"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


async def monitoring(state: StateNow) -> HTMLResponse:
    """Show the newest report on traffic, drift and live scores."""
    try:
        page = await run_in_threadpool(_newest, state.settings.local_data)
    except OSError as error:
        raise Unavailable(
            f"The newest report cannot be read ({error.strerror}): make one as the service's user, "
            "or give the folder `reports` to that user."
        ) from None
    if page is None:
        raise NotFound("There is no report yet: make one with `mlops report`.")
    return HTMLResponse(page, headers=_HEADERS)


def _newest(local_data: Path) -> bytes | None:
    newest = ReportFolder(local_data).newest()
    try:
        return newest.read_bytes() if newest else None
    except FileNotFoundError:
        # Somebody tidied up meanwhile.
        return None
