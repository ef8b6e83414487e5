"""A client of the running service's HTTP interface, over one connection."""

import base64
import http.client
import json
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import msgspec

from settings.settings import Settings

_PATIENCE_SECONDS = 60
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - not bound to, but replaced


class ServiceError(Exception):
    """A service did not answer as it should; the sentence says why."""


class ServiceClient:
    """Asks a service with the credentials that the settings have for the role `predict`.

    Args:
        url: Where the service is; empty: where the settings say that it listens.
        settings: The settings.

    Raises:
        ServiceError: the address is none.
    """

    def __init__(self, url: str, settings: Settings) -> None:
        host = _EVERYWHERE.get(settings.service_host, settings.service_host)
        own = f"http://{f'[{host}]' if ':' in host else host}:{settings.service_port}"
        self._url = url.rstrip("/") or own
        try:
            address = urlsplit(self._url)
            kind = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
            connect = kind[address.scheme]
            self._connection = connect(
                address.hostname or "", address.port, timeout=_PATIENCE_SECONDS
            )
        except (KeyError, ValueError, http.client.InvalidURL):
            raise ServiceError(
                f"{url} is not the address of a service: give one as in {own}."
            ) from None
        self._path = address.path
        self._headers = {"Content-Type": "application/json"}
        if password := settings.predict_password.get_secret_value():
            credentials = f"{settings.predict_username}:{password}".encode()
            encoded = base64.b64encode(credentials).decode("ascii")
            self._headers["Authorization"] = f"Basic {encoded}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._connection.close()

    def get(self, path: str) -> Any:
        """Return what the service answers to a question."""
        return self._ask("GET", path, None)

    def post(self, path: str, document: Any) -> Any:
        """Return what the service answers to a document."""
        return self._ask("POST", path, msgspec.json.encode(document))

    def _ask(self, method: str, path: str, body: bytes | None) -> Any:
        try:
            self._connection.request(method, self._path + path, body, self._headers)
            answer = self._connection.getresponse()
            document = json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise ServiceError(
                f"No service answers at {self._url} ({type(error).__name__}): start it, or say "
                "where it is by --url."
            ) from error
        if answer.status != HTTPStatus.OK:
            raise ServiceError(f"The service at {self._url} refused: {document.get('detail')}")
        return document
