"""What of a prediction may be stored: all, hashes, or nothing, and never a personal value."""

import hmac
import json
import re
from collections.abc import Mapping, Sequence

import msgspec

from monitoring.log.options import LogOptions

_NOTHING: frozenset[str] = frozenset()
BESIDE_OUTPUTS = frozenset({"probabilities", "top"})
"""What an answer holds besides its outputs, and what reveals them: all are protected together."""
# In whole, as a caller's own text may begin like a hash.
_HASH = re.compile("hmac:[0-9a-f]{64}")


def is_hash(value: object) -> bool:
    """Return whether a logged value is a digest that `Privacy.digest` wrote in place of a value."""
    return isinstance(value, str) and _HASH.fullmatch(value) is not None


def json_text(value: object) -> str:
    """Return the JSON text of a value, keys in their order, without a space to spare."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class Privacy:
    """Turns what was received and answered into what is stored.

    A missing value (null) stays null: it is no value, and the share of missing ones can be watched.
    """

    def __init__(self, options: LogOptions) -> None:
        self._keep = options.keep
        self._personal = options.personal_fields
        self._key = options.key

    def digest(self, name: str, value: object) -> str:
        """Return what stands in the log for a value of a column: search for it to find a person.

        Equal numbers have equal digests, however they were written (5, 5.0, 5e0); equal values
        of different columns have different ones.
        """
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        message = json.dumps([name, value], sort_keys=True).encode()
        return "hmac:" + hmac.digest(self._key, message, "sha256").hex()

    def inputs(self, body: bytes) -> bytes | None:
        """Return the text to store for a request's JSON body, None to store nothing.

        Raises:
            ValueError: Values must be hidden, and the body is no JSON of row objects.
        """
        return self._stored(body, _NOTHING)

    def outputs(self, answer: bytes) -> bytes | None:
        """Return the text to store for an answer's JSON text, as `inputs` does."""
        return self._stored(answer, BESIDE_OUTPUTS)

    def feedback(self, outputs: Sequence[str], value: object) -> str:
        """Return the JSON text to store for a true value of a model with these outputs.

        The value is an object by output name, or the value of the one output.
        """
        if self._keep == "none":
            return json_text(None)
        if isinstance(value, Mapping):
            row = self._row(value, self._personal, BESIDE_OUTPUTS)
            return json_text(dict(sorted(row.items())))
        # The outputs of a model that was never declared may be personal: rather hidden than shown.
        names = outputs or [""]
        if self._keep == "hashed":
            hidden: str | None = names[0]
        elif self._personal:
            hidden = next((name for name in names if not name or name in self._personal), None)
        else:
            hidden = None
        if hidden is None or value is None:
            return json_text(value)
        return json_text(self.digest(hidden, value))

    def detail(self, value: object) -> object:
        """Return an event's detail without personal values, at any depth."""
        if isinstance(value, Mapping):
            return {
                name: self.digest(name, item)
                if name in self._personal and item is not None
                else self.detail(item)
                for name, item in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.detail(item) for item in value]
        return value

    def _stored(self, text: bytes, beside: frozenset[str]) -> bytes | None:
        if self._keep == "none":
            return None
        if self._keep == "full" and not self._personal:
            # SQLite before 3.45 finds no key that was written with escapes: undo them.
            if b"\\" in text:
                return msgspec.json.encode(msgspec.json.decode(text))
            if not text.isascii():
                # For its error alone: SQLite stores any bytes as a text.
                text.decode()
            return text
        document = json.loads(text)
        if isinstance(document, list):
            rows = [self._row(row, self._personal, beside) for row in document]
            return json_text(rows).encode()
        return json_text(self._row(document, self._personal, beside)).encode()

    def _row(
        self, row: Mapping[str, object], personal: frozenset[str], beside: frozenset[str]
    ) -> dict[str, object]:
        if self._keep == "hashed":
            personal = frozenset(row)
        elif not personal.isdisjoint(row):
            personal |= beside
        return {
            name: self.digest(name, value) if name in personal and value is not None else value
            for name, value in row.items()
        }
