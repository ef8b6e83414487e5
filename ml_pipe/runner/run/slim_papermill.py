"""papermill without what it imports for Hadoop's file system, which nobody uses here.

That is 45 MB, in the process that only waits while kernels train.
"""

import sys

_IS_NEEDED = "pyarrow" in sys.modules
if not _IS_NEEDED:
    sys.modules["pyarrow"] = None  # type: ignore[assignment]  # so is a module that is not there
try:
    import papermill
    from papermill.exceptions import PapermillExecutionError
finally:
    if not _IS_NEEDED:
        del sys.modules["pyarrow"]

__all__ = ["PapermillExecutionError", "papermill"]
