"""What these tests share with those of the service, of the command and of the log."""

from tests.api.conftest import published
from tests.mlops.conftest import local_data, publish, store
from tests.monitoring.conftest import new_entry, new_log, path

__all__ = ["local_data", "new_entry", "new_log", "path", "publish", "published", "store"]
