"""`mlops report`: its numbers are those of the log and of the monitor."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from mlops.commands.report import write
from mlops.console import Exit
from model_store.file_store import FileModelStore
from monitoring.criteria import monitored_columns, thresholds
from monitoring.report_folder import ReportFolder
from monitoring.windows.observation import Observation, observe
from monitoring.windows.reader import WindowReader
from monitoring.windows.window import Window
from settings.settings import Settings
from tests.mlops.conftest import Mlops
from tests.mlops.report.report_world import Page, ReportLog, publish, rows_like_training

Report = Callable[..., Page]
HEAVY = [{"weight": 500.0, "color": "green"}] * 200


@pytest.fixture
def report(mlops: Mlops, local_data: Path) -> Report:
    """Write a report and read it."""

    def written(*options: str) -> Page:
        result = mlops("report", *options)
        assert result.exit_code == Exit.DONE, result.stderr
        return Page(Path(result.stdout.strip()).read_text())

    return written


def observed(local_data: Path, store: FileModelStore) -> Observation:
    """Return what the running service would observe of the version."""
    settings = Settings(local_data=local_data)
    manifest, reference = store.manifest("fruit", "v1"), store.reference("fruit", "v1")
    window = Window(
        monitored_columns(manifest, reference, personal_fields=settings.log_personal_fields),
        settings.window_rows,
    )
    reader = WindowReader(local_data / "predictions.sqlite", "fruit", "v1")
    window.extend(reader.read(window.cursor, window.size))
    return observe("fruit", "v1", window, thresholds(settings), fewest_rows=20)


def test_it_is_written_where_the_service_reads_it(mlops: Mlops, local_data: Path) -> None:
    """Named by the time, for its owner alone, and nothing is left beside it."""
    with ReportLog(local_data):
        pass
    path = Path(mlops("report").stdout.strip())
    assert path.parent == local_data / "reports"
    assert re.fullmatch(r"\d{8}T\d{6}Z\.html", path.name)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_drift_is_that_of_the_monitor(
    report: Report, local_data: Path, store: FileModelStore
) -> None:
    """Each column has the index, distance and p-value that the service publishes."""
    publish(local_data)
    with ReportLog(local_data) as log:
        log.answered("first", rows_like_training(300) + HEAVY)
    page = report()
    seen = observed(local_data, store).drift
    assert seen
    found = {row[0]: row[1:] for row in page.table("column", "verdict")}
    assert found == {
        c.name: [
            "drifted" if c.drifted else "as in training",
            f"{c.psi:.3f}",
            f"{c.jensen_shannon:.3f}",
            f"{c.p_value:.2g}",
        ]
        for c in seen["input"].columns
    }
    assert found["weight"][0] == found["color"][0] == "drifted"
    assert page.verdicts() == ["Not now"]


def test_statistics_are_those_of_the_monitor(
    report: Report, local_data: Path, store: FileModelStore
) -> None:
    """The numbers beside a picture are the statistics of the window."""
    publish(local_data)
    with ReportLog(local_data) as log:
        log.answered("first", rows_like_training(300))
    numbers = {row[0]: row[2] for row in report().table("measure", "training", "now")}
    [weight] = [s for s in observed(local_data, store).statistics if s.name == "weight"]
    assert weight.distribution
    assert numbers["rows"] == "300"
    assert numbers["mean"] == f"{weight.distribution.mean:.4g}"
    assert numbers["maximum"] == f"{weight.distribution.maximum:.4g}"


def test_rows_like_the_training_data_are_no_doubt(report: Report, local_data: Path) -> None:
    """Without labels it does not say that the answers are right."""
    publish(local_data)
    with ReportLog(local_data) as log:
        log.answered("first", rows_like_training(500))
    page = report()
    assert page.verdicts() == ["So far, yes"]
    assert "no true values were received" in page.shown


@pytest.mark.parametrize(("wrong", "word", "accuracy"), [(0, "Yes", "1"), (60, "Not now", "0.7")])
def test_labels_decide(
    report: Report, local_data: Path, wrong: int, word: str, accuracy: str
) -> None:
    """The live score stands beside that of the test data; much below it, the version is doubted."""
    publish(local_data)
    with ReportLog(local_data) as log:
        log.answered("first", rows_like_training(200))
        truths = [("Plum", "Melon")[place % 2] for place in range(200)]
        log.label("first", ["Melon" if place < wrong * 2 else t for place, t in enumerate(truths)])
    page = report()
    assert page.verdicts() == [word]
    scores = {row[0]: row[1:] for row in page.table("score")}
    assert scores["accuracy"] == ["much worse" if wrong else "", accuracy, accuracy, "0.9", ""]


def test_traffic_is_that_of_the_log(report: Report, local_data: Path) -> None:
    """Requests, rows and outcomes are counted, version by version."""
    publish(local_data)
    with ReportLog(local_data) as log:
        log.answered("first", rows_like_training(30))
        log.answered("second", rows_like_training(10), hours=2)
        log.answered("third", rows_like_training(5), "v0", hours=3)
    page = report()
    assert page.table("model", "version", "requests") == [
        ["fruit", "v0", "1", "5", "11.1 %"],
        ["fruit", "v1", "2", "40", "88.9 %"],
    ]
    assert "45 rows in 3 requests" in page.shown
    steps = page.table("from, UTC")
    assert sum(int(row[1]) for row in steps) == 45
    assert [row[2] for row in steps if row[1] != "0"] == ["4.08 ms"] * 3


def test_a_period_is_reported_alone(report: Report, local_data: Path) -> None:
    """What was before it and after it counts for nothing, drift and labels included."""
    publish(local_data)
    with ReportLog(local_data) as log:
        log.answered("before", HEAVY, hours=0)
        log.answered("within", rows_like_training(200), hours=2)
        log.answered("after", HEAVY, hours=4)
        log.label("after", ["Grape"] * 200)
    page = report("--since", "2026-11-21T13:00", "--until", "2026-11-21T16:00Z")
    assert "200 rows in 1 request," in page.shown
    assert page.verdicts() == ["So far, yes"]
    assert report("--since", "2026-11-21T15:00").verdicts() == ["Not now"]


def test_models_and_versions_have_a_section_each(
    report: Report, local_data: Path, store: FileModelStore
) -> None:
    """The one that answered last is first; options leave some out."""
    for names in (("v1", "fruit"), ("v2", "fruit"), ("v1", "berry")):
        publish(local_data, *names)
    store.promote("fruit", "v2")
    with ReportLog(local_data) as log:
        log.answered("a", rows_like_training(150))
        log.answered("b", HEAVY, "v2", hours=1)
        log.answered("c", rows_like_training(10), model="berry", hours=2)

    def chapters(*options: str) -> list[str]:
        return re.findall(r'<h2 id="version-\d+">([^<]+)<', report(*options).text)

    assert chapters() == ["berry v1", "fruit v2", "fruit v1"]
    assert chapters("--model", "fruit") == ["fruit v2", "fruit v1"]
    assert chapters("--model", "fruit", "--version", "champion") == ["fruit v2"]
    assert chapters("--version", "v1") == ["berry v1", "fruit v1"]


def test_versions_that_serve_stand_first_the_worst_before_all(
    report: Report, local_data: Path, store: FileModelStore
) -> None:
    """One that no alias names is marked: whether it can be trusted now, nobody asks."""
    for version in ("v1", "v2", "v3"):
        publish(local_data, version)
    store.promote("fruit", "v1")
    store.promote("fruit", "v2", alias="challenger")
    with ReportLog(local_data) as log:
        log.answered("bad, gone", HEAVY, "v3")
        log.answered("bad", HEAVY, "v1", hours=1)
        log.answered("good", rows_like_training(150), "v2", hours=2)
    page = report()
    assert page.verdicts() == ["Not now", "So far, yes", "Not now"]
    names = re.findall(r'href="#version-\d+">([^<]+)<', page.text)
    assert names == ["fruit v1 (champion)", "fruit v2 (challenger)", "fruit v3 (not served now)"]


def test_a_report_of_a_part_is_not_what_the_service_shows(mlops: Mlops, local_data: Path) -> None:
    """It has a name of its own, whatever narrows it."""
    publish(local_data)
    with ReportLog(local_data) as log:
        log.answered("first", rows_like_training(30))
    for option in (("--since", "2026-11-21"), ("--model", "fruit"), ("--version", "v1")):
        path = Path(mlops("report", *option).stdout.strip())
        assert path.name.endswith("Z_part.html")
    assert ReportFolder(local_data).newest() is None
    mlops("report")
    assert ReportFolder(local_data).newest()


def test_an_unknown_model_or_version_has_no_report(
    mlops: Mlops, local_data: Path, store: FileModelStore
) -> None:
    """A sentence names what there is, in the store or in the log alone."""
    publish(local_data)
    store.promote("fruit", "v1")
    with ReportLog(local_data) as log:
        log.answered("first", rows_like_training(30), "v0", model="gone")
    result = mlops("report", "--model", "nope")
    assert result.exit_code == Exit.NOT_FOUND
    assert "no model nope; known: fruit, gone." in result.stderr
    result = mlops("report", "--model", "fruit", "--version", "v0")
    assert result.exit_code == Exit.NOT_FOUND
    assert "no version v0; known: champion, v1." in result.stderr
    assert not (local_data / "reports").exists()


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    """So is a device: neither becomes a file."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write(pipe, "a page")
    assert pipe.is_fifo()
    assert os.read(reader, 100) == b"a page"
    os.close(reader)


def test_evidently_has_no_place_beside_a_pipe(mlops: Mlops, tmp_path: Path) -> None:
    """Beside a device, that is."""
    os.mkfifo(tmp_path / "pipe")
    result = mlops("report", "-o", str(tmp_path / "pipe"), "--evidently")
    assert result.exit_code == Exit.USAGE
    assert "no place beside it" in result.stderr


@pytest.mark.parametrize(
    "moment", ["yesterday", "0001-01-01T00:00+14:00", "9999-12-31T23:00-05:00"]
)
def test_a_moment_that_is_none_is_a_sentence(mlops: Mlops, moment: str) -> None:
    """It says how one is written; also of one that is none in UTC."""
    result = mlops("report", "--since", moment)
    assert result.exit_code == Exit.USAGE
    assert "2026-11-21" in result.stderr


def test_without_a_log_it_says_so(mlops: Mlops, local_data: Path) -> None:
    """Nothing is written."""
    result = mlops("report")
    assert result.exit_code == Exit.FAILED
    assert "no prediction log" in result.stderr
    assert not (local_data / "reports").exists()
