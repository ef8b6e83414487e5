"""The estimate from probabilities equals scikit-learn's calibration and NannyML's estimate."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from monitoring.feedback.confidence import (
    SMALLEST_CALIBRATION,
    Calibration,
    Isotonic,
    expected_scores,
)
from monitoring.feedback.scores import Labels, Numbers

CLASSES = ("a", "b", "c")
SHARES = st.sampled_from([number / 20 for number in range(21)])


@given(st.lists(st.tuples(SHARES, st.booleans()), min_size=1), st.lists(SHARES, min_size=1))
def test_the_fit_is_scikit_learns(points: list[tuple[float, bool]], asked: list[float]) -> None:
    """That holds for ties, between its points, and outside of them."""
    x, y = (np.array(side, dtype=np.float64) for side in zip(*points, strict=True))
    expected = IsotonicRegression(out_of_bounds="clip").fit(x, y).predict(asked)
    assert Isotonic.fit(x, y)(np.array(asked)) == pytest.approx(expected)


def too_sure(rows: int, first: int) -> tuple[Labels, Numbers]:
    """Return truths and the probabilities of a model that is surer than it should be.

    Without a random number, so that NannyML could be given the same rows.
    """
    number = np.arange(rows) + first
    logits = np.stack([2 * np.sin(number * f + o) for f, o in ((0.7, 0), (1.3, 1), (2.1, 2))], 1)
    honest, stated = (np.exp(factor * logits) for factor in (1, 2.5))
    draw = number * 0.6180339887498949 % 1
    honest /= honest.sum(axis=1, keepdims=True)
    truth = (draw[:, np.newaxis] > honest.cumsum(axis=1)).sum(axis=1)
    return np.array(CLASSES)[truth], stated / stated.sum(axis=1, keepdims=True)


def test_the_estimate_is_nannymls() -> None:
    """Computed once by NannyML 0.13.1 on these rows: `CBPE`, several classes, one chunk.

    Not by NannyML here: it brings two gigabytes. Of the 500 rows 68.4 % were answered right, so the
    probabilities promise too much (83.0 %), and calibrated ones hardly (69.0 %).
    """
    truth, shares = too_sure(1000, first=0)
    _, later = too_sure(500, first=1000)
    answers = later.argmax(axis=1)
    uncalibrated = expected_scores(later, answers)
    assert uncalibrated == pytest.approx(
        {"accuracy": 0.8299023334733256, "f1_macro": 0.8299008923421769}, rel=1e-9
    )
    calibration = Calibration.fit(truth, CLASSES, shares)
    assert calibration
    assert expected_scores(calibration(later), answers) == pytest.approx(
        {"accuracy": 0.6900768626914282, "f1_macro": 0.6899638323545877}, rel=1e-9
    )


def test_too_few_labelled_rows_calibrate_nothing() -> None:
    """The steps of the fit would follow single rows."""
    truth, shares = too_sure(SMALLEST_CALIBRATION - 1, first=0)
    assert Calibration.fit(truth, CLASSES, shares) is None


def test_a_class_that_never_came_true_stays_as_it_is() -> None:
    """Its rows teach nothing; the others' shares are brought to a sum of 1 with it."""
    rows = SMALLEST_CALIBRATION
    truth = np.array(["a", "b"] * (rows // 2))
    calibration = Calibration.fit(truth, CLASSES, np.full((rows, 3), 1 / 3))
    assert calibration
    assert calibration.functions[2] is None
    # a and b each came true in one of two rows; c keeps its third.
    assert calibration(np.full((1, 3), 1 / 3)) == pytest.approx(
        np.array([[0.375, 0.375, 0.25]]), rel=1e-9
    )


def test_where_no_class_is_left_nothing_is_known() -> None:
    """Each class then has the same share."""
    nothing = Isotonic(np.array([0.0, 1.0]), np.array([0.0, 0.0]))
    assert Calibration((nothing, nothing))(np.array([[0.5, 0.5]])).tolist() == [[0.5, 0.5]]
