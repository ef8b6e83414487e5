"""Single rows of the log, and the spans in which they are searched."""

from pathlib import Path

from monitoring.feedback.logged_rows import read_rows
from monitoring.feedback.reader import FeedbackReader
from monitoring.log.span import Span
from monitoring.windows.reader import Cursor, WindowReader
from tests.monitoring.feedback.labelled_log import FRUIT, LabelledLog, fruits, sure


def test_rows_are_found_by_their_places(tmp_path: Path) -> None:
    """They come in the order asked for; missing rows are left out."""
    with LabelledLog(tmp_path / "log.sqlite") as log:
        log.answered("first", *fruits("PM"))
        log.answered("second", *fruits("M"))
        found = read_rows(log.path, [(2, 0), (1, 1), (1, 2), (9, 0)])
    assert [(row.request_id, row.row, row.inputs, row.answer) for row in found] == [
        ("second", 0, {"x": 0}, {"fruit": "Melon"}),
        ("first", 1, {"x": 1}, {"fruit": "Melon"}),
    ]


def test_a_log_that_keeps_no_values_has_no_rows(tmp_path: Path) -> None:
    """There is nothing to show."""
    with LabelledLog(tmp_path / "log.sqlite", keep="none") as log:
        log.answered("first", *fruits("PM"))
        assert read_rows(log.path, [(1, 0)]) == []


def test_a_span_limits_what_is_read(tmp_path: Path) -> None:
    """Windows, labels and probabilities are those of its requests, both ends within."""
    with LabelledLog(tmp_path / "log.sqlite") as log:
        for name, share in (("first", 0.6), ("second", 0.7), ("third", 0.8), ("fourth", 0.9)):
            log.answered(name, sure("Plum", share))
            log.label(name, "Plum")
        span = Span(2, 3)
        labels = FeedbackReader(log.path, span)
        labelled = labels.labelled(FRUIT.model, FRUIT.version, 10)
        answers = labels.newest_answers(FRUIT.model, FRUIT.version, 10)
        window = WindowReader(log.path, FRUIT.model, FRUIT.version, span=span)
        requests = window.read(Cursor(), 10).requests
    assert [(row.sequence, row.row) for row in labelled] == [(3, 0), (2, 0)]
    assert [answer["probabilities"]["Plum"] for answer in answers] == [0.8, 0.7]
    assert [request.sequence for request in requests] == [2, 3]
