"""Keys of clients: made, used, limited, rotated and revoked while the service runs."""

import json
import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from api.auth import keys as keys_module
from api.auth.key_file import KEY_FILE, VALID_AT_ONCE, Key, hash_of, read_keys
from api.auth.key_usage import USAGE_FILE, KeyUsage
from mlops.cli import app
from monitoring.log.reading.reader import LogReader
from tests.api.conftest import SUM_ROW, Clock, NewSettings, Serve, Service
from tests.api.server_process import process_of
from tests.api.wire import AccessLines, exchange, status_of

Mlops = Callable[..., str]


@pytest.fixture
def mlops(monkeypatch: pytest.MonkeyPatch, new_settings: NewSettings) -> Mlops:
    """Run `mlops keys` on the service's folder; return what it prints as its result."""
    # A change is seen at the next request.
    monkeypatch.setattr(keys_module, "_LOOK_SECONDS", 0.0)
    monkeypatch.setenv("LOCAL_DATA", str(new_settings().local_data))

    def run(*arguments: str, code: int = 0) -> str:
        result = CliRunner().invoke(app, ["keys", *arguments])
        assert result.exit_code == code, result.output
        return result.stdout.strip() if code == 0 else result.stderr

    return run


@pytest.fixture
def closed(serve: Serve, new_settings: NewSettings) -> Iterator[Service]:
    """Return a closed service."""
    used = new_settings(predict_open="no", admin_password=SecretStr("admin-secret"))
    with serve(used=used) as service:
        yield service


def bearer(key: str) -> dict[str, str]:
    """Return the header of a key."""
    return {"authorization": f"Bearer {key}"}


def test_a_key_opens_its_role_in_both_headers(mlops: Mlops, closed: Service) -> None:
    """No restart is needed; the access line has the key's name, and nothing has the key."""
    assert closed.predict(SUM_ROW).status_code == 403
    key = mlops("add", "shop", "--role", "predict")
    assert closed.predict(SUM_ROW).status_code == 401
    for headers in (bearer(key), {"X-API-Key": key}, {"authorization": f"bEARER  {key} "}):
        assert closed.predict(SUM_ROW, headers=headers).status_code == 200
        assert closed.client.get("/models", headers=headers).status_code == 200
        assert closed.client.get("/feedback/queue", headers=headers).status_code == 403
        assert closed.client.get("/metrics", headers=headers).status_code == 403
    lines = [line for line in closed.events("request") if line["status"] == 200]
    assert {line["key"] for line in lines} == {"shop"}
    assert {request["client"] for request in closed.logged()} == {"shop"}
    kept = "".join(
        p.read_text("latin-1") for p in closed.settings.local_data.rglob("*") if p.is_file()
    )
    assert key not in kept + closed.stream.getvalue().decode()


def test_the_file_of_keys_holds_hashes_and_is_read_by_one_user(
    mlops: Mlops, new_settings: NewSettings
) -> None:
    """A key has 256 random bits, for which a plain hash is enough."""
    key = mlops("add", "shop", "--role", "admin", "--expires", "90d")
    path = new_settings().local_data / KEY_FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    [kept] = read_keys(path)
    assert kept.hash == hash_of(key)
    assert len(key.split("_", 2)[2]) == 43
    assert kept.expires
    assert timedelta(days=89) < kept.expires - datetime.now(UTC) <= timedelta(days=90)


@pytest.mark.parametrize(
    "wrong",
    [
        *("", "xyzzy", "mlk_", "mlk_000000000000_" + "a" * 43, "mlk_\N{MELON}"),
        *(lambda key: key[:-1], lambda key: key + "a", lambda key: key.upper()),
        lambda key: key[:17] + "a" * 43,
    ],
)
def test_another_text_is_no_key(mlops: Mlops, closed: Service, wrong: Any) -> None:
    """The answer is the same for all, and names no reason."""
    key = mlops("add", "shop", "--role", "predict")
    text = wrong if isinstance(wrong, str) else wrong(key)
    for name, value in ((b"authorization", f"Bearer {text}"), (b"x-api-key", text)):
        headers = {name: value.encode(), b"content-type": b"application/json"}
        answer = closed.client.post("/predict", json=SUM_ROW, headers=headers)
        assert answer.status_code == 401
        assert "key" not in closed.events("request")[-1]


