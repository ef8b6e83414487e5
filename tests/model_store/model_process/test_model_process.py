"""An estimator answers in a process of its own: what it does there harms nobody else."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OrdinalEncoder

from ml_pipe.model_class import DateParts
from model_store import formats
from model_store.bundle import Compilation, Draft
from model_store.errors import PredictionError, RefusedError
from model_store.file_store import FileModelStore
from model_store.first_load import python_process
from model_store.golden import Golden, golden_rows
from model_store.model_process.model_processes import MOST_CRASHES, ModelProcesses
from model_store.predictor import EstimatorPredictor, Predictor
from model_store.schema.columns import Columns
from model_store.schema.conform import conform
from model_store.schema.infer_signature import infer_signature
from model_store.store import LoadPolicy
from tests.model_store.conftest import NOON, DraftLine, reseal_bundle
from tests.model_store.model_process.moody import (
    BURN,
    CRASH,
    EAT,
    END,
    FORK,
    PRINT,
    PROCESS,
    SECRETS,
    SLEEP,
    Moody,
)
from tests.publisher_key import PUBLISHERS, SIGNER
from tests.waiting import wait_until

pytestmark = pytest.mark.slow  # each loads in processes of its own

POLICY = LoadPolicy(
    trusted_types=(f"{Moody.__module__}.Moody", "ml_pipe.model_class.DateParts"),
    publishers=PUBLISHERS,
)
NOT_COMPILED = Compilation(reason="Not today.")


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list["subprocess.Popen[bytes]"]:
    """Return the model processes that are started from now on."""
    found: list[subprocess.Popen[bytes]] = []
    start = python_process.start

    def noted(module: str, **options: object) -> "subprocess.Popen[bytes]":
        process = start(module, **options)  # type: ignore[arg-type]
        if module == "model_store.model_process.child":
            found.append(process)
        return process

    monkeypatch.setattr(python_process, "start", noted)
    return found


@pytest.fixture
def processes() -> Iterator[ModelProcesses]:
    """Return the model processes of a service that waits a second for an answer."""
    made = ModelProcesses(2, 1.0)
    yield made
    made.close()


def published(
    tmp_path: Path, draft_line: DraftLine, model: str = "line", factor: float = 1.0
) -> str:
    """Publish a moody model, and return its version."""
    store = FileModelStore(tmp_path / "models", POLICY, lambda: NOON, SIGNER)
    rows = Golden([{"x": 1.0}], [{"y": factor}])
    return store.publish(
        draft_line(model=model, estimator=Moody(factor), golden=rows, compilation=NOT_COMPILED)
    )


def loaded(
    tmp_path: Path, version: str, processes: ModelProcesses, model: str = "line"
) -> Predictor:
    """Return what answers for a version in a service."""
    store = FileModelStore(tmp_path / "models", POLICY, processes=processes)
    return store.load(model, version).predictor


def asked(predictor: Predictor, *numbers: float) -> list[float]:
    """Return the answers to some numbers."""
    (values,), _ = predictor.predict({"x": np.array(numbers)})
    answers: list[float] = values.tolist()
    return answers


def test_it_answers_what_it_answers_here(tmp_path: Path, processes: ModelProcesses) -> None:
    """Columns of every kind, with what is missing, and probabilities, to the last bit."""
    count = 200
    random = np.random.default_rng(7)
    table = pd.DataFrame(
        {
            "number": random.normal(size=count),
            "integer": random.integers(0, 9, count),
            "flag": random.integers(0, 2, count).astype(bool),
            "color": random.choice(["red", "grün", "blau"], count),
            "day": pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(np.arange(count), "D"),
            "gaps": np.where(np.arange(count) % 3, random.normal(size=count), np.nan),
        }
    )
    labels = pd.DataFrame({"label": np.where(table["number"] > 0, "üp", "down")})
    signature = infer_signature(table, labels)
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    features = ColumnTransformer(
        [("color", encoder, ["color"]), ("day", DateParts(), ["day"])], remainder="passthrough"
    )
    forest = RandomForestClassifier(5, random_state=7)
    estimator = Pipeline([("features", features), ("model", forest)])
    store = FileModelStore(tmp_path / "models", POLICY, lambda: NOON, SIGNER)
    here = EstimatorPredictor(
        estimator.fit(conform(table, signature.inputs), labels["label"]), signature
    )
    version = store.publish(
        Draft(
            model="mixed",
            task="classification",
            estimator=estimator,
            signature=signature,
            golden=golden_rows(estimator, signature, table),
            compilation=NOT_COMPILED,
        )
    )
    there = loaded(tmp_path, version, processes, "mixed")
    assert there.classes == here.classes
    columns: Columns = {
        str(name): array.to_numpy() for name, array in conform(table, signature.inputs).items()
    }
    for probabilities in (False, True):
        (expected,), expected_shares = here.predict(columns, probabilities=probabilities)
        (given,), shares = there.predict(columns, probabilities=probabilities)
        assert given.tolist() == expected.tolist()
        assert given.dtype == expected.dtype
        assert [shares is None, expected_shares is None] == [not probabilities] * 2
        if shares is not None and expected_shares is not None:
            assert shares.tolist() == expected_shares.tolist()


@pytest.mark.parametrize("order", [BURN, SLEEP, CRASH, END, FORK])
def test_what_ends_its_process_costs_its_own_answer(
    tmp_path: Path, draft_line: DraftLine, processes: ModelProcesses, order: float
) -> None:
    """The next question is answered, by a process that was started anew."""
    predictor = loaded(tmp_path, published(tmp_path, draft_line), processes)
    assert asked(predictor, 1, 2) == [1, 2]
    with pytest.raises(PredictionError, match="it took too long, or crashed"):
        asked(predictor, 1, order)
    assert asked(predictor, 3) == [3]


def test_what_only_fails_keeps_its_process(
    tmp_path: Path, draft_line: DraftLine, processes: ModelProcesses
) -> None:
    """Too much memory is refused by the system, and what a model prints is no answer."""
    predictor = loaded(tmp_path, published(tmp_path, draft_line), processes)
    (before,) = asked(predictor, PROCESS)
    with pytest.raises(PredictionError, match="MemoryError"):
        asked(predictor, EAT)
    assert asked(predictor, PRINT, 2) == [PRINT, 2]
    assert asked(predictor, PROCESS) == [before]


def test_one_that_ended_between_two_questions_costs_no_answer(
    tmp_path: Path, draft_line: DraftLine, processes: ModelProcesses
) -> None:
    """As where the system has killed it for its memory."""
    predictor = loaded(tmp_path, published(tmp_path, draft_line), processes)
    (process,) = asked(predictor, PROCESS)
    os.kill(int(process), signal.SIGKILL)
    wait_until(lambda: not _runs(int(process)), 30)
    assert asked(predictor, 3) == [3]


def test_it_knows_no_secret(
    tmp_path: Path,
    draft_line: DraftLine,
    processes: ModelProcesses,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its environment holds what libraries need, and nothing else."""
    monkeypatch.setenv("LOG_KEY", "0123456789abcdef")
    monkeypatch.setenv("ADMIN_PASSWORD", "xyzzy")
    predictor = loaded(tmp_path, published(tmp_path, draft_line), processes)
    assert asked(predictor, SECRETS) == [0]


