"""An array is watched by four numbers: they see what changes, and what is new to training."""

import base64
from typing import Any

import numpy as np
import pytest

from monitoring.array_summaries import SUMMARIES, ArraySummaries
from monitoring.statistics import profile

RANDOM = np.random.default_rng(7)


def pictures(rows: int, dtype: str = "uint8") -> np.ndarray:
    """Return pictures of a bright bar, upright, somewhere: `(rows, 8, 8)`."""
    made = RANDOM.integers(0, 20, (rows, 8, 8))
    for place, column in enumerate(RANDOM.integers(0, 8, rows)):
        made[place, :, column] += 200
    return made.astype(dtype)


SEEN = pictures(300)
FITTED = ArraySummaries.fit(SEEN, "uint8")


def named(arrays: np.ndarray) -> dict[str, float]:
    """Return the mean of each summary of some arrays."""
    return dict(zip(SUMMARIES, FITTED(arrays).mean(axis=1).tolist(), strict=True))


def test_mean_and_deviation_are_those_of_the_numbers() -> None:
    """Of all numbers of an array together."""
    found = named(np.arange(64, dtype="uint8").reshape(1, 8, 8))
    assert found["mean"] == 31.5
    assert found["deviation"] == pytest.approx(np.arange(64).std())


def test_what_training_had_nothing_of_is_rebuilt_badly() -> None:
    """Bars that lie have the mean and the deviation of bars that stand."""
    usual, lying = named(pictures(200)), named(pictures(200).transpose(0, 2, 1))
    assert lying["mean"] == pytest.approx(usual["mean"], rel=0.01)
    assert lying["residual"] > 3 * usual["residual"]


def test_what_is_too_plain_is_rebuilt_too_well() -> None:
    """A picture without noise has a smaller error than any of training: that is drift as well."""
    plain = np.full((5, 8, 8), 10, "uint8")
    plain[:, :, 3] += 200
    assert named(plain)["residual"] < FITTED(pictures(200))[3].min()


def test_what_is_far_from_training_has_a_distance() -> None:
    """Along the directions of training, where it can be rebuilt."""
    assert named(SEEN)["distance"] < 1.5
    two_bars = pictures(50, "int64") + pictures(50, "int64")
    assert named(two_bars)["distance"] > 1.2 * named(SEEN)["distance"]


def test_a_logged_array_has_the_summaries_of_itself() -> None:
    """Read from base64; a missing one is NaN throughout; another text is none."""
    row = SEEN[:1]
    text = base64.b64encode(row.tobytes()).decode()
    found = FITTED.read([text, None])
    assert found[:, 0].tolist() == FITTED(row)[:, 0].tolist()
    assert np.isnan(found[:, 1]).all()
    for wrong in ("AAAA", "?", 5, [1]):
        with pytest.raises(ValueError, match=r"array|base64|padding"):
            FITTED.read([wrong])  # type: ignore[list-item]


@pytest.mark.parametrize("rows", [1, 2, 3, 10])
def test_few_rows_have_summaries_too(rows: int) -> None:
    """Without directions there is a mean alone, and all that differs from it is left over."""
    found = ArraySummaries.fit(pictures(rows), "uint8")(pictures(4))
    assert found.shape == (4, 4)
    assert np.isfinite(found).all()


def test_equal_rows_and_vast_numbers_have_finite_summaries() -> None:
    """An infinite number would stand for a hash in a window."""
    equal = ArraySummaries.fit(np.full((50, 4), 7.0), "float64")
    vast = np.array([[1.7e308] * 4, [-1.7e308] * 4, [7.0] * 4])
    assert np.isfinite(equal(vast)).all()
    assert np.isfinite(ArraySummaries.fit(vast.repeat(9, 0), "float64")(vast)).all()


def test_a_long_array_has_a_small_basis() -> None:
    """Neighbours are averaged: a bundle need not hold sixteen pictures in full."""
    found = ArraySummaries.fit(RANDOM.random((20, 50_001)), "float64")
    assert found.components.shape[1] <= 4096
    assert found(RANDOM.random((3, 50_001))).shape == (4, 3)


@pytest.mark.parametrize(
    "wrong",
    [{"dtype": "object"}, {"shape": []}, {"pooled": 0}, {"scales": ""}, {"center": "AAAAAA=="}],
)
def test_a_damaged_basis_is_refused(wrong: dict[str, Any]) -> None:
    """A bundle may come from anywhere."""
    with pytest.raises(ValueError, match="array"):
        ArraySummaries.of_profile(FITTED.profile() | wrong)


def test_a_profile_has_the_summaries_of_rows_that_made_no_basis() -> None:
    """Rows that the components were made of look better than new ones: a false alarm later."""
    arrays = np.concatenate([pictures(400, "float64"), np.full((40, 8, 8), np.nan)])
    found = profile({"x": arrays}, {"x": "array"}, {"x": "uint8"})["x"]
    assert (found["kind"], found["count"]) == ("array", 440)
    summaries: Any = found["summaries"]
    assert list(summaries) == list(SUMMARIES)
    assert summaries["residual"]["missing"] == pytest.approx(40 / 440)
    median = summaries["residual"]["quantiles"]["0.5"]
    fitted = ArraySummaries.of_profile(found["basis"])  # type: ignore[arg-type]
    assert np.median(fitted(pictures(400, "float64"))[3]) == pytest.approx(median, rel=0.05)
