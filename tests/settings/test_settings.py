"""The sources of settings, and the settings that are refused."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import SecretStr, ValidationError

from settings.factories import prediction_log
from settings.model_settings import TRUSTED_TYPES
from settings.settings import Settings
from settings.sources import PROJECT_ROOT, SettingsError

SEED_VARIABLES = {
    "MODE": "api",
    "MODEL_STORE": "file",
    "LOG_PREDICTIONS": "full",
    "METRICS_USERNAME": "meter",
    "METRICS_PASSWORD": "metrics-secret",
    "PREDICT_USERNAME": "caller",
    "PREDICT_PASSWORD": "predict-secret",
    "MLFLOW_TRACKING_URI": "http://localhost:5000",
    "MLFLOW_REGISTRY_URI": "http://localhost:5001",
    "MLFLOW_MODEL_NAME": "iris",
    "MLFLOW_MODEL_VERSION": "3",
    "GIT_BRANCH": "main",
    "GIT_HEAD": "1a2b3c4",
}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the settings file that is read; empty so far."""
    file = tmp_path / "settings.ini"
    file.touch()
    monkeypatch.setenv("SETTINGS_FILE", str(file))
    return file


@pytest.fixture
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of secret files that is read; empty so far."""
    monkeypatch.setenv("LOCAL_DATA", str(tmp_path))
    folder = tmp_path / "secrets"
    folder.mkdir()
    return folder


def test_each_source_wins_over_the_next(
    file: Path, secrets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order is environment, secret file, settings.ini, default."""
    assert Settings().admin_username == "admin"
    file.write_text("[admin]\nusername = from-ini\n")
    assert Settings().admin_username == "from-ini"
    (secrets / "admin_username").write_text("from-secret-file\n")
    assert Settings().admin_username == "from-secret-file"
    monkeypatch.setenv("ADMIN_USERNAME", "from-environment")
    assert Settings().admin_username == "from-environment"