def test_one_that_crashes_again_and_again_is_left_alone(
    tmp_path: Path, draft_line: DraftLine, processes: ModelProcesses
) -> None:
    """For a while it is not asked any more, so that it takes no processor time from others."""
    predictor = loaded(tmp_path, published(tmp_path, draft_line), processes)
    for _ in range(MOST_CRASHES):
        with pytest.raises(PredictionError):
            asked(predictor, CRASH)
    with pytest.raises(PredictionError, match="is not asked for a while"):
        asked(predictor, 1)


def test_the_workers_of_a_service_share_it(
    tmp_path: Path, draft_line: DraftLine, started: list["subprocess.Popen[bytes]"]
) -> None:
    """Whoever needs it first starts it; it outlives one worker, and ends with the last one."""
    version = published(tmp_path, draft_line)
    # The path of a test is too long for a socket.
    folder = Path(tempfile.mkdtemp())
    workers = [ModelProcesses(2, 5.0, folder) for _ in range(4)]
    predictors: list[Predictor] = []
    threads = [
        threading.Thread(target=lambda w=w: predictors.append(loaded(tmp_path, version, w)))
        for w in workers
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({asked(predictor, PROCESS)[0] for predictor in predictors}) == 1
    (process,) = started
    assert process.poll() is None
    for each in workers:
        each.close()
    wait_until(lambda: process.poll() is not None, 30)
    shutil.rmtree(folder)


def test_there_are_no_more_than_are_allowed(
    tmp_path: Path, draft_line: DraftLine, started: list["subprocess.Popen[bytes]"]
) -> None:
    """The one that was not asked for the longest time leaves for another, and comes back."""
    names = ["one", "two", "three"]
    versions = {
        name: published(tmp_path, draft_line, name, factor)
        for factor, name in enumerate(names, start=2)
    }
    processes = ModelProcesses(2, 5.0)
    predictors = {name: loaded(tmp_path, versions[name], processes, name) for name in names}
    for factor, name in enumerate(names, start=2):
        assert asked(predictors[name], 10) == [10 * factor]
        assert sum(process.poll() is None for process in started) <= 2
    before = len(started)
    assert asked(predictors["three"], 1) == [4]
    assert asked(predictors["two"], 1) == [3]
    assert len(started) == before
    processes.close()
    assert all(process.poll() is not None for process in started)


def test_it_ends_with_a_service_that_is_killed(tmp_path: Path, draft_line: DraftLine) -> None:
    """Nothing is left to run, whatever it was doing."""
    version = published(tmp_path, draft_line)
    script = (
        "import sys; from pathlib import Path; from tests.model_store.model_process import "
        "test_model_process as t; p = t.loaded(Path(sys.argv[1]), sys.argv[2], "
        "t.ModelProcesses(1, 3.0)); print(int(t.asked(p, t.PROCESS)[0]), flush=True); "
        "t.asked(p, t.SLEEP)"
    )
    service = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path), version], stdout=subprocess.PIPE, text=True
    )
    with service:
        assert service.stdout
        process = int(service.stdout.readline())
        service.send_signal(signal.SIGKILL)
    wait_until(lambda: not _runs(process), 30)


