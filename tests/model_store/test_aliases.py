"""Aliases move with a record of every move, back through what they had, and never half."""

import os
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest

from model_store.aliases import Aliases
from model_store.errors import InvalidNameError, NotFoundError, RefusedError
from model_store.file_store import FileModelStore
from tests.model_store.conftest import DraftLine


def moved(*moves: str) -> list[str]:
    """Return where the champion stands after each move: a version, or `<` for a rollback."""
    aliases, stands = Aliases(), []
    for move in moves:
        if move == "<":
            aliases = aliases.rolled_back("champion", time="", reason="")
        else:
            aliases = aliases.promoted("champion", move, time="", reason="")
        stands.append(aliases.current["champion"])
    return stands


@pytest.mark.parametrize(
    ("moves", "stands"),
    [
        ("ab<", "aba"),
        ("abc<<", "abcba"),
        ("ab<c<", "abaca"),
        ("abc<d<<", "abcbdba"),
        ("aba<", "abab"),
        ("ab<b<", "ababa"),
    ],
)
def test_a_rollback_goes_to_the_version_before_and_again_to_the_one_before_that(
    moves: str, stands: str
) -> None:
    """Rolling back twice does not return to what was rolled back first."""
    assert moved(*moves) == list(stands)


@pytest.mark.parametrize("moves", ["<", "a<", "ab<<", "abc<<<"])
def test_there_is_nothing_before_the_first_version(moves: str) -> None:
    """The sentence says so, and to promote one instead."""
    with pytest.raises(NotFoundError, match="no version before"):
        moved(*moves)


def test_aliases_have_histories_of_their_own() -> None:
    """Rolling back the champion goes past the challenger's moves."""
    aliases = Aliases()
    for alias, version in (("champion", "a"), ("challenger", "b"), ("champion", "c")):
        aliases = aliases.promoted(alias, version, time="", reason="")
    assert aliases.rolled_back("champion", time="", reason="").current == {
        "champion": "a",
        "challenger": "b",
    }


def test_a_store_without_aliases_has_none(store: FileModelStore, version: str) -> None:
    """A model that was only published is no error."""
    assert version
    assert store.aliases("line") == Aliases()


