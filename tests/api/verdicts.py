"""Decoder, explainer and rules must agree on whether a body is valid."""

from api.http.body_errors import Explainer
from api.http.problems import Problem
from model_store.schema.row_decoder import InvalidRowsError, RowDecoder
from model_store.schema.signature import Signature
from tests.api.body_rules import status_of
from tests.api.json_values import MAX_STRING

MAX_ROWS = 10_000
ACCEPTED = "The body does not fit the schema of this model."
"""What the explainer says when it finds nothing wrong; no refused body may get this answer."""


def explained(signature: Signature, body: bytes) -> Problem | None:
    """Return the problem that the explainer finds in a body; None if there is none."""
    problem = Explainer(signature, max_string=MAX_STRING).explain(body, MAX_ROWS)
    return None if problem.detail == ACCEPTED else problem


def is_accepted(decoder: RowDecoder, body: bytes) -> bool:
    """Return whether a decoder accepts a body."""
    try:
        decoder.decode(body)
    except InvalidRowsError:
        return False
    return True


def assert_one_verdict(signature: Signature, body: bytes) -> int:
    """Assert that all three agree on a body; return the status."""
    problem = explained(signature, body)
    status = status_of(signature, body, max_string=MAX_STRING)
    assert (problem.status if problem else 200) == status
    assert is_accepted(RowDecoder(signature, max_string=MAX_STRING), body) is (status == 200)
    return status
