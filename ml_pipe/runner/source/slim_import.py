"""Imports without optional packages that cost memory and that nobody uses here."""

import contextlib
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def without(package: str) -> Iterator[None]:
    """Let what is imported in this block do without a package, unless it was imported already."""
    is_needed = package in sys.modules
    if not is_needed:
        # So is a package that is not there.
        sys.modules[package] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        if not is_needed:
            del sys.modules[package]