def test_every_move_is_recorded_with_its_time_and_reason_and_who_made_it(
    store: FileModelStore,
    version: str,
    draft_line: DraftLine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An auditor reads which version answered when, why, and by whose hand."""
    monkeypatch.setenv("LOGNAME", "ada")
    other = store.publish(draft_line(slope=3.0))
    store.promote("line", version, reason="first")
    store.promote("line", other, reason="better")
    store.rollback("line", reason="worse")
    aliases = store.aliases("line")
    assert aliases.current == {"champion": version}
    assert [(m.action, m.alias, m.source, m.target, m.reason) for m in aliases.history] == [
        ("promote", "champion", None, version, "first"),
        ("promote", "champion", version, other, "better"),
        ("rollback", "champion", other, version, "worse"),
    ]
    assert {move.time for move in aliases.history} == {"2026-11-21T12:00:00Z"}
    assert {move.who.partition("@")[0] for move in aliases.history} == {"ada"}


def test_a_history_from_before_names_nobody() -> None:
    """It is read, and says so."""
    text = b'{"aliases": {"champion": "v1"}, "history": [{"time": "", "alias": "champion", '
    text += b'"action": "promote", "from": null, "to": "v1", "reason": "first"}]}'
    assert Aliases.of_text(text).history[0].who == ""


def test_a_promotion_to_the_same_version_changes_nothing(
    store: FileModelStore, version: str
) -> None:
    """So promoting twice leaves one version to roll back to."""
    store.promote("line", version)
    before = store.fingerprint()
    store.promote("line", version)
    assert store.fingerprint() == before
    assert len(store.aliases("line").history) == 1


def test_the_fingerprint_differs_whenever_an_alias_moved(
    store: FileModelStore, version: str, draft_line: DraftLine
) -> None:
    """Publishing alone leaves it as it is: the service need not reload."""
    seen = [store.fingerprint()]
    other = store.publish(draft_line(slope=3.0))
    assert store.fingerprint() == seen[0]
    for target in [version, other] * 10:
        store.promote("line", target)
        seen.append(store.fingerprint())
    assert all(before != after for before, after in pairwise(seen))
    assert hash(seen[-1])


def test_an_alias_never_points_to_an_absent_or_damaged_version(
    store: FileModelStore, version: str, folder: Path
) -> None:
    """The old version goes on answering."""
    with pytest.raises(NotFoundError, match="no version other"):
        store.promote("line", "other")
    (folder / "model.skops").write_bytes(b"")
    with pytest.raises(RefusedError, match=r"model\.skops"):
        store.promote("line", version)
    assert store.aliases("line") == Aliases()


def test_a_rollback_to_a_version_that_is_gone_moves_nothing(
    store: FileModelStore, version: str, folder: Path, draft_line: DraftLine
) -> None:
    """The present version is better than none."""
    other = store.publish(draft_line(slope=3.0))
    store.promote("line", version)
    store.promote("line", other)
    folder.rename(folder.with_name(".gone"))
    with pytest.raises(NotFoundError, match=f"no version {version}"):
        store.rollback("line")
    assert store.aliases("line").current == {"champion": other}


@pytest.mark.parametrize("alias", ["", "../x", ".hidden", "a" * 200, "Ü"])
def test_an_alias_has_a_safe_name(alias: str, store: FileModelStore, version: str) -> None:
    """It is shown in paths, metrics and tables."""
    with pytest.raises(InvalidNameError, match="alias name"):
        store.promote("line", version, alias=alias)
    with pytest.raises(InvalidNameError, match="alias name"):
        store.rollback("line", alias=alias)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"aliases": {"champion": "a"',
        b'{"aliases": {"champion": 1}, "history": []}',
        b'{"aliases": {"champion": "\xff"}}',
        b'{"aliases": {"champion": "../../outside"}, "history": []}',
        b'{"aliases": {"champion": "/etc"}, "history": []}',
        b'{"aliases": {"../x": "a"}, "history": []}',
        b'{"unknown": 1}',
        b"[" * 100_000,
    ],
)
def test_damaged_aliases_are_refused_and_left_for_repair(
    text: bytes, store: FileModelStore, version: str, folder: Path
) -> None:
    """A promotion over a damaged file would lose its history."""
    path = folder.with_name("aliases.json")
    path.write_bytes(text)
    with pytest.raises(RefusedError, match=r"aliases\.json .*: restore it, or delete it"):
        store.aliases("line")
    with pytest.raises(RefusedError):
        store.promote("line", version)
    assert path.read_bytes() == text


def test_aliases_that_are_no_plain_file_are_refused_and_never_waited_for(
    store: FileModelStore, version: str, folder: Path
) -> None:
    """The service polls them once a second."""
    path = folder.with_name("aliases.json")
    os.mkfifo(path)
    for use in (store.aliases, store.rollback, lambda model: store.promote(model, version)):
        with pytest.raises(RefusedError, match="no plain file"):
            use("line")
    path.unlink()
    path.symlink_to(folder / "card.md")
    with pytest.raises(RefusedError, match="is a link"):
        store.aliases("line")
    path.unlink()
    path.touch()
    os.truncate(path, 2**30)
    with pytest.raises(RefusedError, match="1073741824 bytes"):
        store.aliases("line")
    assert store.models() == ["line"]
    assert hash(store.fingerprint())


def test_an_alias_of_a_missing_version_is_read_and_refused_when_loaded(
    store: FileModelStore, version: str, folder: Path
) -> None:
    """Other aliases of the model must not suffer."""
    store.promote("line", version)
    folder.rename(folder.with_name(".gone"))
    missing = store.aliases("line").current["champion"]
    assert store.models() == ["line"]
    with pytest.raises(NotFoundError, match=f"no version {version}"):
        store.load("line", missing)


def test_many_who_move_aliases_at_once_lose_no_move(
    store: FileModelStore, version: str, draft_line: DraftLine
) -> None:
    """Each reads, changes and replaces the whole file, one at a time."""
    other = store.publish(draft_line(slope=3.0))

    def move(alias: str) -> None:
        for target in [version, other] * 5:
            store.promote("line", target, alias=alias)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(move, ["a", "b", "c", "d"]))
    aliases = store.aliases("line")
    assert len(aliases.history) == 40
    assert aliases.current == dict.fromkeys("abcd", other)


def test_so_many_aliases_are_allowed_and_no_more(
    store: FileModelStore, version: str, folder: Path
) -> None:
    """A file with more is refused as a whole; each would be an event, and a version to load."""
    path = folder.parent / "aliases.json"
    allowed = {f"a{n}": version for n in range(100)}
    path.write_bytes(Aliases(allowed).text())
    assert len(store.aliases("line").current) == 100
    with pytest.raises(RefusedError, match="100 aliases, and more are not allowed"):
        store.promote("line", version, alias="one-more")
    path.write_bytes(Aliases({f"a{n}": version for n in range(20_000)}).text())
    with pytest.raises(RefusedError, match=r"aliases\.json has more than 100"):
        store.aliases("line")


def test_the_history_keeps_the_newest_moves() -> None:
    """So that the file stays small, whoever moves an alias every minute; reasons are cut."""
    aliases = Aliases()
    for number in range(1_010):
        aliases = aliases.promoted("a", f"v{number}", time="", reason="r" * 5_000)
    assert [len(aliases.history), aliases.history[0].target] == [1_000, "v10"]
    assert len(aliases.history[-1].reason) == 1_000
    assert aliases.rolled_back("a", time="", reason="").current == {"a": "v1008"}
