"""`aliases.json` damaged: the old version answers, the reason is reported, nothing blocks."""

import os
import random
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.api.conftest import Service, running, small_settings
from tests.api.server_process import PATIENCE_SECONDS
from tests.faults.conftest import NewFault, Sums
from tests.faults.stamps import touch

MANY = 2**30

Damage = Callable[[Path, bytes], None]


def written(content: bytes) -> Damage:
    """Return what writes this in place of the aliases."""

    def damage(path: Path, _: bytes) -> None:
        path.write_bytes(content)

    return damage


def pointing_at(target: str) -> Damage:
    """Return a damage that points the champion at something else than a version."""
    return written(b'{"aliases": {"champion": %s}, "history": []}' % target.encode())


def cut(path: Path, content: bytes) -> None:
    """Cut the file at a random place."""
    path.write_bytes(content[: random.randrange(1, len(content) - 1)])  # noqa: S311 - seeded


def flip(path: Path, content: bytes) -> None:
    """Flip the high bit of a random byte, which makes it no UTF-8."""
    place = random.randrange(len(content))  # noqa: S311 - pytest-randomly seeds it
    path.write_bytes(content[:place] + bytes([content[place] | 0x80]) + content[place + 1 :])


def link(path: Path, content: bytes) -> None:
    """Let a link stand there that leads to the right content."""
    path.with_name("elsewhere.json").write_bytes(content)
    path.symlink_to("elsewhere.json")


def loop(path: Path, _: bytes) -> None:
    """Let a link stand there that leads to itself."""
    path.symlink_to(path.name)


def device(path: Path, _: bytes) -> None:
    """Let a link stand there that leads to bytes without end."""
    path.symlink_to("/dev/zero")


def pipe(path: Path, _: bytes) -> None:
    """Let a pipe stand there, which nobody writes to."""
    os.mkfifo(path)


def listener(path: Path, _: bytes) -> None:
    """Let a socket stand there."""
    with socket.socket(socket.AF_UNIX) as server:
        # From its folder: the names of sockets are short.
        folder = os.open(path.parent, os.O_RDONLY)
        server.bind(f"/proc/self/fd/{folder}/{path.name}")
        os.close(folder)


def sparse(path: Path, content: bytes) -> None:
    """Let the right content be followed by a gigabyte of nothing."""
    path.write_bytes(content)
    os.truncate(path, MANY)


def folder(path: Path, _: bytes) -> None:
    """Let a folder stand there."""
    path.mkdir()


def nothing(path: Path, _: bytes) -> None:
    """Let nothing stand there."""


DAMAGES: dict[str, Damage] = {
    "empty": written(b""),
    "cut": cut,
    "a flipped bit": flip,
    "not UTF-8": written(b'{"aliases": {"champion": "\xff\xfe"}}'),
    "UTF-16": written('{"aliases": {}}'.encode("utf-16")),
    "deep": written(b"[" * 100_000),
    "null": written(b"null"),
    "outside the store": pointing_at('"../../../etc"'),
    "an absolute path": pointing_at('"/etc/passwd"'),
    "the folder itself": pointing_at('"."'),
    "a version that is not there": pointing_at('"20200101T000000Z_none_none_none"'),
    "a number": pointing_at("7"),
    "a link": link,
    "a link to itself": loop,
    "a link to a device": device,
    "a pipe": pipe,
    "a socket": listener,
    "1 GB": sparse,
    "a folder": folder,
    "nothing": nothing,
}


def refresh(service: Service) -> None:
    """Let the service reload from its store, and assert that this ends."""
    thread = threading.Thread(target=service.state.reloader.refresh, daemon=True)
    thread.start()
    thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive(), "The service waits for the file."


@pytest.mark.slow  # the service reloads from its store after each of many damages
def test_damaged_aliases_are_reported_while_the_old_version_answers(
    sums: Sums, tmp_path: Path, rounds: int, new_fault: NewFault
) -> None:
    """That holds for every damage; once the file is right the aliases are followed again."""
    fault = new_fault("aliases.json empty, cut, a link, a pipe, 1 GB, pointing outside")
    settings = small_settings(tmp_path)
    own = sums.copied(settings.local_data)
    path = own.root / "sum" / "aliases.json"
    with running(sums.root, settings, ["sum"]) as service:
        for number in range(rounds):
            before, sound = version_that_answers(service, own), path.read_bytes()
            for damage in DAMAGES.values():
                path.unlink()
                damage(path, sound)
                refresh(service)
                assert version_that_answers(service, own) == before
                [refused] = refused_of(service)
                assert refused["reason"]
                fault.count("damages reported")
                restore(path, sound)
            after = (own.second, own.first)[number % 2]
            own.store.promote("sum", after)
            refresh(service)
            assert version_that_answers(service, own) == after
            assert refused_of(service) == []
            fault.rounds += 1


def refused_of(service: Service) -> list[dict[str, str]]:
    """Return what the service refused, and assert that it is ready all the same."""
    answer = service.client.get("/health/ready")
    assert answer.status_code == 200
    refused: list[dict[str, str]] = answer.json()["refused"]
    return refused


def restore(path: Path, sound: bytes) -> None:
    """Put the right file back."""
    if path.is_dir() and not path.is_symlink():
        path.rmdir()
    else:
        path.unlink(missing_ok=True)
    path.write_bytes(sound)
    touch(path)


def version_that_answers(service: Service, sums: Sums) -> str:
    """Return the version that answers, and assert that its answer is right."""
    answer = service.predict({"a": 3, "b": 5})
    version: str = answer.headers["X-Model-Version"]
    assert abs(answer.json()["total"] - (3 + 5 * sums.factors[version])) < 0.01
    return version
