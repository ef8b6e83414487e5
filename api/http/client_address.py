"""The address of a caller, also where proxies stand between: only those named are believed."""

import ipaddress
import re
from collections.abc import Collection, Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from api.http.fields import Fields

_MOST_HOPS = 50
_ELEMENT = re.compile(r'(?:^|;)\s*for\s*=\s*("[^"]*"|[^";,\s]+)\s*(?=;|$)', re.IGNORECASE)
_WITH_PORT = re.compile(r"(\[[^\]]*\]|[0-9.]+)(?::[0-9]{1,5})?")

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def parse_network(text: str) -> Network:
    """Return the network that a setting names: an address stands for itself.

    Raises:
        ValueError: it is neither.
    """
    return ipaddress.ip_network(text.strip("[]"))


class TrustedProxies:
    """The proxies that are believed when they say whom they ask for.

    Args:
        networks: Their addresses, or the networks that they are in.
    """

    def __init__(self, networks: Collection[str]) -> None:
        self._networks = [parse_network(text) for text in networks]

    def trust(self, peer: str) -> bool:
        """Return whether a connection comes from a trusted proxy."""
        address = _address(peer)
        return address is not None and self._knows(address)

    def client(self, peer: str, fields: Fields) -> str:
        """Return the address of the caller: the nearest one that is no trusted proxy.

        What a caller writes into these fields stands before what the proxies add, and is not
        reached. Where the two fields disagree, one of them is the caller's, and neither counts.
        """
        if not self.trust(peer):
            return peer
        named = {
            self._nearest(peer, hops)
            for name, hops in (
                (b"x-forwarded-for", _forwarded_for(fields.get(b"x-forwarded-for", b""))),
                (b"forwarded", _forwarded(fields.get(b"forwarded", b""))),
            )
            if name in fields
        }
        return named.pop() if len(named) == 1 else peer

    def _nearest(self, peer: str, hops: Iterator[Address | None]) -> str:
        nearest = peer
        for hop in hops:
            if hop is None:
                break
            nearest = str(hop)
            if not self._knows(hop):
                break
        return nearest

    def _knows(self, address: Address) -> bool:
        return any(address in network for network in self._networks)


def _forwarded_for(field: bytes) -> Iterator[Address | None]:
    """Yield the hops of `X-Forwarded-For`, the nearest first; None for what is no address."""
    for text in reversed(field.decode("latin-1").split(",")[-_MOST_HOPS:]):
        yield _address(text.strip())


def _forwarded(field: bytes) -> Iterator[Address | None]:
    """Yield the hops of `Forwarded` (RFC 7239), the nearest first."""
    for element in reversed(field.decode("latin-1").split(",")[-_MOST_HOPS:]):
        found = _ELEMENT.search(element)
        yield _address(found[1].strip('"')) if found else None


def _address(text: str) -> Address | None:
    if port := _WITH_PORT.fullmatch(text):
        text = port[1].strip("[]")
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
