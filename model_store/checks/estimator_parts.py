"""Everything that an estimator holds, itself first."""

from collections.abc import Iterator
from typing import Any

import numpy as np

_MOST_PARTS = 1_000_000


def parts_of(estimator: Any) -> Iterator[Any]:
    """Yield everything that an estimator holds, itself first, each once.

    Raises:
        ValueError: it holds more than any model does.
    """
    seen: set[int] = set()
    waiting = [estimator]
    while waiting:
        part = waiting.pop()
        if id(part) in seen or isinstance(part, (str, bytes, int, float, complex, type(None))):
            continue
        seen.add(id(part))
        if len(seen) > _MOST_PARTS:
            raise ValueError("it has more parts than any model")
        if isinstance(part, dict):
            waiting += [*part.keys(), *part.values()]
        elif isinstance(part, (list, tuple, set, frozenset)):
            waiting += part
        elif isinstance(part, np.ndarray):
            waiting += part.ravel().tolist() if part.dtype.hasobject else []
        else:
            yield part
            waiting.append(getattr(part, "__dict__", None))
