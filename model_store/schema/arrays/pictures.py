"""Arrays that a person can look at: those whose shape is that of a picture."""

import numpy as np

_FEWEST, _MOST = 4, 4096
"""Of pixels along a side; less is no picture, and more is no array of ours."""
_COLOURS = 3


def as_picture(array: np.ndarray) -> np.ndarray | None:
    """Return an array as gray pixels, `(height, width)`, or in colour, `(height, width, 3)`.

    None where its shape is no picture's. One channel, or three, may come first or last.
    """
    shape = array.shape
    if len(shape) == 3 and shape[0] in {1, _COLOURS} and shape[2] not in {1, _COLOURS}:  # noqa: PLR2004 - axes
        array = np.moveaxis(array, 0, -1)
    if array.ndim == 3 and array.shape[2] == 1:  # noqa: PLR2004
        array = array[:, :, 0]
    is_picture = array.ndim == 2 or (array.ndim == 3 and array.shape[2] == _COLOURS)  # noqa: PLR2004
    if not is_picture or not all(_FEWEST <= side <= _MOST for side in array.shape[:2]):
        return None
    return array


def in_grays(picture: np.ndarray, least: float, greatest: float) -> np.ndarray:
    """Return a picture as bytes, uint8: 0 for the least number and 255 for the greatest."""
    spread = greatest - least
    with np.errstate(over="ignore", invalid="ignore"):
        shares = (picture.astype(np.float64) - least) / (spread if spread > 0 else 1.0)
    return np.asarray((np.nan_to_num(shares).clip(0, 1) * 255).round().astype(np.uint8))
