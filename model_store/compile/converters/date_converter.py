"""Dates as ONNX graphs: microseconds since 1970, UTC, to the parts of the Gregorian calendar."""

from typing import Any

import numpy as np
from skl2onnx.common.data_types import DoubleTensorType, Int64TensorType

from model_store.compile.onnx_graph import DOUBLE, Graph, NotCompilableError

_HOUR, _DAY = 3_600_000_000, 86_400_000_000
_TO_MARCH_0 = 719_468
"""Days from 0000-03-01 to 1970-01-01. Years that begin in March end with their leap day."""
_MISSING = np.iinfo(np.int64).min
_PARTS = 5


def convert_date_parts(scope: Any, operator: Any, container: Any) -> None:
    """Convert columns of dates to five columns each: days since 1970, month, day, weekday, hour."""
    graph = Graph(scope, operator, container)
    if not isinstance(graph.input_type, Int64TensorType):
        raise NotCompilableError("It takes dates from a column that has none.")
    days = graph.node("Div", graph.cast(graph.rows, DOUBLE), graph.constant(float(_DAY)))
    count = _Integers(graph)
    # From here on nothing is negative, so that a division rounds down.
    moment = count.add(graph.rows, _TO_MARCH_0 * _DAY)
    date = count.divide(moment, _DAY)
    hour = count.divide(count.rest(moment, _DAY), _HOUR)
    weekday = count.rest(count.add(date, 2), 7)
    month, day = _month_and_day(count, date)
    numbers = [days, *(graph.cast(part, DOUBLE) for part in (month, day, weekday, hour))]
    last = graph.constant([2])
    parts = graph.node("Concat", *(graph.node("Unsqueeze", n, last) for n in numbers), axis=2)
    missing = graph.node("Equal", graph.rows, graph.constant(np.int64(_MISSING)))
    gaps = graph.node("Unsqueeze", missing, last)
    known = graph.node("Where", gaps, graph.constant(np.float64("nan")), parts)
    graph.finish(graph.node("Flatten", known, axis=1))


def date_parts_shape(operator: Any) -> None:
    """Declare to skl2onnx how wide the parts are."""
    width = operator.raw_operator.n_features_in_
    operator.outputs[0].type = DoubleTensorType([None, _PARTS * width])


class _Integers:
    """Arithmetic with constants, on tensors of int64."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    def add(self, name: str, number: int) -> str:
        return self.graph.node("Add", name, self.graph.constant(np.int64(number)))

    def times(self, name: str, number: int) -> str:
        return self.graph.node("Mul", name, self.graph.constant(np.int64(number)))

    def divide(self, name: str, number: int) -> str:
        return self.graph.node("Div", name, self.graph.constant(np.int64(number)))

    def less(self, name: str, other: str) -> str:
        return self.graph.node("Sub", name, other)

    def plus(self, name: str, other: str) -> str:
        return self.graph.node("Add", name, other)

    def rest(self, name: str, number: int) -> str:
        return self.less(name, self.times(self.divide(name, number), number))


def _month_and_day(count: _Integers, date: str) -> tuple[str, str]:
    """Return the month and the day of a date that is given in days since 0000-03-01."""
    # 400 years have 146,097 days, 100 mostly 36,524, 4 mostly 1,461, and five months from March
    # on have 153.
    of_cycle = count.rest(date, 146_097)
    fours, hundreds, whole = (count.divide(of_cycle, days) for days in (1_460, 36_524, 146_096))
    leapless = count.less(count.plus(count.less(of_cycle, fours), hundreds), whole)
    year = count.divide(leapless, 365)
    until = count.plus(count.times(year, 365), count.divide(year, 4))
    of_year = count.plus(count.less(of_cycle, until), count.divide(year, 100))
    from_march = count.divide(count.add(count.times(of_year, 5), 2), 153)
    before = count.divide(count.add(count.times(from_march, 153), 2), 5)
    day = count.add(count.less(of_year, before), 1)
    month = count.add(count.rest(count.add(from_march, 2), 12), 1)
    return month, day
