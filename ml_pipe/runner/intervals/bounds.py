"""An interval that is asked for, as columns of the signature."""

from msgspec.structs import replace

from ml_pipe.runner.errors import TableError
from model_store.manifest import Task
from model_store.schema.signature import Column, Interval, Kind, Signature


def with_bounds(signature: Signature, coverage: float, task: Task) -> Signature:
    """Return a signature whose output has a lower and an upper bound beside it.

    Args:
        signature: of one output.
        coverage: the share of true values that should lie within; 0: no interval is asked for.
        task: only amounts have an interval.

    Raises:
        TableError: there can be no such interval, or the table has columns of these names.
    """
    if not coverage:
        return signature
    if not 0 < coverage < 1:
        raise TableError(
            f"There is no interval={coverage:g}: name the share of true values that should lie "
            "within, as in interval=0.9."
        )
    if task == "classification" or len(signature.outputs) > 1:
        raise TableError(
            "interval= is for a regression of one target: labels have probabilities instead, and "
            "of several targets each needs a model of its own."
        )
    (output,) = signature.outputs
    names = [f"{output.name}_lower", f"{output.name}_upper"]
    if taken := [column.name for column in signature.inputs if column.name in names]:
        raise TableError(
            f'The interval would be answered as "{taken[0]}", and the table has such a column: '
            f"leave it out (leave_out={taken[0]}), or rename it."
        )
    bounds = (Column(name=name, kind=Kind.NUMBER, unit=output.unit) for name in names)
    interval = Interval(of=output.name, lower=names[0], upper=names[1], coverage=coverage)
    return replace(signature, outputs=(output, *bounds), interval=interval)
