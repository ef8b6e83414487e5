"""The address under which a person on this machine reaches what listens here."""


def local_address(host: str, port: int) -> str:
    """Return the address to show for what listens on a host and a port."""
    # In a container we listen on all addresses, and the port is published on this one.
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - asked, not bound
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
