"""The address of the service, claimed before anything that takes long."""

import socket


class AddressError(Exception):
    """The address cannot be listened on; the sentence says what to do."""


def listen(host: str, port: int) -> socket.socket:
    """Return a socket bound to an address.

    Raises:
        AddressError: the port is taken, or the address is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        # Claimed now: a bound port that nobody listens on may still be taken by another.
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise AddressError(
            f"Cannot listen on {host}:{port} ({error.strerror}). Stop what uses the port, or "
            "choose another: SERVICE_PORT=8001 make serve."
        ) from error
    return listener
