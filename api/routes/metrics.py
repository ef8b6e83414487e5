"""`GET /metrics`, in the Prometheus text format."""

from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from api.state import StateNow


def metrics(state: StateNow) -> Response:
    """Return every metric. In a thread, as collectors read the prediction log."""
    return Response(generate_latest(state.metrics.registry), media_type=CONTENT_TYPE_LATEST)
