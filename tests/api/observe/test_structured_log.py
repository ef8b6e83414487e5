"""Events are JSON lines, without the messages of exceptions."""

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
    """Return the stream that the structured log writes to."""
    return BytesIO()


@pytest.fixture
def events(stream: BytesIO) -> StructuredLog:
    """Return a structured log of level `info`."""
    return make_structured_log("info", stream)


@pytest.fixture
def library(events: StructuredLog) -> Iterator[logging.Logger]:
    """Return the logger of a library that knows nothing of the service."""
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
    """It has its time in UTC, its level and its name; line ends within it are escaped."""
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


def test_an_exception_is_logged_by_type_and_place(events: StructuredLog, stream: BytesIO) -> None:
    """Its message may quote a value, so it is left out."""
    events.error("batch-failed", exc_info=failure())
    (line,) = lines(stream)
    assert line["exception"] == "ValueError"
    assert line["place"][-1].startswith("test_structured_log.py:")
    assert line["place"][-1].endswith(" failure")
    assert "xyzzy" not in stream.getvalue().decode()


def test_values_that_json_does_not_know_are_logged_as_text(
    events: StructuredLog, stream: BytesIO
) -> None:
    """Logging must not fail."""
    events.info("odd", thing=object)
    assert lines(stream)[0]["thing"] == "<class 'object'>"


def test_a_record_of_a_library_becomes_an_event(library: logging.Logger, stream: BytesIO) -> None:
    """It has the library's name, its level and the first line of its text without arguments."""
    library.warning("%d things are wrong\nsecond line", 3)
    (line,) = lines(stream)
    assert line["level"] == "warning"
    assert (line["event"], line["logger"]) == ("library", "library.part")
    assert line["message"] == "%d things are wrong"


def test_an_exception_that_a_library_logs_has_no_message(
    library: logging.Logger, stream: BytesIO
) -> None:
    """It has no traceback either, which would hold the message."""
    library.error("Exception in ASGI application\n", exc_info=failure())
    (line,) = lines(stream)
    assert line["message"] == "Exception in ASGI application"
    assert line["exception"] == "ValueError"
    assert "xyzzy" not in stream.getvalue().decode()


def test_two_structured_logs_do_not_share_a_level_or_a_stream(stream: BytesIO) -> None:
    """Two services can live in one process."""
    other = BytesIO()
    quiet, loud = make_structured_log("error", stream), make_structured_log("debug", other)
    quiet.info("a")
    loud.info("b")
    assert (lines(stream), [line["event"] for line in lines(other)]) == ([], ["b"])


@pytest.mark.parametrize(
    ("level", "message", "logged"),
    [
        (logging.WARNING, "", "warning"),
        (logging.WARNING, "%d", "warning"),
        (logging.WARNING + 5, "%s", "warning"),
        (logging.CRITICAL + 5, "%s", "critical"),
    ],
)
def test_logging_a_record_of_a_library_never_raises(
    library: logging.Logger, stream: BytesIO, level: int, message: str, logged: str
) -> None:
    """That holds for an empty message, a wrong format and an unknown level."""
    library.log(level, message, "xyzzy")
    (line,) = lines(stream)
    assert (line["level"], line["message"]) == (logged, message)


def test_a_traceback_that_a_library_logs_as_text_is_left_out(
    library: logging.Logger, stream: BytesIO
) -> None:
    """Uvicorn logs one after a failed start: the text would hold the exception's message."""
    library.error('Traceback (most recent call last):\n  File "x"\nValueError: xyzzy')
    assert stream.getvalue() == b""


def test_a_stream_that_cannot_be_written_stops_nobody() -> None:
    """Standard output may be closed or its reader gone."""
    closed = BytesIO()
    closed.close()
    for stream in (GoneStream(), closed):
        make_structured_log("info", stream).info("unheard")


def test_a_line_commands_no_terminal(events: StructuredLog, stream: BytesIO) -> None:
    """It may quote what a store holds; a script reads the very same value."""
    reason = "\x1b[2J \x9b31m \u202egnp.exe \u2066 Zürich 東京 \U0001f600"
    events.error("refused", reason=reason)
    text = stream.getvalue().decode()
    assert [c for c in text if not c.isprintable() and c != "\n"] == []
    assert "Zürich 東京" in text
    assert lines(stream)[0]["reason"] == reason