def test_the_service_imports_nothing_of_the_estimator(
    tmp_path: Path, draft_line: DraftLine
) -> None:
    """Neither scikit-learn nor pandas: that memory and that time are its process's."""
    store = FileModelStore(tmp_path / "models", POLICY, lambda: NOON, SIGNER)
    version = store.publish(draft_line(compilation=NOT_COMPILED))
    script = (
        "import sys; from pathlib import Path; from model_store.file_store import FileModelStore; "
        "from model_store.store import LoadPolicy; from tests.publisher_key import PUBLISHERS; "
        "from model_store.model_process.model_processes import ModelProcesses; import numpy as np; "
        "p = ModelProcesses(1, 5.0); s = FileModelStore(Path(sys.argv[1]) / 'models', "
        "LoadPolicy(publishers=PUBLISHERS), processes=p); "
        "x = s.load('line', sys.argv[2]).predictor.predict({'x': np.array([3.0])}); "
        "print(x.values[0].round(9).tolist(), sorted({'sklearn', 'pandas'} & set(sys.modules))); "
        "p.close()"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path), version],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.strip() == "[6.0] []"


def test_what_does_not_load_there_is_refused(
    tmp_path: Path, draft_line: DraftLine, processes: ModelProcesses
) -> None:
    """With the reason that its process gives, and the sentence says so each time."""
    version = published(tmp_path, draft_line)
    store = FileModelStore(tmp_path / "models", POLICY, processes=processes)
    folder = tmp_path / "models" / "line" / version
    reseal_bundle(folder, {"model.skops": formats.dump(Moody(2.0), "skops")})
    for _ in range(2):
        with pytest.raises(RefusedError, match="differently than it did in training"):
            store.load("line", version)


def test_many_ask_at_once(tmp_path: Path, draft_line: DraftLine, processes: ModelProcesses) -> None:
    """Each gets the answer to its own question."""
    predictor = loaded(tmp_path, published(tmp_path, draft_line), processes)
    wrong: list[float] = []

    def ask(number: int) -> None:
        for turn in range(50):
            value = 1000.0 * number + turn
            if asked(predictor, value) != [value]:
                wrong.append(value)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def _runs(process: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(process, 0)
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        return state != "Z"
    return False
