"""Only names that are safe as file names get near a path; version ids always are."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_store.errors import InvalidNameError
from model_store.names import checked_name, is_name
from model_store.versions import another_version, new_version

NOW = datetime(2026, 11, 21, 10, 15, tzinfo=UTC)
UNSAFE = [
    "",
    ".",
    "..",
    "../x",
    "a/b",
    "/etc",
    ".hidden",
    "-x",
    "_x",
    "Zürich",
    "a b",
    "a\n",
    "a\0",
]


@pytest.mark.parametrize("name", [*UNSAFE, "a" * 129, "a" * 200])
def test_an_unsafe_name_is_refused_without_being_repeated(name: str) -> None:
    """It may come from a caller."""
    with pytest.raises(InvalidNameError, match=r"^That model name cannot be used"):
        checked_name("model", name)


@pytest.mark.parametrize("name", ["a", "7", "iris", "a.b_c-D", "a..b", "a" * 128])
def test_a_safe_name_is_returned(name: str) -> None:
    """Up to 128 characters."""
    assert checked_name("model", name) == name


def test_a_version_contains_time_branch_head_and_setup() -> None:
    """Its form is fixed."""
    version = new_version(NOW, "main", "1a2b3c4d5e6f", "setup-1a")
    assert version == "20261121T101500Z_main_1a2b3c4_setup-1a"


def test_a_version_contains_the_time_in_utc() -> None:
    """So versions sort by time wherever they were made."""
    there = NOW.astimezone(timezone(timedelta(hours=9)))
    assert new_version(there, "main", "", "").startswith("20261121T101500Z_")


def test_unknown_branch_and_head_have_a_word() -> None:
    """A table without git makes versions too."""
    assert new_version(NOW, "", "", "") == "20261121T101500Z_nogit_nogit_default"


@given(st.text(max_size=200), st.text(max_size=200), st.text(max_size=200))
def test_every_version_is_a_safe_name(branch: str, head: str, setup: str) -> None:
    """The name of the branch does not matter."""
    version = new_version(NOW, branch, head, setup)
    assert is_name(version)
    assert is_name(another_version(version, 12))


def test_another_version_differs_even_where_the_name_is_as_long_as_it_may_be() -> None:
    """The number is not what is cut."""
    version = new_version(NOW, "b" * 200, "", "")
    assert len({version, another_version(version, 2), another_version(version, 3)}) == 3
