"""A caller's address comes from proxies that the settings name, and from nobody else."""

import pytest
from pydantic import ValidationError

from api.auth.login_throttle import ADDRESS_LIMIT
from api.http.client_address import TrustedProxies
from tests.api.conftest import NewSettings, Serve

PROXIES = TrustedProxies(["10.0.0.0/8", "192.0.2.9", "::1"])


@pytest.mark.parametrize(
    ("peer", "fields", "client"),
    [
        ("198.51.100.7", {"x-forwarded-for": "203.0.113.5"}, "198.51.100.7"),
        ("10.0.0.1", {}, "10.0.0.1"),
        ("10.0.0.1", {"x-forwarded-for": "203.0.113.5"}, "203.0.113.5"),
        ("::ffff:10.0.0.1", {"x-forwarded-for": "203.0.113.5"}, "203.0.113.5"),
        ("::1", {"x-forwarded-for": "2001:db8::7"}, "2001:db8::7"),
        ("10.0.0.1", {"x-forwarded-for": "1.1.1.1, 203.0.113.5"}, "203.0.113.5"),
        ("10.0.0.1", {"x-forwarded-for": "1.1.1.1, 203.0.113.5, 10.9.9.9"}, "203.0.113.5"),
        ("10.0.0.1", {"x-forwarded-for": "10.1.1.1, 192.0.2.9"}, "10.1.1.1"),
        ("10.0.0.1", {"x-forwarded-for": "203.0.113.5:4711"}, "203.0.113.5"),
        ("10.0.0.1", {"x-forwarded-for": "[2001:db8::7]:4711"}, "2001:db8::7"),
        ("10.0.0.1", {"x-forwarded-for": "1.1.1.1, unknown"}, "10.0.0.1"),
        ("10.0.0.1", {"x-forwarded-for": "xyzzy"}, "10.0.0.1"),
        ("10.0.0.1", {"x-forwarded-for": ""}, "10.0.0.1"),
        ("10.0.0.1", {"x-forwarded-for": "1.1.1.1,,"}, "10.0.0.1"),
        ("10.0.0.1", {"forwarded": "for=203.0.113.5"}, "203.0.113.5"),
        ("10.0.0.1", {"forwarded": "for=1.1.1.1, for=203.0.113.5;proto=https"}, "203.0.113.5"),
        ("10.0.0.1", {"forwarded": 'proto=https; For="[2001:db8::7]:4711"'}, "2001:db8::7"),
        ("10.0.0.1", {"forwarded": "for=_hidden"}, "10.0.0.1"),
        ("10.0.0.1", {"forwarded": "by=203.0.113.5"}, "10.0.0.1"),
        (
            "10.0.0.1",
            {"forwarded": "for=203.0.113.5", "x-forwarded-for": "203.0.113.5"},
            "203.0.113.5",
        ),
        ("10.0.0.1", {"forwarded": "for=1.1.1.1", "x-forwarded-for": "203.0.113.5"}, "10.0.0.1"),
        ("testclient", {"x-forwarded-for": "203.0.113.5"}, "testclient"),
    ],
)
def test_the_nearest_address_that_is_no_proxy_is_the_caller(
    peer: str, fields: dict[str, str], client: str
) -> None:
    """What the caller writes stands before it, and does not count."""
    sent = {name.encode(): value.encode() for name, value in fields.items()}
    assert PROXIES.client(peer, sent) == client


def test_a_field_without_end_is_read_to_its_bound() -> None:
    """The nearest hops are at its end."""
    field = b"1.1.1.1, " * 100_000 + b"203.0.113.5"
    assert PROXIES.client("10.0.0.1", {b"x-forwarded-for": field}) == "203.0.113.5"


def test_one_caller_behind_a_proxy_does_not_lock_the_others(
    serve: Serve, new_settings: NewSettings
) -> None:
    """Each counts by its own address, as the proxy reports it."""
    used = new_settings(service_trusted_proxies="127.0.0.1", admin_password="admin-secret")
    with serve(used=used) as service:
        service.client._transport.client = ("127.0.0.1", 50000)  # type: ignore[attr-defined]  # noqa: SLF001
        guesser, other = (
            {"host": "localhost", "x-forwarded-for": f"203.0.113.{n}"} for n in (5, 6)
        )
        get = service.client.get
        for number in range(ADDRESS_LIMIT):
            get("/metrics", auth=(f"name {number}", "wrong"), headers=guesser)
        right = ("metrics", "metrics-secret")
        assert get("/metrics", auth=right, headers=guesser).status_code == 429
        assert get("/metrics", auth=right, headers=other).status_code == 200


@pytest.mark.parametrize("text", ["proxy", "10.0.0.1/33", "10.0.0.1/8", "*"])
def test_what_is_no_network_does_not_start(new_settings: NewSettings, text: str) -> None:
    """A name would have to be looked up, and its owner could change it."""
    with pytest.raises(ValidationError, match="a proxy is an address or a network"):
        new_settings(service_trusted_proxies=[text])
