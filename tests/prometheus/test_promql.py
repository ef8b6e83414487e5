"""The selectors of a query are found; otherwise a misspelt metric would go unnoticed."""

import pytest

from tests.prometheus.promql import metric_name, selectors

EXPRESSIONS = {
    "up == 0": ["up"],
    "a / b < 0.1": ["a", "b"],
    "a:b_total > 1.2 * 86400": ["a:b_total"],
    'sum by (job, le) (rate(a_bucket{route=~".*/p{1,2}", status=~"5.."}[5m])) > 0.05': [
        'a_bucket{route=~".*/p{1,2}", status=~"5.."}'
    ],
    'a and on (job) b{alias="by (c)"}': ["a", 'b{alias="by (c)"}'],
    "(a unless a offset 5m) or on (job) up offset 5m == 1": ["a", "a", "up"],
    "histogram_quantile(0.99, sum(a))": ["a"],
    "1 - sum(a) / (sum(b) > 0) or vector(0)": ["a", "b"],
}


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_selectors_are_distinguished_from_functions_words_and_labels(expression: str) -> None:
    """They keep their labels, whatever text these hold."""
    assert selectors(expression) == EXPRESSIONS[expression]


def test_a_selector_has_a_name() -> None:
    """It has one with labels and without."""
    assert [metric_name(s) for s in ("a", 'a{b="c"}')] == ["a", "a"]
