"""How many connections and files a process may have open."""

import resource

ENOUGH = 65_536


def raise_file_limit() -> None:
    """Raise the soft limit as far as the hard one lets: the usual 1,024 are a few slow callers."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = ENOUGH if hard == resource.RLIM_INFINITY else min(ENOUGH, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
