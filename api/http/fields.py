"""The header fields of a request, by name."""

from collections.abc import Iterable, Mapping

Fields = Mapping[bytes, bytes]
"""Values by names in lower case, as they are on the wire."""


def header_fields(headers: Iterable[tuple[bytes, bytes]]) -> Fields:
    """Return fields by name.

    Several values of one field are joined as RFC 9110 says, so that a field which may stand once
    has a value that nothing accepts. Where they are equal, the field has this value.
    """
    headers = list(headers)
    fields = dict(headers)
    if len(fields) < len(headers):
        for name in fields:
            values = dict.fromkeys(value for known, value in headers if known == name)
            fields[name] = b", ".join(values)
    return fields
