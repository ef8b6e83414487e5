"""Which true values and answers can be compared."""

from collections.abc import Sequence
from typing import Any, Literal

from monitoring.feedback.reader import LabelledRow
from monitoring.log.privacy import is_hash

Task = Literal["classification", "regression", "anomaly-detection", "clustering"]


def comparable(truth: Any, answer: Any) -> bool:
    """Return whether a true class and an answered one can be compared.

    Two hashes can: equal classes have equal ones. A hash and a class cannot, as where the settings
    of privacy changed between prediction and label.
    """
    values = (truth, answer)
    return all(isinstance(v, str | int | float) for v in values) and is_hash(truth) == is_hash(
        answer
    )


def usable_rows(rows: Sequence[LabelledRow], output: str, task: Task) -> list[LabelledRow]:
    """Return the rows that can be scored, in their order.

    Of a classifier's rows that are partly in clear and partly hashed only those of the newest
    one's form are: else each class would count twice, under two names.

    Args:
        rows: Labelled rows, the newest first.
        output: The name of the output that was labelled.
        task: What kind of answers they are. Of a regression both must be numbers.
    """
    if task == "regression":
        return [row for row in rows if _is_number(row.truth) and _is_number(row.answer.get(output))]
    found = [row for row in rows if comparable(row.truth, row.answer.get(output))]
    return [row for row in found if is_hash(row.truth) == is_hash(found[0].truth)]


def label(value: Any) -> str:
    """Return a class as the text that names it among probabilities."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
