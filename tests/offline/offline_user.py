"""A user on a machine without network: installs, trains, serves, asks, and reports the results.

Run as a program, in a network namespace of its own and with nothing but the standard library:
`offline_user.py PORT`, in the folder of an unpacked bundle. PORT is one that the machine outside
listens on.
"""

import fcntl
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

ROWS = (
    b'[{"sepal_length":6.7,"sepal_width":3.5,"petal_length":5.2,"petal_width":2.3},'
    b'{"sepal_length":5.0,"sepal_width":3.4,"petal_length":1.5,"petal_width":0.2}]'
)
PATIENCE_SECONDS = 900

# An address kept for documentation, which nobody has.
SOMEWHERE = ("192.0.2.1", 443)

# From Linux' netdevice(7): a new namespace has a loopback interface, which is down.
_GET_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 1
_REQUEST = struct.Struct("16sH14x")


def raise_loopback() -> None:
    """Do what `ip link set lo up` does, where there is no `ip`."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        asked = fcntl.ioctl(any_socket, _GET_FLAGS, _REQUEST.pack(b"lo", 0))
        _, flags = _REQUEST.unpack(asked)
        fcntl.ioctl(any_socket, _SET_FLAGS, _REQUEST.pack(b"lo", flags | _UP))


def refusal(address: tuple[str, int]) -> str:
    """Return why an address cannot be connected to; empty where it can."""
    try:
        socket.create_connection(address, timeout=10).close()
    except OSError as error:
        return error.strerror or str(error)
    return ""


def surroundings(port: int) -> dict[str, Any]:
    """Return what of a network there is, `port` being one of the machine outside."""
    return {
        "interfaces": [name for _, name in socket.if_nameindex()],
        "somewhere": refusal(SOMEWHERE),
        "outside": refusal(("127.0.0.1", port)),
    }


def run(*command: str) -> str:
    """Return what a command wrote on standard output; it has to succeed."""
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, timeout=PATIENCE_SECONDS)
    return done.stdout.decode()


def serve_and_ask() -> list[dict[str, str]]:
    """Return what a service answers that is started, asked and stopped again."""
    process = subprocess.Popen(
        ["make", "serve"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stderr
    try:
        address = None
        while not address and (line := process.stderr.readline()):
            sys.stderr.write(line)
            address = re.search(r"address +(http://\S+)", line)
        if not address:
            raise RuntimeError("The service did not start.")
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{address[1]}/predict", ROWS, headers)  # noqa: S310 - http
        with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310 - the same
            answer: list[dict[str, str]] = json.load(response)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.communicate(timeout=60)
    return answer


def main() -> None:
    """Do what the README says; write what was seen as JSON on standard output."""
    raise_loopback()
    seen = surroundings(int(sys.argv[1]))
    run("make", "train", "FOLDER=examples/iris")
    seen["installed"] = Path(".venv/.train").is_file()
    seen["answer"] = serve_and_ask()
    seen["log"] = json.loads(run(".venv/bin/mlops", "log", "check", "--json"))
    json.dump(seen, sys.stdout)


if __name__ == "__main__":
    main()