def test_an_empty_variable_sets_only_a_setting_that_may_be_empty(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`TRAIN_IF_EMPTY=` turns the first training off, whatever the file says."""
    file.write_text("[admin]\nusername = from-ini\n[train]\nif_empty = examples/other\n")
    monkeypatch.setenv("ADMIN_USERNAME", "")
    assert Settings().admin_username == "from-ini"
    assert Settings().train_if_empty == "examples/other"
    monkeypatch.setenv("TRAIN_IF_EMPTY", "")
    assert Settings().train_if_empty == "none"


def test_the_folder_of_secret_files_may_be_named_by_the_settings_file(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`[local] data` says where the secrets are."""
    monkeypatch.delenv("LOCAL_DATA")
    folder = tmp_path / "elsewhere" / "secrets"
    folder.mkdir(parents=True)
    (folder / "admin_password").write_text("xyzzy\n")
    file.write_text(f"[local]\ndata = {folder.parent}\n")
    assert Settings().admin_password.get_secret_value() == "xyzzy"


def test_section_and_key_name_a_setting(file: Path) -> None:
    """`[service] port` is service_port; lists are split at commas."""
    file.write_text("[service]\nport = 9000\n[log]\npersonal_fields = name, address\n")
    assert Settings().service_port == 9000
    assert Settings().log_personal_fields == ("name", "address")


@pytest.mark.parametrize("source", ["file", "environment"])
def test_an_empty_value_is_no_value(
    file: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    """`port =` leaves the default."""
    if source == "file":
        file.write_text("[service]\nport =\n")
    else:
        monkeypatch.setenv("SERVICE_PORT", "")
    assert Settings().service_port == 8000


def test_a_misspelt_key_is_refused_with_the_right_one(file: Path) -> None:
    """The sentence names what was probably meant."""
    file.write_text("[service]\nprot = 9000\n")
    with pytest.raises(SettingsError, match=r"\[service\] prot .* Did you mean service_port\?"):
        Settings()


@pytest.mark.parametrize(
    ("misspelt", "meant"),
    [
        ("SERVICE_PROT", "SERVICE_PORT"),
        ("METRICS_PASWORD", "METRICS_PASSWORD"),
        ("LOG_PREDICTION", "LOG_PREDICTIONS"),
        ("MODEL_NAEM", "MODEL_NAME"),
        ("MODEL_FORMAT", "MODEL_FORMATS"),
        ("MODEL_TRUSTED_TYPE", "MODEL_TRUSTED_TYPES"),
    ],
)
def test_a_misspelt_variable_is_refused_with_the_right_one(
    monkeypatch: pytest.MonkeyPatch, misspelt: str, meant: str
) -> None:
    """A password that is set under a wrong name must not leave its role closed in silence."""
    monkeypatch.setenv(misspelt, "x")
    with pytest.raises(SettingsError, match=f"{misspelt} is not a setting.*{meant}"):
        Settings()


@pytest.mark.parametrize(
    "variable", ["MODEL", "PORT", "GIT_AUTHOR_NAME", "MLFLOW_RUN_ID", "LOGNAME"]
)
def test_variables_of_other_programs_are_left_alone(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """The environment of a container holds many other variables."""
    monkeypatch.setenv(variable, "x")
    Settings()


@pytest.mark.parametrize(
    "text", ["service_port = 9000\n", "[service]\nport = 1\nport = 2\n", "[service\n", "[a]\n\0\n"]
)
def test_a_file_that_is_no_settings_file_is_refused(file: Path, text: str) -> None:
    """A sentence names what is wrong with it."""
    file.write_text(text)
    with pytest.raises(SettingsError, match=r"settings\.ini"):
        Settings()


def test_a_settings_file_that_is_not_utf8_is_refused(file: Path) -> None:
    """The error does not repeat its bytes."""
    file.write_bytes(b"[model]\nname = \xff\n")
    with pytest.raises(SettingsError, match="UTF-8"):
        Settings()


@pytest.mark.parametrize("name", ["absent.ini", "."])
def test_a_settings_file_that_is_named_must_be_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    """Otherwise all its settings would be ignored in silence."""
    monkeypatch.setenv("SETTINGS_FILE", str(tmp_path / name))
    with pytest.raises(SettingsError, match=r"SETTINGS_FILE|cannot be read"):
        Settings()


@pytest.mark.parametrize(
    ("said", "kept"), [("true", "full"), ("True", "full"), ("false", "none"), ("hashed", "hashed")]
)
def test_log_predictions_understands_the_seed_system(
    monkeypatch: pytest.MonkeyPatch, said: str, kept: str
) -> None:
    """`LOG_PREDICTIONS=true` keeps its meaning."""
    monkeypatch.setenv("LOG_PREDICTIONS", said)
    assert Settings().log_predictions == kept


def test_every_variable_of_the_seed_system_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is accepted, all at once, and is the setting of its name."""
    for variable, value in SEED_VARIABLES.items():
        monkeypatch.setenv(variable, value)
    settings = Settings()
    for variable, value in SEED_VARIABLES.items():
        found = getattr(settings, variable.lower())
        assert getattr(found, "get_secret_value", lambda: found)() == value  # noqa: B023


def test_secrets_are_never_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither `repr` nor `str` nor a dump shows a password."""
    for name in ("METRICS_PASSWORD", "PREDICT_PASSWORD", "ADMIN_PASSWORD", "LOG_KEY"):
        monkeypatch.setenv(name, "xyzzy" * 4)
    settings = Settings()
    assert "xyzzy" not in f"{settings!r} {settings} {settings.model_dump()}"
    assert "xyzzy" not in settings.model_dump_json()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SERVICE_PORT", "xyzzy"),
        ("SERVICE_PORT", "65536"),
        ("LOG_PREDICTIONS", "xyzzy"),
        ("PREDICT_TIMEOUT_SECONDS", "0"),
        ("PREDICT_TIMEOUT_SECONDS", "nan"),
        ("LOG_RETENTION_DAYS", "-1"),
        ("METRICS_USERNAME", "xy:zzy"),
        ("MODEL_FORMATS", "skops, xyzzy"),
        ("LOG_KEY", "fifteen--xyzzy-"),
        ("LOG_MAX_BYTES", "1048575"),
        ("DRIFT_PSI", "inf"),
        ("DRIFT_COLUMNS", "age=nan"),
        ("DRIFT_COLUMNS", "age=-1"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_unseen(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    """The error names the setting, and does not repeat the value, which may be a secret."""
    monkeypatch.setenv(variable, value)
    with pytest.raises(ValidationError) as caught:
        Settings()
    assert variable.lower() in str(caught.value).lower()
    assert "zzy" not in str(caught.value)


def test_roles_have_user_names_of_their_own() -> None:
    """One name with two passwords would leave open which role is meant."""
    with pytest.raises(ValidationError, match="its own user name"):
        Settings(metrics_username="admin")


def test_a_window_holds_what_is_needed_to_judge_it() -> None:
    """Otherwise drift would never be judged."""
    assert Settings(window_rows=100, drift_min_rows=100)
    with pytest.raises(ValidationError, match="WINDOW_ROWS"):
        Settings(window_rows=100, drift_min_rows=101)


def test_business_metrics_leave_half_of_the_log_to_predictions() -> None:
    """Stored business metrics are not removed to keep the limit."""
    names = ("revenue", "margin")
    assert Settings(business_metrics=names)
    assert Settings(business_metrics=names, log_max_bytes=5_600_000)
    with pytest.raises(ValidationError, match=r"LOG_MAX_BYTES must be at least 5,600,000"):
        Settings(business_metrics=names, log_max_bytes=5_599_999)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),  # noqa: S104 - the point of the test
        ("::", False),
        ("192.0.2.1", False),
        ("service.example", False),
    ],
)
def test_predict_is_open_by_default_on_loopback_only(host: str, *, loopback: bool) -> None:
    """Whoever can reach the service from elsewhere needs credentials."""
    assert Settings(service_host=host).predict_is_open is loopback
    assert Settings(service_host=host, predict_open="yes").predict_is_open
    assert not Settings(service_host=host, predict_open="no").predict_is_open


def test_an_unknown_setting_is_refused() -> None:
    """That holds in code as in the file."""
    with pytest.raises(ValidationError, match="servce_port"):
        Settings(servce_port=9000)  # type: ignore[call-arg]


def test_every_setting_says_what_it_means() -> None:
    """`mlops settings` and the reference show it."""
    assert all(field.description for field in Settings.model_fields.values())


def test_the_log_accepts_all_settings_that_are_accepted(tmp_path: Path) -> None:
    """The log accepts the smallest size and the shortest key, so that no start fails later."""
    settings = Settings(local_data=tmp_path, log_max_bytes=2**20, log_key=SecretStr("x" * 16))
    log, failure = prediction_log(settings)
    log.close()
    assert failure == ""


def test_types_are_added_to_the_one_list_of_trusted_ones(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The word `default` stands for that list; without it a list replaces it."""
    file.write_text("[model]\ntrusted_types = default, own.Type\n")
    assert Settings().model_trusted_types == (*TRUSTED_TYPES, "own.Type")
    monkeypatch.setenv("MODEL_TRUSTED_TYPES", "own.Type")
    assert Settings().model_trusted_types == ("own.Type",)


@pytest.mark.parametrize(
    ("host", "chosen", "password", "is_open"),
    [
        ("127.0.0.1", "auto", "", True),
        ("127.0.0.1", "auto", "secret", False),
        ("::1", "auto", "secret", False),
        ("localhost", "unless-password", "", True),
        ("0.0.0.0", "auto", "", False),  # noqa: S104
        ("0.0.0.0", "auto", "secret", False),  # noqa: S104
        ("0.0.0.0", "unless-password", "", True),  # noqa: S104
        ("0.0.0.0", "unless-password", "secret", False),  # noqa: S104
        ("127.0.0.1", "no", "", False),
        ("0.0.0.0", "yes", "", True),  # noqa: S104
    ],
)
def test_a_set_password_closes_the_route(
    host: str, chosen: Any, password: str, *, is_open: bool
) -> None:
    """Wherever the service listens: a proxy connects from this machine."""
    settings = Settings(
        service_host=host, predict_open=chosen, predict_password=SecretStr(password)
    )
    assert settings.predict_is_open is is_open


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])  # noqa: S104
def test_an_open_route_beside_a_password_does_not_start(host: str) -> None:
    """One of the two is a mistake, and nobody but its author knows which."""
    with pytest.raises(ValidationError, match="unset one of the two"):
        Settings(service_host=host, predict_open="yes", predict_password=SecretStr("secret"))


def test_compose_opens_the_route_only_without_a_password() -> None:
    """Its service answers for the names by which this machine and Prometheus ask it."""
    compose = yaml.safe_load((PROJECT_ROOT / "compose" / "api.yml").read_text("utf-8"))
    environment = compose["services"]["mode"]["environment"]
    defaults = {
        name: re.fullmatch(r"\$\{\w+:-(.*)\}", value)[1]  # type: ignore[index]
        for name, value in environment.items()
        if name in {"PREDICT_OPEN", "SERVICE_ALLOWED_HOSTS"}
    }
    assert defaults == {"PREDICT_OPEN": "unless-password", "SERVICE_ALLOWED_HOSTS": "service"}
    scrape = yaml.safe_load((PROJECT_ROOT / "prometheus" / "prometheus.yml").read_text("utf-8"))
    [job] = scrape["scrape_configs"]
    assert job["static_configs"] == [{"targets": ["service:8000"]}]


def test_notebooks_are_given_no_secret_of_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever names one is told so, and not left to believe that it was given."""
    monkeypatch.setenv("TRAIN_VARIABLES", "DATABASE_URL, HTTPS_PROXY")
    assert Settings().train_variables == ("DATABASE_URL", "HTTPS_PROXY")
    monkeypatch.setenv("TRAIN_VARIABLES", "DATABASE_URL, log_key")
    with pytest.raises(ValidationError, match="log_key: the service's own secrets"):
        Settings()
