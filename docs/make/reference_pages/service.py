"""A service without a model, whose routes and metrics are read."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from pydantic import SecretStr
from starlette.testclient import TestClient

from api.app import create_app
from api.state import State
from settings.settings import Settings


@contextlib.contextmanager
def service(**settings: Any) -> Iterator[tuple[FastAPI, State]]:
    """Run a service without a model, with all that the settings can switch on."""
    with tempfile.TemporaryDirectory() as folder:
        used = Settings(
            local_data=Path(folder),
            log_max_bytes=2**30,
            log_key=SecretStr("k" * 32),
            service_event_level="error",
            **settings,
        )
        app = create_app(used)
        with TestClient(app) as client:
            yield app, client.app_state["service"]
