"""`mlops settings`: every setting with its value, source and meaning, and no secret."""

import json
from pathlib import Path

import pytest

from mlops.console import Exit
from settings.settings import Settings
from tests.mlops.conftest import Mlops


def test_every_setting_is_printed_with_its_source(
    mlops: Mlops, local_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment wins over a secret file, the file over the settings file, that over none."""
    (local_data / "secrets").mkdir(parents=True)
    (local_data / "secrets" / "admin_password").write_text("from a file")
    file = local_data.parent / "settings.ini"
    file.write_text("[service]\nport = 8001\n[log]\nkey = 0123456789abcdef\n")
    monkeypatch.setenv("SETTINGS_FILE", str(file))
    monkeypatch.setenv("SERVICE_PORT", "8002")

    rows = json.loads(mlops("settings", "--json").stdout)
    sources = {row["name"]: row["source"] for row in rows}

    assert [row["name"].lower() for row in rows] == list(Settings.model_fields)
    assert all(row["meaning"] for row in rows)
    assert sources["SERVICE_PORT"] == "environment"
    assert sources["ADMIN_PASSWORD"] == "secret file"
    assert sources["LOG_KEY"] == "settings.ini"
    assert sources["SERVICE_HOST"] == "default"


def test_no_secret_is_printed(mlops: Mlops, monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret is shown as set or not set, in both forms."""
    monkeypatch.setenv("METRICS_PASSWORD", "open-sesame")
    for arguments in ((), ("--json",)):
        printed = mlops("settings", *arguments).stdout
        assert "open-sesame" not in printed
        assert "(set)" in printed


@pytest.mark.parametrize(
    ("variable", "value"),
    [("SERVICE_PORT", "eighty"), ("SERVICE_PROT", "80"), ("LOG_DURABILITY", "maybe")],
)
def test_an_invalid_setting_is_one_sentence(
    mlops: Mlops, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    """A wrong value and a misspelt name end in a sentence that names the setting, and code 2."""
    monkeypatch.setenv(variable, value)
    result = mlops("settings")
    assert result.exit_code == Exit.USAGE
    assert len(result.stderr.strip().splitlines()) == 1
    assert variable in result.stderr
    assert value not in result.stderr.replace(variable, "")
