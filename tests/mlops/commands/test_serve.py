"""`mlops serve` refuses errors before it makes anything; its first start makes secrets."""

import re
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
from pydantic import SecretStr

from mlops.commands.serve import with_secrets
from mlops.console import Exit
from mlops.process.secret_files import ensure_secret
from settings.settings import Settings
from tests.mlops.conftest import Mlops, Publish

pytestmark = pytest.mark.slow  # each starts the command, which imports the notebooks' libraries


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Return a table of 40 rows that a model could be trained on."""
    path = tmp_path / "houses.csv"
    pd.DataFrame({"rooms": range(40), "kind": ["flat", "house"] * 20}).to_csv(path, index=False)
    return path


@pytest.fixture(autouse=True)
def _free_port(local_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVICE_PORT", "0")


@pytest.fixture
def taken_port() -> Iterator[int]:
    """Return a port that somebody else listens on."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


Refused = Callable[..., str]


@pytest.fixture
def refused(local_data: Path, monkeypatch: pytest.MonkeyPatch) -> Refused:
    """Call the command; return the one sentence of a refusal, which left nothing behind.

    It trains in a copy of its process, so that it has one of its own here.
    """
    monkeypatch.setenv("LOCAL_DATA", str(local_data))

    def call(*arguments: str) -> str:
        command = (sys.executable, "-m", "mlops", "serve", *arguments)
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        assert result.returncode in {Exit.FAILED, Exit.USAGE}
        assert result.stdout == ""
        sentence = result.stderr
        *phases, _ = sentence.strip().splitlines()
        # A busy machine may take long enough for them to be shown.
        assert all(re.match(r"\d:\d\d:\d\d ", line) for line in phases)
        assert not local_data.exists()
        return sentence

    return call


def test_a_taken_port_is_reported_before_anything_is_trained(
    refused: Refused, taken_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A start without its address does not train first; the sentence names the port."""
    monkeypatch.setenv("SERVICE_PORT", str(taken_port))
    assert str(taken_port) in refused()


def test_a_table_that_is_not_there_is_reported(refused: Refused, tmp_path: Path) -> None:
    """The sentence names the path that was given."""
    path = str(tmp_path / "nowhere.csv")
    assert path in refused("--data", path, "--target", "kind")


def test_an_unreadable_table_is_reported(refused: Refused, tmp_path: Path) -> None:
    """A file of bytes is no table, whatever its name."""
    path = tmp_path / "table.csv"
    path.write_bytes(bytes(range(256)) * 4)
    assert "CSV" in refused("--data", str(path), "--target", "kind")


def test_a_target_that_is_missing_is_reported_with_near_names(
    refused: Refused, table: Path
) -> None:
    """A misspelt target is answered with the column that was probably meant."""
    sentence = refused("--data", str(table), "--target", "kidn")
    assert "kind" in sentence.replace("kidn", "")


def test_a_table_without_a_target_is_a_usage_error(refused: Refused, table: Path) -> None:
    """The sentence shows how the target is given."""
    assert "TARGET=" in refused("--data", str(table))


def test_a_column_that_cannot_be_served_is_reported(refused: Refused, tmp_path: Path) -> None:
    """A column of lists fits into no row of a request; the sentence names it."""
    path = tmp_path / "nested.parquet"
    pd.DataFrame({"tags": [["a"], ["b"]] * 20, "kind": ["flat", "house"] * 20}).to_parquet(path)
    assert '"tags"' in refused("--data", str(path), "--target", "kind")


def test_a_task_that_the_target_does_not_allow_is_reported(refused: Refused, table: Path) -> None:
    """Words are no amounts: a regression on them is refused at once."""
    arguments = ("--data", str(table), "--target", "kind", "--task", "regression")
    assert '"kind"' in refused(*arguments)


def test_two_models_need_a_name(mlops: Mlops, publish: Publish) -> None:
    """Which of two models `/predict` answers with is never guessed."""
    publish(model="line")
    publish(model="other")
    result = mlops("serve")
    assert result.exit_code == Exit.USAGE
    assert "line, other" in result.stderr
    assert "MODEL_NAME=" in result.stderr


def test_secrets_are_made_once_and_for_their_owner_alone(tmp_path: Path) -> None:
    """A secret is random, stays the same, and no one else may read it."""
    first = ensure_secret(tmp_path / "secrets", "one")
    assert len(first) >= 24
    assert ensure_secret(tmp_path / "secrets", "one") == first
    assert ensure_secret(tmp_path / "secrets", "two") != first
    assert stat.S_IMODE((tmp_path / "secrets" / "one").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700


def test_the_password_of_metrics_is_copied_for_prometheus(local_data: Path, tmp_path: Path) -> None:
    """Whoever may see the folder may read it; at the next start it is replaced."""
    copy = tmp_path / "scrape" / "metrics_password"
    copy.parent.mkdir()
    for password in ("first", "second"):
        with_secrets(Settings(metrics_password=SecretStr(password), metrics_password_copy=copy))
        assert copy.read_text() == f"{password}\n"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o444
    assert list(copy.parent.iterdir()) == [copy]


def test_a_copy_that_cannot_be_written_stops_no_start(
    local_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Prometheus will be refused, which the service says."""
    with_secrets(Settings(metrics_password_copy=tmp_path / "nowhere" / "copy"))
    assert "Prometheus will be refused" in capsys.readouterr().err


def test_passwords_that_are_set_are_not_made(local_data: Path) -> None:
    """A role's password is made only where nobody chose one; that of predict never is."""
    chosen = Settings(metrics_password="chosen")
    settings = with_secrets(chosen)
    assert settings.metrics_password.get_secret_value() == "chosen"
    assert settings.admin_password.get_secret_value()
    assert not settings.predict_password.get_secret_value()
    made = {path.name for path in (local_data / "secrets").iterdir()}
    assert made == {"admin_password", "publisher_key.pem", "publishers"}
    # The next start finds it there.
    assert Settings().admin_password == settings.admin_password


def test_hashes_get_a_key(local_data: Path) -> None:
    """Where values are to be hashed, a key is made: a hash without one could be guessed."""
    settings = with_secrets(Settings(log_personal_fields=("name",)))
    assert len(settings.log_key.get_secret_value()) >= 24


def test_a_folder_that_cannot_be_written_leaves_roles_closed(
    local_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a place for passwords their roles stay closed, and the sentence says so."""
    local_data.write_text("a file where the folder should be")
    settings = with_secrets(Settings())
    assert not settings.metrics_password.get_secret_value()
    assert "METRICS_PASSWORD" in capsys.readouterr().err
