"""Who gets what in the containers: what each mode's own tests need no engine for."""

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]


def services(name: str) -> dict[str, Any]:
    """Return the services of a compose file."""
    found: dict[str, Any] = yaml.safe_load((ROOT / name).read_text("utf-8"))["services"]
    return found


def test_jupyterlab_beside_a_service_has_its_models_and_no_key() -> None:
    """What it publishes is served compiled, or once somebody approves it."""
    lab = services("docker-compose.yml")["jupyterlab"]
    assert lab["profiles"] == ["dev"]
    assert lab["environment"] == {"MODEL_SEAL": "no"}
    assert lab["volumes"] == [
        "lab_data:/service/local_data",
        "models:/service/local_data/models",
    ]


def test_who_trains_knows_which_columns_are_personal() -> None:
    """Else a training would publish their values, whatever the service's log does."""
    for mode in ("api", "train", "jupyterlab"):
        environment = services(f"compose/{mode}.yml")["mode"]["environment"]
        assert environment["LOG_PERSONAL_FIELDS"] == "${LOG_PERSONAL_FIELDS:-}"
