"""papermill and nbclient without what they import and nobody uses here."""

# That is 45 MB for Hadoop's file system, and 20 MB and a second for a grammar of addresses, in the
# process that only waits while kernels train.
from ml_pipe.runner.source.slim_import import without

with without("pyarrow"), without("rfc3987_syntax"):
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.exceptions import PapermillExecutionError

__all__ = ["CellTimeoutError", "DeadKernelError", "PapermillExecutionError", "papermill"]
