"""The tests depend on no setting of the machine that runs them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from settings.settings import Settings
from settings.sources import PROJECT_ROOT
from tests.empty_environment import empty_environment, setting_variables

OF_A_USER = {
    "MODE": "api",
    "SERVICE_PORT": "9000",
    "METRICS_PASSWORD": "hunter2",
    "METRICS_PASWORD": "hunter2",
    "PREDICT_OPEN": "no",
    "LOCAL_DATA": "/nowhere",
    "GIT_HEAD": "1a2b3c4",
}


def test_settings_and_misspelt_ones_are_found_among_variables() -> None:
    """And no variable of another program."""
    others = ["PATH", "GIT_AUTHOR_NAME", "MODEL", "PORT", "LOGNAME"]
    assert setting_variables([*OF_A_USER, *others]) == list(OF_A_USER)


def test_no_setting_is_anybodys() -> None:
    """Neither here, nor in a process that a test starts without saying more."""
    assert setting_variables(os.environ) == ["LOCAL_DATA"]
    assert Path(os.environ["SETTINGS_FILE"]).read_text() == ""
    folder = Path(os.environ["LOCAL_DATA"])
    assert Settings().model_dump(exclude={"local_data"}) == {
        name: field.default for name, field in Settings.model_fields.items() if name != "local_data"
    }
    assert not folder.is_relative_to(PROJECT_ROOT / "local_data")

    command = [sys.executable, "-m", "mlops", "settings", "--json"]
    printed = subprocess.run(command, capture_output=True, check=True, cwd=PROJECT_ROOT).stdout
    given = {row["name"] for row in json.loads(printed) if row["source"] != "default"}
    assert given == {"LOCAL_DATA"}


def test_what_a_user_has_set_is_put_aside(tmp_path: Path) -> None:
    """Variables, an edited file and secrets alike; and all are there again afterwards."""
    own = tmp_path / "own"
    (own / "secrets").mkdir(parents=True)
    (own / "secrets" / "admin_password").write_text("xyzzy")
    (own / "settings.ini").write_text("[service]\nport = 9001\n")
    with pytest.MonkeyPatch.context() as users:
        for name, value in OF_A_USER.items():
            users.setenv(name, value)
        users.setenv("LOCAL_DATA", str(own))
        users.setenv("SETTINGS_FILE", str(own / "settings.ini"))
        before = dict(os.environ)
        with pytest.MonkeyPatch.context() as monkeypatch:
            empty_environment(monkeypatch, tmp_path)
            assert Settings() == Settings(local_data=tmp_path / "local_data")
            assert Settings().service_port == 8000
            assert Settings().admin_password.get_secret_value() == ""
        assert dict(os.environ) == before
