"""Which rows are the random sample: those whose labels may speak for all rows.

It is decided by a row's number alone, before anybody looks at it. Were it decided among the rows
that are left after hard ones were taken for labelling, the sample would hold too many easy ones.
"""

from hashlib import blake2b

_ONE_IN = 3


def in_sample(sequence: int, row: int) -> bool:
    """Return whether a row of the request with this number belongs to the sample: a third does.

    The log stores the answer with each label, so another rule would need another format.
    """
    digest = blake2b(b"%d/%d" % (sequence, row), digest_size=8).digest()
    return int.from_bytes(digest) % _ONE_IN == 0
