"""`GET /monitoring`: the newest report, for an administrator."""

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
    """Newest by its name, not by when the file was copied here."""
    (reports / "20261121T120000Z.html").write_text("<p>new</p>")
    (reports / "20261120T120000Z.html").write_text("<p>old</p>")
    answer = ask(service)
    assert (answer.status_code, answer.text) == (200, "<p>new</p>")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


def test_no_script_runs_and_nothing_is_kept(service: Service, reports: Path) -> None:
    """Whatever stands in the file, a browser runs no script, guesses no type and stores nothing."""
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
    """Also where there is no folder of reports."""
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
    """Evidently's pages run scripts, a part is not the whole; the others are other tools'."""
    (reports / name).write_text("<p>other</p>")
    assert ask(service).status_code == 404


def test_a_link_is_no_report(service: Service, reports: Path, tmp_path: Path) -> None:
    """What is served stands in the folder itself."""
    secret = tmp_path / "secret"
    secret.write_text("secret")
    (reports / "20261121T120000Z.html").symlink_to(secret)
    assert ask(service).status_code == 404


def test_a_report_that_cannot_be_read_is_a_sentence(service: Service) -> None:
    """Which says what to do; here the folder is no folder."""
    service.settings.local_data.mkdir(parents=True, exist_ok=True)
    (service.settings.local_data / "reports").write_text("")
    answer = ask(service)
    assert answer.status_code == 503
    assert "cannot be read" in answer.json()["detail"]


def test_no_path_comes_from_the_caller(service: Service, reports: Path) -> None:
    """There is one address; nothing that is added to it names a file."""
    (reports / "20261121T120000Z.html").write_text("<p>new</p>")
    (reports / "20261120T120000Z.html").write_text("<p>old</p>")
    assert ask(service, "/monitoring/20261120T120000Z.html").status_code == 404
    assert ask(service, "/monitoring?name=20261120T120000Z.html").text == "<p>new</p>"


def test_only_an_administrator_sees_it(service: Service, reports: Path) -> None:
    """It shows single rows, which are other callers'."""
    (reports / "20261121T120000Z.html").write_text("<p>new</p>")
    assert service.client.get("/monitoring").status_code == 401
    metrics = ("metrics", "metrics-secret")
    assert service.client.get("/monitoring", auth=metrics).status_code == 403
