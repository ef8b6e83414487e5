"""A version is loaded in a process of its own first: what hangs or crashes there ends there."""

import json
import os
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from model_store import formats
from model_store.bundle import Compilation
from model_store.errors import RefusedError
from model_store.file_store import FileModelStore
from model_store.first_load import child
from model_store.first_load.child import Answer, Question
from model_store.first_load.process import EndedError, Processes
from model_store.first_load.python_process import PASSED
from model_store.golden import Golden
from model_store.store import LoadPolicy
from tests.model_store.conftest import NOON, DraftLine, reseal_bundle
from tests.model_store.first_load.misbehaving import Misbehaving
from tests.publisher_key import PUBLISHERS, SIGNER

pytestmark = pytest.mark.slow  # each loads in a process of its own

Shorten = Callable[[], None]

ADDED = {"LC_CTYPE", "MALLOC_ARENA_MAX", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"}
POLICY = LoadPolicy(trusted_types=(f"{Misbehaving.__module__}.Misbehaving",), publishers=PUBLISHERS)
ENDS = {
    "burns": "it took",
    "sleeps": "took too long",
    "crashes": "crashed",
    "ends": "exit code 3",
    "eats": "raised",
    "eats bit by bit": "raised",
    "writes": "raised OSError",
}


@pytest.fixture
def verdicts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where verdicts are remembered in this test."""
    folder = tmp_path / "checked"
    monkeypatch.setattr("model_store.first_load.verdicts.folder_beside", lambda _: folder)
    return folder


@pytest.fixture
def shorten(monkeypatch: pytest.MonkeyPatch) -> Shorten:
    """Return what lets first loads take a second, and 256 MiB, from then on."""

    def change() -> None:
        monkeypatch.setattr("model_store.first_load.limits.seconds_for", lambda _: 1)
        monkeypatch.setattr("model_store.first_load.limits.memory_for", lambda _: 2**28)

    return change


@pytest.fixture
def count(monkeypatch: pytest.MonkeyPatch) -> list[Question]:
    """Return what is asked of processes from now on."""
    asked: list[Question] = []
    ask = Processes.ask

    def counted(self: Processes, question: Question) -> Answer:
        asked.append(question)
        return ask(self, question)

    monkeypatch.setattr(Processes, "ask", counted)
    return asked


def store_of(tmp_path: Path, *, only_known: bool = False) -> FileModelStore:
    """Return a store of the test."""
    return FileModelStore(tmp_path / "models", POLICY, lambda: NOON, SIGNER, only_known=only_known)


def published(tmp_path: Path, draft_line: DraftLine, mood: str) -> tuple[FileModelStore, str]:
    """Return a store with one version, whose estimator has this mood, as a forger would."""
    store = store_of(tmp_path)
    rows = Golden([{"x": 1.0}], [{"y": 0.0}])
    compilation = Compilation(reason="Not today.")
    draft = draft_line(estimator=Misbehaving(), golden=rows, compilation=compilation)
    version = store.publish(draft)
    folder = tmp_path / "models" / "line" / version
    reseal_bundle(folder, {"model.skops": formats.dump(Misbehaving(mood), "skops")})
    return store, version


@pytest.mark.slow  # each mood has its own process
@pytest.mark.parametrize("mood", ENDS)
@pytest.mark.usefixtures("verdicts")
def test_what_hangs_or_crashes_is_refused_with_the_reason(
    tmp_path: Path, draft_line: DraftLine, shorten: Shorten, mood: str
) -> None:
    """This process, which would have gone the same way, goes on."""
    store, version = published(tmp_path, draft_line, mood)
    shorten()
    with pytest.raises(RefusedError, match=ENDS[mood]):
        store.load("line", version)


@pytest.mark.slow  # a process ends by its limit
@pytest.mark.usefixtures("verdicts")
def test_publishing_a_model_that_hangs_is_refused(
    tmp_path: Path, draft_line: DraftLine, shorten: Shorten
) -> None:
    """Nothing is in the store afterwards."""
    shorten()
    store = store_of(tmp_path)
    draft = draft_line(
        estimator=Misbehaving("burns"),
        golden=Golden([{"x": 1.0}], [{"y": 0.0}]),
        compilation=Compilation(reason="Not today."),
    )
    with pytest.raises(RefusedError, match="it took"):
        store.publish(draft)
    assert store.models() == []


@pytest.mark.slow  # a process ends by its limit
def test_a_verdict_is_remembered_over_a_restart(
    tmp_path: Path,
    draft_line: DraftLine,
    verdicts: Path,
    count: list[Question],
    shorten: Shorten,
) -> None:
    """Of what hung for an hour, so that it costs no processor time each minute."""
    _, version = published(tmp_path, draft_line, "burns")
    shorten()
    count.clear()
    for _ in range(3):
        with pytest.raises(RefusedError, match="it took"):
            store_of(tmp_path).load("line", version)
    assert len(count) == 1
    for path in [verdicts, *verdicts.iterdir()]:
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077
    (path,) = [path for path in verdicts.iterdir() if "took" in path.read_text()]
    verdict = json.loads(path.read_bytes())
    path.write_text(json.dumps(verdict | {"time": verdict["time"] - 3601}))
    with pytest.raises(RefusedError, match="it took"):
        store_of(tmp_path).load("line", version)
    assert len(count) == 2


def test_what_was_published_here_is_loaded_without_a_process(
    tmp_path: Path, draft_line: DraftLine, verdicts: Path, count: list[Question]
) -> None:
    """Another process of the service finds the verdict; after a change of packages it does not."""
    version = store_of(tmp_path).publish(draft_line())
    assert [question.form for question in count] == ["compiled"]
    for _ in range(2):
        assert store_of(tmp_path, only_known=True).load("line", version).form == "compiled"
    assert len(count) == 1
    (path,) = verdicts.iterdir()
    verdict = json.loads(path.read_bytes())
    verdict["checked_by"]["onnxruntime"] = "1.0"
    path.write_text(json.dumps(verdict))
    assert store_of(tmp_path).load("line", version).form == "compiled"
    assert len(count) == 2


@pytest.mark.parametrize("text", [b"", b"{", b"\xff" * 100_000, b'{"reason": ""}'])
def test_a_damaged_verdict_is_none(
    tmp_path: Path, draft_line: DraftLine, verdicts: Path, count: list[Question], text: bytes
) -> None:
    """The version is judged anew."""
    version = store_of(tmp_path).publish(draft_line())
    (path,) = verdicts.iterdir()
    path.write_bytes(text)
    assert store_of(tmp_path).load("line", version).form == "compiled"
    assert len(count) == 2
    assert json.loads(path.read_bytes())["reason"] == ""


def test_a_verdict_that_cannot_be_written_is_kept_in_memory(
    tmp_path: Path, draft_line: DraftLine, verdicts: Path, count: list[Question]
) -> None:
    """So a read-only folder serves as well."""
    verdicts.write_text("in the way")
    store = store_of(tmp_path)
    version = store.publish(draft_line())
    store.load("line", version)
    assert len(count) == 1
    store_of(tmp_path).load("line", version)
    assert len(count) == 2


@pytest.mark.usefixtures("verdicts")
def test_what_nobody_has_loaded_is_refused_where_only_known_ones_are_wanted(
    tmp_path: Path, draft_line: DraftLine, count: list[Question]
) -> None:
    """The copy of the supervisor that looks for modules starts no process."""
    _, version = published(tmp_path, draft_line, "burns")
    count.clear()
    with pytest.raises(RefusedError, match="Nobody has loaded it"):
        store_of(tmp_path, only_known=True).load("line", version)
    assert count == []


@pytest.mark.usefixtures("verdicts")
def test_a_process_is_asked_once_by_all_who_wait(
    tmp_path: Path, draft_line: DraftLine, count: list[Question]
) -> None:
    """Workers that find a new version at the same time do not check it as many times."""
    store, version = published(tmp_path, draft_line, "")
    count.clear()
    forms: list[str] = []
    threads = [
        threading.Thread(target=lambda: forms.append(store_of(tmp_path).load("line", version).form))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert forms == ["estimator"] * 4
    assert len(count) == 1
    assert store.load("line", version).form == "estimator"


def question(**changes: object) -> Question:
    """Return a question, as far as it matters."""
    asked = Question(
        folder="/nowhere",
        model="line",
        version="one",
        checksum="",
        form="compiled",
        formats=[],
        trusted_types=[],
        seconds=5,
        memory_bytes=2**30,
    )
    return msgspec.structs.replace(asked, **changes)


def test_the_process_inherits_no_secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither the environment nor what is open here; and it works in no folder of ours."""
    monkeypatch.setenv("ADMIN_PASSWORD", "a secret of this test")
    found = (
        "import os, json; "
        "print(json.dumps({'reason': json.dumps([sorted(os.environ), os.getcwd(), "
        "len(os.listdir('/dev/fd')), os.getsid(0) == os.getpid()])}))"
    )
    monkeypatch.setattr("model_store.first_load.python_process._COMMAND", found)
    with (tmp_path / "secret").open("w") as secret:
        os.set_inheritable(secret.fileno(), True)
        answer = Processes().ask(question())
    names, folder, descriptors, is_leader = json.loads(answer.reason)
    assert "ADMIN_PASSWORD" not in names
    assert set(names) <= {*PASSED, *ADDED}
    # The three streams, and the folder that is being listed.
    assert (folder, descriptors, is_leader) == ("/", 4, True)


def test_a_process_of_a_compiled_model_can_open_nothing() -> None:
    """Neither a file nor a socket; and it may not grow."""
    code = (
        "import socket, numpy; from model_store.first_load.limits import limit\n"
        "limit(cpu_seconds=5, wall_seconds=60, memory_bytes=2**28, may_import=False)\n"
        "for attempt in (lambda: open('/etc/passwd'), socket.socket, lambda: bytearray(2**29)):\n"
        "    try: attempt()\n"
        "    except (OSError, MemoryError) as error: print(type(error).__name__)\n"
    )
    finished = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert finished.stdout.split() == ["OSError", "OSError", "MemoryError"]


def test_a_stop_ends_what_is_being_loaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No process is left, and what it was asked gets no verdict."""
    marker = tmp_path / "started"
    waiting = f"import os, time; os.close(os.open({str(marker)!r}, os.O_CREAT)); time.sleep(3600)"
    monkeypatch.setattr("model_store.first_load.python_process._COMMAND", waiting)
    processes = Processes()
    ends: list[str] = []

    def ask() -> None:
        with pytest.raises(EndedError) as error:
            processes.ask(question())
        ends.append(str(error.value))

    thread = threading.Thread(target=ask)
    thread.start()
    while not marker.exists():
        time.sleep(0.01)
    processes.close()
    thread.join()
    assert processes.closed
    assert len(ends) == 1
    with pytest.raises(EndedError, match="stops"):
        processes.ask(question())


def test_another_version_than_the_one_whose_seal_was_checked_is_not_loaded(
    monkeypatch: pytest.MonkeyPatch, folder: Path, version: str
) -> None:
    """Whoever may write to the store could put it in its place meanwhile."""

    def load(*_: object) -> None:
        raise AssertionError("it was loaded")

    monkeypatch.setattr("model_store.loading.load_estimator", load)
    question = Question(
        folder=str(folder),
        model="line",
        version=version,
        checksum="0" * 64,
        form="estimator",
        formats=["skops"],
        trusted_types=[],
        seconds=1,
        memory_bytes=2**28,
    )
    answer = child._answer(question)  # noqa: SLF001 - as the process does
    assert len(answer.checksum) == 64
    assert answer.checksum != question.checksum
