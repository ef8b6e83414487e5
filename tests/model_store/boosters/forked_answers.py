"""A model that is fitted, and one that answers from a copy of the process that has loaded it.

Run as `forked_answers.py fit|answer FOLDER`, in two processes: fitting starts threads.
"""

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

from model_store import formats
from model_store.boosters.storing import put_together, taken_apart
from model_store.store import LoadPolicy

PACKAGES = ("lightgbm", "xgboost")
ROWS = np.random.default_rng(0).normal(size=(500, 4))


def fit(folder: Path) -> None:
    """Store a model of each package as a bundle holds it."""
    import lightgbm  # noqa: PLC0415 - whoever answers imports what it loads
    import xgboost  # noqa: PLC0415

    trees: tuple[Any, ...] = (lightgbm.LGBMRegressor(verbose=-1), xgboost.XGBRegressor())
    for package, model in zip(PACKAGES, trees, strict=True):
        apart, contents = taken_apart(model.fit(ROWS, ROWS[:, 0]))
        (folder / package).write_bytes(formats.dump(apart, "skops"))
        for name, content in contents.items():
            (folder / f"{package}-{name}").write_bytes(content)


def answer(folder: Path) -> None:
    """Let a copy of this process answer for each model, and print what it answers."""
    for package in PACKAGES:
        apart = formats.load((folder / package).read_bytes(), "skops", LoadPolicy())
        stem = f"{package}-"
        files = {p.name.removeprefix(stem): p.read_bytes() for p in folder.glob(f"{stem}*")}
        model = put_together(apart, files)
        copy = os.fork()
        if not copy:
            print(package, len(model.predict(ROWS)), flush=True)  # noqa: T201 - to the test
            os._exit(0)
        os.waitpid(copy, 0)


if __name__ == "__main__":
    (fit if sys.argv[1] == "fit" else answer)(Path(sys.argv[2]))
