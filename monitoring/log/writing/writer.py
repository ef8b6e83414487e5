"""What writes the prediction log, wherever that happens: in this process or in another."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from monitoring.log.database.views import ViewColumn
from monitoring.log.writing.batch import Entry
from monitoring.log.writing.leases import Lease
from monitoring.log.writing.true_values import Feedback, Verdict


class LogWriter(Protocol):
    """A prediction log as who writes it sees it; `PredictionLog` says what each method does.

    Every method may be called from any thread, blocks until it is done, and raises
    `LogUnavailableError` where the log can't be written.
    """

    @property
    def path(self) -> Path:
        """The database file, as `LogReader` takes it."""
        ...

    @property
    def writes_at_once(self) -> bool:
        """Whether a write now would wait for no other thread, and for no disk."""
        ...

    def write(self, entries: Sequence[Entry]) -> None:
        """Log these requests in one transaction."""
        ...

    def kept(self, entry: Entry) -> dict[str, str | int | None]:
        """Return what the log would keep of a request."""
        ...

    def event(self, kind: str, detail: Mapping[str, object], *, is_condition: bool = False) -> None:
        """Log what the service did, or a condition that it met, which is counted if it repeats."""
        ...

    def add_feedback(self, items: Iterable[Feedback]) -> list[Verdict]:
        """Store true values and return what became of each."""
        ...

    def lease(self, wanted: Sequence[Lease], count: int, seconds: float) -> list[int]:
        """Give free rows out for labelling; return their places in `wanted`."""
        ...

    def add_business_metrics(self, values: Mapping[str, float]) -> None:
        """Store what the client's system measured."""
        ...

    def declare(self, model: str, columns: Sequence[ViewColumn]) -> None:
        """Make the view `rows_<model>` show these columns."""
        ...

    def close(self) -> None:
        """Write no more."""
        ...
