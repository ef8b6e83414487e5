"""Sets how many threads the numerical libraries may start, before they are loaded.

Left alone they start one a core of the host, whatever the container may use of it.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

_ours: set[str] = set()
"""Those that `use_one_thread` has set."""

VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def use_one_thread() -> None:
    """Let this process compute in one thread, unless its environment says otherwise.

    A service's batches are too small to be shared: two threads answered the iris example at 0.5 to
    0.8 of the rate of one.
    """
    for name in VARIABLES:
        if name not in os.environ:
            os.environ[name] = "1"
            _ours.add(name)


@contextmanager
def threads_for_training() -> Iterator[None]:
    """Let processes that are started meanwhile use all processors of this container.

    What the environment itself says stays.
    """
    # It knows the quotas of containers; it takes long to import, and only a training needs it.
    from joblib import cpu_count  # noqa: PLC0415

    os.environ.update(dict.fromkeys(_ours, str(cpu_count())))
    try:
        yield
    finally:
        os.environ.update(dict.fromkeys(_ours, "1"))
