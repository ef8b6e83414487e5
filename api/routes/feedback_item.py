"""What `POST /feedback` takes, and `mlops feedback` sends."""

from typing import Annotated

import msgspec

from model_store.schema.row_decoder import MAX_STRING
from model_store.schema.signature import MOST_OUTPUTS

Value = Annotated[str, msgspec.Meta(max_length=MAX_STRING)] | int | float | bool


class FeedbackItem(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One true value: of row `row`, counted from 0, of the request that had this id."""

    request_id: Annotated[str, msgspec.Meta(max_length=128)]
    row: Annotated[int, msgspec.Meta(ge=0)]
    value: (
        Annotated[str, msgspec.Meta(max_length=MAX_STRING)]
        | int
        | float
        | bool
        | Annotated[dict[str, Value], msgspec.Meta(min_length=1, max_length=MOST_OUTPUTS)]
    )
    """Of a model of several outputs, an object of them by name; some may follow later."""
