"""What a PromQL query asks for: its series selectors, found without running it."""

import re

_STRING = r'"(?:[^"\\]|\\.)*"'
_PARTS = re.compile(
    rf"""
    {_STRING}
    | \[[^\]]*\]                                 # a range
    | \b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)  # labels, not metrics
    | (?<![\w:.])(?P<name>[a-zA-Z_:][\w:]*)(?![\w:])
      (?!\s*(?:\(|by\b|without\b))               # what is called is a function or an aggregation
      (?P<labels>\{{(?:[^{{}}"]|{_STRING})*\}})?
    """,
    re.VERBOSE,
)
_WORDS = {"and", "or", "unless", "offset", "bool", "inf", "nan"}


def selectors(expression: str) -> list[str]:
    """Return the series selectors of a query, as `name{label="value"}`, without their ranges."""
    return [
        part["name"] + (part["labels"] or "")
        for part in _PARTS.finditer(expression)
        if part["name"] and part["name"].lower() not in _WORDS
    ]


def metric_name(selector: str) -> str:
    """Return the name of the metric that a selector asks for."""
    return selector.partition("{")[0]
