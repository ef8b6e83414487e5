"""The names under which a service may be asked: DNS rebinding lets a web page ask under others.

A page can make a name of its own point to this machine, and then ask the service as its own site.
The browser sends the page's name as `Host`, which is how such requests are told apart.
"""

import ipaddress
import re
from collections.abc import Collection
from typing import NamedTuple

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
"""What only this machine calls this machine: allowed everywhere."""
ANY = "*"
_WILDCARD = "*."
_MOST_REMEMBERED = 1000
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_](?:[A-Za-z0-9._-]*))(?::([0-9]{0,5}))?")


class Host(NamedTuple):
    """A host, and its port if one is given."""

    name: str
    port: str


def parse_host(text: str) -> Host | None:
    """Return what a field `Host` names, in its usual spelling; None if that is no host."""
    found = _HOST.fullmatch(text)
    if found is None:
        return None
    name, port = found.groups()
    if name.startswith("["):
        try:
            name = f"[{ipaddress.IPv6Address(name[1:-1])}]"
        except ValueError:
            return None
    # A name that ends in a dot is the same name, written out.
    return Host(name.lower().removesuffix("."), port or "")


def parse_allowed(text: str) -> Host | None:
    """Return what an entry of the setting names, which may be a bare address or a wildcard."""
    if text.count(":") > 1 and not text.startswith("["):
        text = f"[{text}]"
    wildcard = text.startswith(_WILDCARD)
    host = parse_host(text.removeprefix(_WILDCARD) if wildcard else text)
    return host._replace(name=_WILDCARD + host.name) if host and wildcard else host


class Hosts:
    """The hosts that a service answers for.

    Args:
        allowed: As in the setting: a name or an address, with a port or for all ports.
    """

    def __init__(self, allowed: Collection[str]) -> None:
        self._allowed = {host for text in allowed if (host := parse_allowed(text))}
        self.accepted: set[bytes] = set()
        """Values of the field that were allowed before."""

    def allow(self, field: bytes | None) -> bool:
        """Return whether a request with this field `Host` may be answered."""
        if field in self.accepted:
            return True
        host = parse_host(field.decode("latin-1")) if field else None
        if field is None or host is None or not self._allows(host):
            return False
        if len(self.accepted) < _MOST_REMEMBERED:
            self.accepted.add(field)
        return True

    def _allows(self, host: Host) -> bool:
        names = [host.name]
        domain = host.name
        while "." in domain:
            domain = domain.partition(".")[2]
            names.append(_WILDCARD + domain)
        return any(Host(name, port) in self._allowed for name in names for port in {host.port, ""})
