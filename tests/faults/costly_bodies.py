"""Bad bodies for the model `sum` that try to cost a service as much as they can."""

LARGEST = 2_097_152
"""The default of `predict_max_body_bytes`."""

_ROW = b'{"a":1,"b":2}'


def _filled(unit: bytes, before: bytes = b"", after: bytes = b"") -> bytes:
    """Return as many units as a body can hold."""
    return before + unit * ((LARGEST - len(before) - len(after)) // len(unit)) + after


def _members(count: int) -> bytes:
    return b",".join(b'"k%d":1' % number for number in range(count))


def _rows(*rows: bytes) -> bytes:
    return b"[" + b",".join(rows) + b"]"


NAMED: dict[str, bytes] = {
    "empty": b"",
    "truncated": _ROW[:-1],
    "trailing comma": b"[" + _ROW + b",]",
    "NaN": b'{"a":NaN,"b":2}',
    "1e400": b'{"a":1e400,"b":2}',
    "an integer of 5,000 digits": b'{"a":' + b"9" * 5_000 + b',"b":2}',
    "a key twice": b'{"a":1,"b":2,"b":2}',
    "a lone surrogate": b'{"a":"\\ud800","b":2}',
    "UTF-16": _ROW.decode().encode("utf-16"),
    "binary": bytes(range(256)),
    "depth 500": b"[" * 500 + b"]" * 500,
    "depth 100,000": b"[" * 100_000,
    "depth 100,000, closed": b"[" * 100_000 + b"]" * 100_000,
    "a key of 64 KB": b'{"a":1,"b":2,"' + b"k" * 65_536 + b'":1}',
    "10,000 unknown keys": b'{"a":1,"b":2,' + _members(10_000) + b"}",
    "1,000 rows, the last one bad": _rows(*[_ROW] * 999, b"[]"),
}
"""Bodies that anybody may send: the long ones of `BAD_INPUT.md`."""

LONG: dict[str, bytes] = {
    "brackets": _filled(b"["),
    "brackets, closed": b"[" * (LARGEST // 2) + b"]" * (LARGEST // 2),
    "braces": _filled(b'{"a":'),
    "quotes": _filled(b'"'),
    "a key very often": _filled(b'"b":2,', b'{"a":1,', b'"b":2}'),
    "unknown keys": b'{"a":1,"b":2,' + _members(150_000) + b"}",
    "numbers": _filled(b"0,", b"[", b"0]"),
    "empty rows": _filled(b"{},", b"[", b"{}]"),
    "a list for a number": _filled(b"1,", b'{"b":2,"a":[', b"1]}"),
    "an object for a number": b'{"b":2,"a":{' + _members(150_000) + b"}}",
    "digits": _filled(b"9", b'{"b":2,"a":', b"}"),
    "zeros after a point": _filled(b"0", b'{"b":2,"a":0.', b"1x}"),
    "an escape very often": _filled(b"\\u00e9", b'{"b":2,"a":"', b'"}'),
    "spaces": _filled(b" ", b"", b"x"),
    "nested rows": _rows(*[b'{"a":[[[[[[[[{}]]]]]]]]}'] * 9_000),
    "10,000 rows, the last one bad": _rows(*[_ROW] * 9_999, b'{"a":1,"b":null}'),
    "10,000 bad rows": _rows(*[b'{"a":null}'] * 10_000),
}
"""Bodies of the greatest length or number of rows; each costs another part of the service."""
