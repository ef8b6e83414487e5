"""`GET /monitoring` shows the newest report to an administrator."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.conftest import NewSettings, Serve, Service

ADMIN = ("admin", "admin-secret")


@pytest.fixture
def service(serve: Serve, new_settings: NewSettings) -> Iterator[Service]:
    """Return a service that an administrator may ask."""
    with serve(used=new_settings(admin_password=ADMIN[1])) as running:
        yield running


@pytest.fixture
def reports(service: Service) -> Path:
    """Return the folder of reports."""
    folder = service.settings.local_data / "reports"
    folder.mkdir(parents=True)
    return folder


def ask(service: Service, path: str = "/monitoring") -> Any:
    """Ask as an administrator."""
    return service.client.get(path, auth=ADMIN)


def test_the_newest_report_is_shown_as_it_stands(service: Service, reports: Path) -> None:
    """The newest is found by its name, not by the time of the file."""
    (reports / "20261121T120000Z.html").write_text("<p>new</p>")
    (reports / "20261120T120000Z.html").write_text("<p>old</p>")
    answer = ask(service)
    assert (answer.status_code, answer.text) == (200, "<p>new</p>")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


def test_no_script_runs_and_nothing_is_kept(service: Service, reports: Path) -> None:
    """Whatever the file holds, a browser runs no script, guesses no type and stores nothing."""
    (reports / "20261121T120000Z.html").write_text("<script>alert(1)</script>")
    headers = ask(service).headers
    policy = dict(part.strip().partition(" ")[::2] for part in
                  headers["content-security-policy"].split(";"))  # fmt: skip
    assert policy["default-src"] == "'none'"
    assert "script-src" not in policy
    assert policy["sandbox"] == ""
    assert policy["frame-ancestors"] == "'none'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


def test_without_a_report_it_says_how_to_make_one(service: Service) -> None:
    """That holds also without a folder of reports."""
    answer = ask(service)
    assert answer.status_code == 404
    assert "mlops report" in answer.json()["detail"]


@pytest.mark.parametrize(
    "name",
    [
        "20261121T120000Z_evidently_iris_v1.html",
        "20261121T120000Z_part.html",
        "bench.html",
        "20261121T120000Z.html.new",
    ],
)
def test_other_files_are_no_reports(service: Service, reports: Path, name: str) -> None:
    """Evidently's pages run scripts, a partial file is incomplete, others are not reports."""
    (reports / name).write_text("<p>other</p>")
    assert ask(service).status_code == 404


def test_a_link_is_no_report(service: Service, reports: Path, tmp_path: Path) -> None:
    """Only a file of the folder itself is served."""
    secret = tmp_path / "secret"
    secret.write_text("secret")
    (reports / "20261121T120000Z.html").symlink_to(secret)
    assert ask(service).status_code == 404


def test_a_report_that_cannot_be_read_is_a_sentence(service: Service) -> None:
    """The sentence says what to do; in this test a file replaces the folder."""
    service.settings.local_data.mkdir(parents=True, exist_ok=True)
    (service.settings.local_data / "reports").write_text("")
    answer = ask(service)
    assert answer.status_code == 503
    assert "cannot be read" in answer.json()["detail"]


def test_no_path_comes_from_the_caller(service: Service, reports: Path) -> None:
    """There is one address, and nothing added to it selects a file."""
    (reports / "20261121T120000Z.html").write_text("<p>new</p>")
    (reports / "20261120T120000Z.html").write_text("<p>old</p>")
    assert ask(service, "/monitoring/20261120T120000Z.html").status_code == 404
    assert ask(service, "/monitoring?name=20261120T120000Z.html").text == "<p>new</p>"


def test_only_an_administrator_sees_it(service: Service, reports: Path) -> None:
    """It shows single rows of other callers."""
    (reports / "20261121T120000Z.html").write_text("<p>new</p>")
    assert service.client.get("/monitoring").status_code == 401
    metrics = ("metrics", "metrics-secret")
    assert service.client.get("/monitoring", auth=metrics).status_code == 403
