"""A thread writes the lines, so a reader that stalls or leaves does not delay the service."""

import json
import os

from api.observe.structured_log import MAX_LINES, BackgroundStream


def test_lines_come_out_whole_and_in_order() -> None:
    """Every line written before the end arrives."""
    read, write = os.pipe()
    stream = BackgroundStream(write)
    for number in range(100):
        stream.write(b"%d\n" % number)
    stream.close()
    os.close(write)
    with os.fdopen(read, "rb") as output:
        assert output.read().split() == [b"%d" % number for number in range(100)]


def test_a_reader_that_stalls_delays_nobody_and_gets_the_number_of_dropped_lines() -> None:
    """A full pipe fills the queue; lines beyond it are dropped, counted and reported."""
    read, write = os.pipe()
    stream = BackgroundStream(write)
    line = b"x" * 1_000 + b"\n"
    for _ in range(2 * MAX_LINES):
        stream.write(line)  # returns, though nobody reads
    with os.fdopen(read, "rb") as output:
        lines = [output.readline() for _ in range(MAX_LINES + 1)]
        stream.close()
        os.close(write)
        lines += output.readlines()
    # More than one where the pipe took a line between two that were dropped.
    reports = [json.loads(text) for text in lines if text != line]
    assert {event["event"] for event in reports} == {"lines-dropped"}
    dropped = sum(event["lines"] for event in reports)
    assert 0 < dropped <= 2 * MAX_LINES - (len(lines) - len(reports))


def test_a_reader_that_has_left_is_no_error() -> None:
    """As with `mlops serve | head`, the service goes on without its events."""
    read, write = os.pipe()
    os.close(read)
    stream = BackgroundStream(write)
    stream.write(b"one\n")
    stream.write(b"two\n")
    stream.close()
    os.close(write)
