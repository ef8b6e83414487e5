"""A backup holds a service whole, is made while it runs, and is restored whole or not at all."""

import json
import shutil
import sqlite3
import stat
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mlops.backup.archive import CONTENTS
from tests.api.conftest import NewSettings, Serve, new_settings, published, serve, settings
from tests.mlops.conftest import Mlops

__all__ = ["new_settings", "published", "serve", "settings"]

ROW = {"a": 1, "b": 2}
Backup = Callable[[], Path]


@pytest.fixture
def local_data(tmp_path: Path) -> Path:
    """Return the folder of the service and of the command."""
    return tmp_path / "local_data"


@pytest.fixture
def backed_up(mlops: Mlops, serve: Serve, tmp_path: Path, local_data: Path) -> Path:
    """Return a backup that was made while the service ran, after its third request."""
    file = tmp_path / "service.backup"
    with serve() as service:
        for _ in range(3):
            service.predict(ROW)
        done = mlops("backup", str(file), "--json")
        assert done.exit_code == 0, done.output
        service.predict(ROW)
    (local_data / "secrets" / "admin_password").write_text("secret\n")
    return file


def requests_in(local_data: Path) -> int:
    """Return how many requests a log holds, by its own count."""
    with closing(sqlite3.connect(local_data / "predictions.sqlite")) as database:
        [(count,)] = database.execute("SELECT count(*) FROM requests")
        [(counted,)] = database.execute("SELECT sum(requests) FROM totals")
    assert count == counted
    return int(count)


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the command use another folder from now on."""
    folder = tmp_path / "elsewhere"
    monkeypatch.setenv("LOCAL_DATA", str(folder))
    return folder


def test_a_service_goes_on_where_its_backup_was_made(
    backed_up: Path, elsewhere: Path, mlops: Mlops, serve: Serve, new_settings: NewSettings
) -> None:
    """With its log, its models and its keys, and nobody else can read any of it."""
    assert stat.S_IMODE(backed_up.stat().st_mode) == 0o600
    done = mlops("restore", str(backed_up), "--json")
    assert done.exit_code == 0, done.output
    assert requests_in(backed_up.parent / "local_data") == 4
    assert requests_in(elsewhere) == 3
    for path in elsewhere.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    assert mlops("log", "check").exit_code == 0
    assert mlops("models", "verify").exit_code == 0
    with serve(used=new_settings(local_data=elsewhere)) as service:
        assert service.predict(ROW).status_code == 200
    assert requests_in(elsewhere) == 4
    assert sorted(p.name for p in elsewhere.iterdir() if p.name.startswith(".")) == []


def test_nothing_is_restored_over_a_service(
    backed_up: Path, mlops: Mlops, serve: Serve, local_data: Path
) -> None:
    """Neither over a running one, nor over files, unless they are to be kept beside."""
    with serve() as service:
        refused = mlops("restore", str(backed_up), "--replace")
        assert refused.exit_code == 1
        assert "is running: stop it" in refused.stderr
        assert service.predict(ROW).status_code == 200
    refused = mlops("restore", str(backed_up))
    assert refused.exit_code == 1
    assert "--replace" in refused.stderr
    assert requests_in(local_data) == 5
    done = mlops("restore", str(backed_up), "--replace")
    assert done.exit_code == 0, done.output
    assert requests_in(local_data) == 3
    [kept] = local_data.glob("before-restore-*")
    assert requests_in(kept) == 5
    assert (kept / "secrets" / "admin_password").read_text() == "secret\n"


def test_a_backup_is_never_written_over(
    backed_up: Path, mlops: Mlops, tmp_path: Path, elsewhere: Path
) -> None:
    """Nor is anything left where none can be made."""
    before = backed_up.read_bytes()
    assert mlops("backup", str(backed_up)).exit_code == 1
    assert backed_up.read_bytes() == before
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "target")
    assert mlops("backup", str(link)).exit_code == 1
    empty = tmp_path / "empty.backup"
    assert mlops("backup", str(empty)).exit_code == 1
    assert mlops("backup", str(tmp_path / "absent" / "file")).exit_code == 1
    assert not empty.exists()
    assert not (tmp_path / "target").exists()
    assert not list(tmp_path.glob(".*"))


def rewritten(file: Path, change: Callable[[dict[str, bytes]], None]) -> None:
    """Write a backup anew with other contents."""
    with zipfile.ZipFile(file) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    change(files)
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)


def listed(files: dict[str, bytes], changes: dict[str, dict[str, Any]]) -> None:
    """Change the list of files: other values of some of them, by name."""
    contents = json.loads(files[CONTENTS])
    contents["files"] = [entry | changes.get(entry["name"], {}) for entry in contents["files"]]
    files[CONTENTS] = json.dumps(contents).encode()


def another_file(files: dict[str, bytes]) -> None:
    """Add one that is not listed."""
    files["models/other"] = b"x"


def a_file_less(files: dict[str, bytes]) -> None:
    """Leave the log out."""
    del files["predictions.sqlite"]


def another_content(files: dict[str, bytes]) -> None:
    """Change the log."""
    files["predictions.sqlite"] = files["predictions.sqlite"][:-1] + b"x"


def no_list(files: dict[str, bytes]) -> None:
    """Leave the list out."""
    del files[CONTENTS]


def another_format(files: dict[str, bytes]) -> None:
    """Come from the future."""
    files[CONTENTS] = json.dumps(json.loads(files[CONTENTS]) | {"format": 9}).encode()


def outside(name: str) -> Callable[[dict[str, bytes]], None]:
    """Let a file be written elsewhere."""

    def change(files: dict[str, bytes]) -> None:
        files[name] = files["predictions.sqlite"]
        del files["predictions.sqlite"]
        listed(files, {"predictions.sqlite": {"name": name}})

    return change


def a_damaged_version(files: dict[str, bytes]) -> None:
    """Damage a model, and list it as it is now."""
    name = next(name for name in files if name.endswith("card.md"))
    files[name] = files[name].replace(b"Sums", b"Sumz")
    from hashlib import sha256  # noqa: PLC0415 - beside its only use

    digest = sha256(files[name]).hexdigest()
    listed(files, {name: {"sha256": digest}})


@pytest.mark.parametrize(
    "change",
    [
        another_file,
        a_file_less,
        another_content,
        no_list,
        another_format,
        a_damaged_version,
        *map(
            outside,
            (
                "../outside",
                "models/../../outside",
                "/tmp/outside",  # noqa: S108 - it is never made
                "models\\..\\outside",
                "runs/x",
                "models",
                "secrets/./x",
            ),
        ),
    ],
)
def test_what_is_not_whole_changes_nothing(
    change: Callable[[dict[str, bytes]], None], backed_up: Path, mlops: Mlops, elsewhere: Path
) -> None:
    """Every byte is checked before anything is put in place."""
    rewritten(backed_up, change)
    done = mlops("restore", str(backed_up))
    assert done.exit_code == 1
    assert "Traceback" not in done.output
    assert {path.name for path in elsewhere.iterdir()} <= {"predictions.sqlite.lock"}
    assert not (elsewhere.parent / "outside").exists()


@pytest.mark.parametrize("place", [0.1, 0.5, 0.9])
def test_a_torn_or_flipped_file_is_refused(
    place: float, backed_up: Path, mlops: Mlops, elsewhere: Path, tmp_path: Path
) -> None:
    """As a full disk or a bad one leaves it."""
    whole = backed_up.read_bytes()
    cut = int(len(whole) * place)
    for text in (whole[:cut], whole[:cut] + bytes([whole[cut] ^ 0xFF]) + whole[cut + 1 :], b""):
        backed_up.write_bytes(text)
        done = mlops("restore", str(backed_up))
        # Some bytes of a ZIP file mean nothing: then it is restored as it was.
        if done.exit_code == 0:
            assert requests_in(elsewhere) == 3
            shutil.rmtree(elsewhere)
        else:
            assert {path.name for path in elsewhere.iterdir()} <= {"predictions.sqlite.lock"}
    assert mlops("restore", str(tmp_path / "absent")).exit_code == 1


def test_damage_in_the_store_is_said_when_the_backup_is_made(
    mlops: Mlops, serve: Serve, tmp_path: Path, local_data: Path
) -> None:
    """Not when it is needed."""
    with serve():
        pass
    card = next((local_data / "models").rglob("card.md"))
    card.write_text("another")
    done = mlops("backup", str(tmp_path / "file"))
    assert done.exit_code == 1
    assert "damaged before" in done.stderr