def test_two_keys_are_valid_at_once_and_then_one_is_revoked(mlops: Mlops, closed: Service) -> None:
    """So a client changes its key without a moment in which it has none."""
    old, new = (mlops("add", "shop", "--role", "predict") for _ in range(VALID_AT_ONCE))
    assert "revoke" in mlops("add", "shop", "--role", "predict", code=1)
    for key in (old, new):
        assert closed.predict(SUM_ROW, headers=bearer(key)).status_code == 200
    mlops("revoke", old.split("_")[1])
    assert closed.predict(SUM_ROW, headers=bearer(old)).status_code == 401
    assert closed.predict(SUM_ROW, headers=bearer(new)).status_code == 200
    mlops("revoke", "shop")
    assert closed.predict(SUM_ROW, headers=bearer(new)).status_code == 403
    assert "There is no key shop" in mlops("revoke", "shop", code=3)
    assert "revoked" in mlops("list")


def test_an_expired_key_opens_nothing(
    mlops: Mlops, closed: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time is looked at with each request."""
    key = mlops("add", "shop", "--role", "predict", "--expires", "1h")
    assert closed.predict(SUM_ROW, headers=bearer(key)).status_code == 200

    later = datetime.now(UTC) + timedelta(hours=1, seconds=1)
    monkeypatch.setattr(keys_module, "datetime", Mock(now=lambda _: later))
    assert closed.predict(SUM_ROW, headers=bearer(key)).status_code == 403


def test_a_key_has_a_rate(mlops: Mlops, closed: Service) -> None:
    """Beyond it 429 says how long to wait; other callers are answered."""
    slow = mlops("add", "slow", "--role", "predict", "--requests-per-second", "2")
    other = mlops("add", "other", "--role", "predict")
    answers = [closed.predict(SUM_ROW, headers=bearer(slow)) for _ in range(12)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert [answer.status_code for answer in answers[:2]] == [200, 200]
    assert refused
    assert refused[0].json()["type"] == "urn:problem:limit-reached"
    assert int(refused[0].headers["retry-after"]) == 1
    assert closed.predict(SUM_ROW, headers=bearer(other)).status_code == 200


def test_a_key_has_rows_a_day(mlops: Mlops, closed: Service) -> None:
    """A request with more than are left is refused whole, and nothing of it is logged."""
    key = mlops("add", "shop", "--role", "predict", "--rows-per-day", "5")

    def ask(rows: int) -> Any:
        return closed.predict([SUM_ROW] * rows, headers=bearer(key))

    assert [ask(rows).status_code for rows in (3, 3, 2, 1)] == [200, 429, 200, 429]
    assert 0 < int(ask(1).headers["retry-after"]) <= 86_400
    assert [request["rows"] for request in closed.logged()] == [3, 2]
    [row] = json.loads(mlops("list", "--json"))
    assert row["rows today"] == "5 of 5"
    assert row["last use (UTC)"] != "never"


def test_a_key_counts_where_none_is_needed(
    mlops: Mlops, serve: Serve, new_settings: NewSettings
) -> None:
    """An explicitly open route stays open; a client that names itself is counted and limited."""
    with serve(used=new_settings(predict_open="yes")) as service:
        key = mlops("add", "shop", "--role", "predict", "--rows-per-day", "1")
        assert service.predict(SUM_ROW).status_code == 200
        assert "client" not in service.logged()[0]
        statuses = [service.predict(SUM_ROW, headers=bearer(key)).status_code for _ in range(2)]
        assert statuses == [200, 429]


def test_a_key_closes_the_open_route_as_a_password_does(mlops: Mlops, service: Service) -> None:
    """Whoever makes one means it to be needed, and is told so."""
    assert service.predict(SUM_ROW).status_code == 200
    key = mlops("add", "shop", "--role", "predict")
    assert service.predict(SUM_ROW).status_code == 401
    assert service.predict(SUM_ROW, headers=bearer(key)).status_code == 200
    assert service.events("keys-changed")[-1]["valid"] == 1
    mlops("revoke", "shop")
    assert service.predict(SUM_ROW).status_code == 200


def test_a_damaged_file_does_not_lock_clients_out(mlops: Mlops, closed: Service) -> None:
    """The keys of before stay, and an event says what is wrong."""
    key = mlops("add", "shop", "--role", "predict")
    assert closed.predict(SUM_ROW, headers=bearer(key)).status_code == 200
    path = closed.settings.local_data / KEY_FILE
    for content in (b"", b"{", b'{"format":1,"keys":[{}]}', b"\xff"):
        path.write_bytes(content)
        assert closed.predict(SUM_ROW, headers=bearer(key)).status_code == 200
    assert len(closed.events("keys-unreadable")) == 4
    assert "is no file of keys" in mlops("list", code=1)


@pytest.mark.parametrize(
    "arguments",
    [
        ("add", "a b", "--role", "predict"),
        ("add", "", "--role", "predict"),
        ("add", "x" * 65, "--role", "predict"),
        ("add", "shop", "--role", "root"),
        ("add", "shop", "--role", "predict", "--expires", "never"),
        ("add", "shop", "--role", "predict", "--expires", "0d"),
        ("add", "shop", "--role", "predict", "--rows-per-day", "0"),
        ("add", "shop", "--role", "predict", "--requests-per-second", "-1"),
        ("add", "shop", "--role", "predict", "--requests-per-second", "nan"),
        ("add", "shop"),
    ],
)
def test_what_makes_no_sense_makes_no_key(mlops: Mlops, arguments: tuple[str, ...]) -> None:
    """It is a usage error, and the file stays as it was."""
    mlops(*arguments, code=2)
    assert mlops("list") == ""


def a_key(**limits: Any) -> Key:
    """Return a key with some limits."""
    return Key("0" * 12, "shop", "predict", "", 7, datetime.now(UTC), **limits)


def test_all_processes_share_the_counts(tmp_path: Path, clock: Clock) -> None:
    """A limit holds over all workers and over a restart; a new key in a slot begins anew."""
    key = a_key(requests_per_second=3, rows_per_day=10)
    first, second = (KeyUsage(tmp_path, clock, clock) for _ in range(2))
    taken = [usage.take_request(key) for usage in (first, second, first, second)]
    assert taken == [0, 0, 0, 1]
    clock.now += 0.34
    assert second.take_request(key) == 0
    assert first.take_rows(key, 6) == 0
    first.close()
    second.close()
    again = KeyUsage(tmp_path, clock, clock)
    assert again.take_rows(key, 6) > 0
    assert again.rows_today(key) == 6
    clock.now += 86_400
    assert again.rows_today(key) == 0
    assert again.take_rows(key, 6) == 0
    other = a_key(rows_per_day=10)
    assert again.rows_today(Key(**{**_fields(other), "id": "1" * 12})) == 0
    again.close()
    assert stat.S_IMODE((tmp_path / USAGE_FILE).stat().st_mode) == 0o600


def test_without_a_folder_each_process_counts_for_itself(tmp_path: Path, clock: Clock) -> None:
    """A read-only folder does not end a limit."""
    usage = KeyUsage(tmp_path / "none", clock, clock)
    assert [usage.take_rows(a_key(rows_per_day=1), 1) > 0 for _ in range(2)] == [False, True]


def test_a_restart_of_the_machine_does_not_stop_a_key(tmp_path: Path, clock: Clock) -> None:
    """The clock begins anew there, long before what was counted."""
    key = a_key(requests_per_second=1)
    usage = KeyUsage(tmp_path, clock, clock)
    assert usage.take_request(key) == 0
    clock.now = 5.0
    assert usage.take_request(key) == 0


def _fields(key: Key) -> dict[str, Any]:
    return {name: getattr(key, name) for name in Key.__struct_fields__}


@pytest.mark.slow  # it waits for a limit
def test_on_a_connection_a_key_has_its_name_and_limits_on_both_ways(
    mlops: Mlops, published: Path, new_settings: NewSettings
) -> None:
    """Whole and in chunks: two workers count together."""
    folder = new_settings().local_data
    folder.mkdir(parents=True, exist_ok=True)
    key = mlops("add", "shop", "--role", "predict", "--rows-per-day", "4").encode()
    row = b'{"weight":60}'
    head = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    head += b"Connection: close\r\nX-API-Key: " + key + b"\r\n"
    whole = head + b"Content-Length: 13\r\n\r\n" + row
    chunks = head + b"Transfer-Encoding: chunked\r\n\r\nd\r\n" + row + b"\r\n0\r\n\r\n"
    with process_of(folder, published, SERVICE_WORKERS="2") as server:
        lines = AccessLines(server, folder / "events")
        statuses = [status_of(exchange(server, sent)) for sent in [whole, chunks] * 3]
        assert statuses == [200, 200, 200, 200, 429, 429]
        assert {line["key"] for line in lines.wait(6)} == {"shop"}
    logged = LogReader(folder / "predictions.sqlite").export()
    assert [json.loads(line)["client"] for line in logged] == ["shop"] * 4
