"""The settings of the service: where it listens, who may call it, and how much they may send."""

import ipaddress
import re
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from settings.values import Names, Seconds, Section

ROLES = 3
ALLOWED_HOST = re.compile(
    r"\*|(?:\*\.)?[A-Za-z0-9_][A-Za-z0-9._-]*(?::[0-9]{1,5})?"
    r"|\[[0-9A-Fa-f:.]+\](?::[0-9]{1,5})?|[0-9A-Fa-f:.]+"
)
ORIGIN = re.compile(r"\*|https?://(?:\[[0-9a-f:.]+\]|[a-z0-9_][a-z0-9._-]*)(?::[0-9]{1,5})?")
ROOT_PATH = re.compile(r"(?:/[A-Za-z0-9._~-]+)+")


class ServiceSettings(Section):
    """The sections `[service]`, `[predict]`, `[metrics]` and `[admin]`."""

    service_host: str = "127.0.0.1"
    """The address to listen on. Beyond loopback, `/predict` and `/docs` require credentials."""
    service_port: int = Field(8000, ge=0, le=65535)
    """The port to listen on; 0 takes a free port."""
    service_workers: int = Field(1, ge=1, le=64)
    """Number of worker processes. Each holds the models in memory and has queues of its own."""
    service_shutdown_seconds: int = Field(20, ge=1, le=3600)
    """Maximum time for requests in flight to finish after a stop was requested."""
    service_keep_alive_seconds: int = Field(75, ge=1, le=3600)
    """How long an idle connection stays open; longer than a proxy keeps it (often 60 s)."""
    service_allowed_hosts: Names = ()
    """Host names that requests may name, besides this machine's own; `*`: all.

    As in `predictions.example.org, *.internal, service:8000`. Empty: on loopback, none; beyond
    loopback, all.
    """
    service_trusted_proxies: Names = ()
    """Addresses or networks of proxies, whose `X-Forwarded-For`, `Forwarded` and
    `X-Forwarded-Prefix` count."""
    service_cors_origins: Names = ()
    """Origins whose web pages may call the service, as in `https://app.example.org`; `*`: all,
    without stored credentials."""
    service_root_path: str = ""
    """The path under which a proxy publishes the service, as in `/ml`; `/openapi.json` names it."""
    service_event_level: Literal["debug", "info", "warning", "error"] = "info"
    """Minimum level of the events on standard output; `info` includes one line per request."""

    predict_open: Literal["auto", "unless-password", "yes", "no"] = "auto"
    """Whether `/predict` is open without credentials; `auto`: only while bound to loopback and
    without a password; `unless-password`: wherever it listens, while there is no password."""
    predict_username: str = "predict"
    """The user name of the role `predict`."""
    predict_password: SecretStr = SecretStr("")
    """The password of the role `predict`; empty: the role has no user."""
    predict_max_body_bytes: int = Field(2_097_152, ge=1)
    """Maximum size of a request body."""
    predict_max_rows: int = Field(10_000, ge=1)
    """Maximum number of rows per request."""
    predict_max_string_characters: int = Field(10_000, ge=1)
    """Maximum length of a string value."""
    predict_body_timeout_seconds: Seconds = 10
    """Maximum time for a request body to arrive."""
    predict_timeout_seconds: Seconds = 30
    """Maximum time from the arrival of a request to its answer; later requests get 504."""
    predict_running_requests: int = Field(256, ge=1)
    """Maximum number of requests in one batch of a model."""
    predict_queue_requests: int = Field(1024, ge=1)
    """Maximum queue length per model; further requests get 503 with `Retry-After`."""
    predict_queue_bytes: int = Field(67_108_864, ge=1)
    """Maximum total size of bodies in memory; further requests get 503 with `Retry-After`."""

    metrics_username: str = "metrics"
    """The user name of the role `metrics`."""
    metrics_password: SecretStr = SecretStr("")
    """The password of the role `metrics`; empty: the role has no user."""
    metrics_password_copy: Path | None = None
    """A file that receives a copy of `METRICS_PASSWORD`, for a Prometheus of another user."""
    admin_username: str = "admin"
    """The user name of the role `admin`."""
    admin_password: SecretStr = SecretStr("")
    """The password of the role `admin`; empty: the role has no user."""

    @field_validator("predict_username", "metrics_username", "admin_username")
    @classmethod
    def _username(cls, value: str) -> str:
        if not value or ":" in value:
            raise ValueError("a user name must have at least one character and no colon")
        return value

    @field_validator("service_allowed_hosts")
    @classmethod
    def _hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            if not ALLOWED_HOST.fullmatch(text):
                raise ValueError(
                    "a host is a name or an address, with a port or without: no scheme and no path"
                )
        return value

    @field_validator("service_trusted_proxies")
    @classmethod
    def _proxies(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            try:
                ipaddress.ip_network(text)
            except ValueError:
                raise ValueError(
                    "a proxy is an address or a network, as in 10.0.0.7 or 10.0.0.0/24"
                ) from None
        return value

    @field_validator("service_cors_origins")
    @classmethod
    def _origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            if not ORIGIN.fullmatch(text):
                raise ValueError(
                    "an origin is scheme://host or scheme://host:port in lower case, without a "
                    "slash at its end"
                )
        return value

    @field_validator("service_root_path")
    @classmethod
    def _root_path(cls, value: str) -> str:
        if value and not ROOT_PATH.fullmatch(value):
            raise ValueError("a path begins with a slash, ends without one, as in /ml")
        return value

    @model_validator(mode="after")
    def _open_or_closed(self) -> Self:
        if self.predict_open == "yes" and self.predict_password.get_secret_value():
            raise ValueError(
                "PREDICT_OPEN=yes would open /predict to callers without the PREDICT_PASSWORD "
                "that is set: unset one of the two"
            )
        return self

    @model_validator(mode="after")
    def _distinct_users(self) -> Self:
        # One name with two passwords would make it unclear which role a caller asked for.
        if len({self.predict_username, self.metrics_username, self.admin_username}) < ROLES:
            raise ValueError("each role needs its own user name")
        return self

    @model_validator(mode="after")
    def _room_for_bodies(self) -> Self:
        if self.predict_queue_bytes < self.predict_max_body_bytes:
            raise ValueError("PREDICT_QUEUE_BYTES must be at least PREDICT_MAX_BODY_BYTES")
        return self

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the service."""
        if self.service_host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.service_host).is_loopback
        except ValueError:
            return False

    @property
    def predict_is_open(self) -> bool:
        """Whether `/predict` asks for no credentials."""
        if self.predict_open in {"yes", "no"}:
            return self.predict_open == "yes"
        here = self.predict_open == "unless-password" or self.loopback
        return here and not self.predict_password.get_secret_value()
