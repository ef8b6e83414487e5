"""Events are JSON lines, and no exception's message is among them."""

import json
import logging
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest

from api.observe.structured_log import ForwardingHandler, StructuredLog, make_structured_log
from tests.api.conftest import GoneStream


@pytest.fixture
def stream() -> BytesIO:
    """Return what is written to."""
    return BytesIO()


@pytest.fixture
def events(stream: BytesIO) -> StructuredLog:
    """Return an event log of level `info`."""
    return make_structured_log("info", stream)


@pytest.fixture
def library(events: StructuredLog) -> Iterator[logging.Logger]:
    """Return the logger of a library that knows nothing of us."""
    logger = logging.Logger("library.part")  # noqa: LOG001 - of nobody else
    logger.addHandler(ForwardingHandler(events))
    yield logger
    logger.handlers.clear()


def lines(stream: BytesIO) -> list[dict[str, Any]]:
    """Return the events."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def failure() -> ValueError:
    """Return an exception that was raised, with a message that quotes a value."""
    try:
        float("xyzzy")
    except ValueError as error:
        return error
    raise AssertionError


def test_an_event_is_one_line_of_json(events: StructuredLog, stream: BytesIO) -> None:
    """With its time in UTC, its level and its name; line ends within are escaped."""
    events.info("model-loaded", model="a\nb", version="v\N{MELON}")
    (line,) = lines(stream)
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "info",
        "event": "model-loaded",
        "model": "a\nb",
        "version": "v\N{MELON}",
    }
    assert stream.getvalue().count(b"\n") == 1


def test_less_severe_events_are_left_out(events: StructuredLog, stream: BytesIO) -> None:
    """The level is a setting."""
    events.debug("unseen")
    events.warning("seen")
    assert [line["event"] for line in lines(stream)] == ["seen"]


def test_an_exception_is_told_by_type_and_place(events: StructuredLog, stream: BytesIO) -> None:
    """Its message may quote a value, so it is not."""
    events.error("batch-failed", exc_info=failure())
    (line,) = lines(stream)
    assert line["exception"] == "ValueError"
    assert line["place"][-1].startswith("test_structured_log.py:")
    assert line["place"][-1].endswith(" failure")
    assert "xyzzy" not in stream.getvalue().decode()


def test_what_json_does_not_know_is_told_as_text(events: StructuredLog, stream: BytesIO) -> None:
    """Telling must not fail."""
    events.info("odd", thing=object)
    assert lines(stream)[0]["thing"] == "<class 'object'>"


def test_what_libraries_log_becomes_an_event(library: logging.Logger, stream: BytesIO) -> None:
    """With the library's name and level, and the first line of its text, without its arguments."""
    library.warning("%d things are wrong\nsecond line", 3)
    (line,) = lines(stream)
    assert line["level"] == "warning"
    assert (line["event"], line["logger"]) == ("library", "library.part")
    assert line["message"] == "%d things are wrong"


def test_an_exception_that_a_library_logs_has_no_message(
    library: logging.Logger, stream: BytesIO
) -> None:
    """Nor a traceback, which would hold it."""
    library.error("Exception in ASGI application\n", exc_info=failure())
    (line,) = lines(stream)
    assert line["message"] == "Exception in ASGI application"
    assert line["exception"] == "ValueError"
    assert "xyzzy" not in stream.getvalue().decode()


def test_two_event_logs_do_not_share_a_level_or_a_stream(stream: BytesIO) -> None:
    """Two services live in one process."""
    other = BytesIO()
    quiet, loud = make_structured_log("error", stream), make_structured_log("debug", other)
    quiet.info("a")
    loud.info("b")
    assert (lines(stream), [line["event"] for line in lines(other)]) == ([], ["b"])


@pytest.mark.parametrize(
    ("level", "message", "told"),
    [
        (logging.WARNING, "", "warning"),
        (logging.WARNING, "%d", "warning"),
        (logging.WARNING + 5, "%s", "warning"),
        (logging.CRITICAL + 5, "%s", "critical"),
    ],
)
def test_telling_what_a_library_logs_never_raises(
    library: logging.Logger, stream: BytesIO, level: int, message: str, told: str
) -> None:
    """An empty message, a wrong format, a level of its own: the library must not pay for it."""
    library.log(level, message, "xyzzy")
    (line,) = lines(stream)
    assert (line["level"], line["message"]) == (told, message)


def test_a_traceback_that_a_library_logs_as_text_is_left_out(
    library: logging.Logger, stream: BytesIO
) -> None:
    """As of a start that failed, by uvicorn: the text would hold the exception's message."""
    library.error('Traceback (most recent call last):\n  File "x"\nValueError: xyzzy')
    assert stream.getvalue() == b""


def test_a_stream_that_cannot_be_written_stops_nobody() -> None:
    """Standard output may be gone, or closed."""
    closed = BytesIO()
    closed.close()
    for stream in (GoneStream(), closed):
        make_structured_log("info", stream).info("unheard")
