"""Publishers that are killed, one at every step that they take in the store; and many at once.

Run as `publishers.py FOLDER ACTION`: prints how many publishers there were. The n-th one is killed
at its n-th step and leaves its store in `FOLDER/<n>`; the last one reaches its end.
"""

import os
import shutil
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
from sklearn.linear_model import LinearRegression

from model_store import bundle
from model_store.aliases import Aliases
from model_store.bundle import Compilation, Draft
from model_store.file_store import FileModelStore
from model_store.golden import golden_rows
from model_store.schema.conform import conform
from model_store.schema.infer_signature import infer_signature
from model_store.store import LoadPolicy
from tests.publisher_key import PUBLISHERS, SIGNER

X = pd.DataFrame({"x": [0.0, 1.0, 2.0]})
SIGNATURE = infer_signature(X, X.rename(columns={"x": "y"}))
LINE = LinearRegression().fit(conform(X, SIGNATURE.inputs), X["x"])
DRAFT = Draft(
    model="line",
    task="regression",
    estimator=LINE,
    signature=SIGNATURE,
    golden=golden_rows(LINE, SIGNATURE, X),
    # It has no part in the steps, and there is a publisher for each of them.
    compilation=Compilation(reason="Not asked for."),
)


def open_store(folder: Path) -> FileModelStore:
    """Return a store in which it is always noon, so that every version has the same name."""
    noon = datetime(2026, 11, 21, 12, tzinfo=UTC)
    return FileModelStore(folder, LoadPolicy(publishers=PUBLISHERS), lambda: noon, SIGNER)


def publish(folder: Path) -> None:
    """Publish a version as it should be done."""
    open_store(folder).publish(DRAFT)


def publish_in_place(folder: Path) -> None:
    """Publish a version where readers see it while it is being written."""
    line = folder / "line"
    (old,) = open_store(folder).versions("line")
    new = line / f"{old}_2"
    new.mkdir()
    manifest = msgspec.structs.replace(open_store(folder).manifest("line", old), version=new.name)
    contents = bundle.read_files(line / old, manifest)
    bundle.write(new, manifest, contents)


def promote(folder: Path) -> None:
    """Move an alias as it should be done."""
    (version,) = open_store(folder).versions("line")
    open_store(folder).promote("line", version, alias="challenger")


def promote_in_place(folder: Path) -> None:
    """Move an alias by writing into the file that readers read."""
    text = Aliases().promoted("challenger", "any", time="", reason="").text()
    path = folder / "line" / "aliases.json"
    os.truncate(path, 0)
    path.write_bytes(text)


ACTIONS: dict[str, Callable[[Path], None]] = {
    "publish": publish,
    "publish in place": publish_in_place,
    "promote": promote,
    "promote in place": promote_in_place,
}


def kill_at(step: int, folder: Path) -> None:
    """Let this process die without a word before its n-th step in a folder."""
    left = step

    def count(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal left
        place = arguments[0] if arguments else None
        # A file that is open already goes by its number: before something is read or written.
        is_ours = isinstance(place, int) or str(place).startswith(str(folder))
        if is_ours and event.startswith(("open", "os.", "fcntl.", "shutil.")):
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)


def forked(work: Callable[[], None]) -> int:
    """Start a copy of this process for some work, and return its id."""
    child = os.fork()
    if child:
        return child
    try:
        work()
    except BaseException as error:  # noqa: BLE001 - a child must never go on as its parent
        print(error, file=sys.stderr, flush=True)  # noqa: T201
        os._exit(1)
    os._exit(0)


def main(root: Path, action: str) -> int:
    """Start the publishers, and return how many there were."""
    open_store(root / "0").publish(DRAFT)
    (version,) = open_store(root / "0").versions("line")
    open_store(root / "0").promote("line", version)
    if action == "publish at once":
        children = [forked(lambda: publish(root / "0")) for _ in range(4)]
        if any(os.waitpid(child, 0)[1] for child in children):
            raise SystemExit(1)
        return len(children)
    step = 0
    while True:
        step += 1
        folder = root / str(step)
        shutil.copytree(root / "0", folder)

        def work(step: int = step, folder: Path = folder) -> None:
            kill_at(step, folder)
            ACTIONS[action](folder)

        _, status = os.waitpid(forked(work), 0)
        if os.WIFEXITED(status):
            if os.WEXITSTATUS(status):
                raise SystemExit(1)
            return step


if __name__ == "__main__":
    print(main(Path(sys.argv[1]), sys.argv[2]))  # noqa: T201 - the answer
