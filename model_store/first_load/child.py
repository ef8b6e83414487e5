"""The process of a first load: loads one form of a version, answers rows with it, and ends."""

import importlib
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np

from model_store.errors import ModelStoreError
from model_store.first_load import limits
from model_store.predictor import Predictor
from model_store.schema.columns import Columns
from model_store.schema.row_decoder import MAX_STRING
from model_store.store import LoadPolicy

_ROWS = 1_000
_LONG_ROWS = 20
Form = Literal["compiled", "estimator"]


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """Which form of which version to load, and what may be loaded."""

    folder: str
    model: str
    version: str
    checksum: str
    """Of the manifest whose seal was checked: another one is not loaded."""
    form: Form
    formats: list[str]
    trusted_types: list[str]
    seconds: int
    """Of processor time; three times as many may pass."""
    memory_bytes: int
    """Beyond what the process has before it loads anything."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it."""

    checksum: str = ""
    """Of the manifest that was read."""
    reason: str = ""
    """Why the version is refused, a sentence; empty: it is not."""
    lacked_memory: bool = False


def main() -> None:
    """Read a question from standard input; write the answer to standard output."""
    limits.end_with_parent()
    with suppress(OSError):
        # Requests come first.
        os.nice(5)
    question = msgspec.json.decode(sys.stdin.buffer.read(), type=Question)
    # What a model prints is no answer.
    answers = os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    try:
        answer = _answer(question)
    except MemoryError:
        answer = Answer(lacked_memory=True)
    os.write(answers, msgspec.json.encode(answer))
    # What an estimator has registered for the end is not run.
    os._exit(0)


def _answer(question: Question) -> Answer:
    loading = importlib.import_module("model_store.loading")
    policy = LoadPolicy(frozenset(question.formats), tuple(question.trusted_types))
    folder = Path(question.folder)
    checksum = ""
    try:
        opened = loading.open_bundle(folder, question.model, question.version)
        checksum = opened.manifest.checksum
        if checksum != question.checksum:
            return Answer(checksum=checksum)
        is_estimator = question.form == "estimator"
        if is_estimator:
            loading.check_estimator(opened, policy)
            loading.import_for(opened)
        else:
            importlib.import_module("onnxruntime")
        # All that was imported until now is counted to what this process has at first.
        limits.limit(
            cpu_seconds=question.seconds,
            wall_seconds=3 * question.seconds,
            memory_bytes=question.memory_bytes,
            may_import=is_estimator,
        )
        predictor = (
            loading.load_estimator(opened, policy)
            if is_estimator
            else loading.load_compiled(opened)
        )
        _ask(predictor, loading.golden_columns(opened))
    except ModelStoreError as error:
        return Answer(checksum=checksum, reason=str(error))
    return Answer(checksum=checksum)


def _ask(predictor: Predictor, few: Columns) -> None:
    """Ask for many rows, and for rows of long texts: what these take, requests could make it take.

    An error is an answer; a crash, and what takes too long or too much, ends this process.
    """
    count = len(next(iter(few.values())))
    many = {name: np.resize(array, _ROWS) for name, array in few.items()} if count else few
    for columns in (many, _with_long_texts(many)):
        with suppress(ModelStoreError):
            predictor.predict(columns, probabilities=bool(predictor.classes))


def _with_long_texts(columns: Mapping[str, Any]) -> Columns:
    made = {name: array[:_LONG_ROWS].copy() for name, array in columns.items()}
    for array in made.values():
        if array.dtype == object:
            array[:] = "a b" * (MAX_STRING // 3)
    return made
