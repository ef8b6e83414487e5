"""Which true values and answers can be compared."""

from collections.abc import Mapping, Sequence
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


def usable_rows(
    rows: Sequence[LabelledRow], output: str, task: Task, *, named: bool = False
) -> list[LabelledRow]:
    """Return the rows that can be scored, in their order.

    Of a classifier's rows that are partly in clear and partly hashed only those of the newest
    one's form are: else each class would count twice, under two names.

    Args:
        rows: Labelled rows, the newest first.
        output: The name of the output that was labelled.
        task: What kind of answers they are. Of a regression both must be numbers.
        named: Whether a true value must name the output, as where there are several.
    """
    rows = [of_output(row, output) for row in rows if not named or isinstance(row.truth, Mapping)]
    if task == "regression":
        return [row for row in rows if is_number(row.truth) and is_number(row.answer.get(output))]
    found = [row for row in rows if comparable(row.truth, row.answer.get(output))]
    return [row for row in found if is_hash(row.truth) == is_hash(found[0].truth)]


def of_output(row: LabelledRow, output: str) -> LabelledRow:
    """Return a row with the true value of one output, where it holds those of several by name."""
    is_several = isinstance(row.truth, Mapping)
    return row._replace(truth=row.truth.get(output)) if is_several else row


def label(value: Any) -> str:
    """Return a class as the text that names it among probabilities."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def is_number(value: Any) -> bool:
    """Return whether a JSON value is a number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)
