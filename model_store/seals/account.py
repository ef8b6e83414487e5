"""Who acts here: seals a version, or moves an alias."""

import getpass
import os
import socket


def account() -> str:
    """Return this account and machine, as seals and the history of aliases name them."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        # A container's user may have a number only.
        name = str(os.getuid())
    return f"{name}@{socket.gethostname()}"
