"""Whether a body is good, as the decoder, the explainer and the rules say: all three the same."""

from api.http.body_errors import Explainer
from api.http.problems import Problem
from model_store.schema.row_decoder import InvalidRowsError, RowDecoder
from model_store.schema.signature import Signature
from tests.api.body_rules import status_of
from tests.api.json_values import MAX_STRING

MAX_ROWS = 10_000
ACCEPTED = "The body does not fit the schema of this model."
"""What the explainer says when it finds nothing wrong; no refused body may be told this."""


def explained(signature: Signature, body: bytes) -> Problem | None:
    """Return what the explaining model has against a body; None if nothing."""
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
    """See that all three say the same of a body; return the status."""
    problem = explained(signature, body)
    status = status_of(signature, body, max_string=MAX_STRING)
    assert (problem.status if problem else 200) == status
    assert is_accepted(RowDecoder(signature, max_string=MAX_STRING), body) is (status == 200)
    return status
