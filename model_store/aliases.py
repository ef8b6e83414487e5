"""Aliases: which version a name stands for, and every move that it made."""

from typing import Literal

import msgspec

from model_store.errors import NotFoundError, RefusedError
from model_store.names import is_name

CHAMPION = "champion"
"""The alias of the version that answers."""


_MOST_ALIASES = 100
_MOST_MOVES = 1_000
"""Of the history, the newest are kept; what is older has its event in the log."""
_MOST_READ = 100_000
_MOST_CHARACTERS = 1_000


class Move(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One move of an alias."""

    time: str
    """RFC 3339, UTC."""
    alias: str
    action: Literal["promote", "rollback"]
    source: str | None = msgspec.field(name="from")
    """None for the first move."""
    target: str = msgspec.field(name="to")
    reason: str = ""
    who: str = ""
    """The account and machine that moved it; empty: a version of the template that kept none."""


class Aliases(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What stands in `aliases.json`."""

    current: dict[str, str] = msgspec.field(name="aliases", default_factory=dict)
    """The version that each alias stands for."""
    history: tuple[Move, ...] = ()
    """Every move, the first one first."""

    @classmethod
    def of_text(cls, text: bytes) -> "Aliases":
        """Read `aliases.json`.

        Raises:
            RefusedError: it is damaged, or holds a name that is not safe.
        """
        try:
            aliases = msgspec.json.decode(text, type=cls)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise RefusedError(
                f"aliases.json is damaged ({error}): restore it, or delete it and promote one."
            ) from error
        if len(aliases.current) > _MOST_ALIASES or len(aliases.history) > _MOST_READ:
            raise RefusedError(
                f"aliases.json has more than {_MOST_ALIASES} aliases, or more than {_MOST_READ} "
                "moves: restore it, or delete it and promote a version."
            )
        if not all(map(is_name, (*aliases.current, *aliases.current.values()))):
            raise RefusedError(
                "aliases.json holds a name that is not safe: restore it, or delete it and promote "
                "a version."
            )
        return aliases

    def text(self) -> bytes:
        """Return what to write to `aliases.json`."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2)

    def promoted(
        self, alias: str, version: str, *, time: str, reason: str, who: str = ""
    ) -> "Aliases":
        """Return the aliases after one was given to a version."""
        return self._moved(alias, "promote", version, time=time, reason=reason, who=who)

    def rolled_back(self, alias: str, *, time: str, reason: str, who: str = "") -> "Aliases":
        """Return the aliases after one went back to the version that it had before.

        Raises:
            NotFoundError: there was none before.
        """
        held = self._held(alias)
        if len(held) < 2:  # noqa: PLR2004 - now, and before
            raise NotFoundError(
                f"The alias {alias} has no version before the one it has: promote one."
            )
        return self._moved(alias, "rollback", held[-2], time=time, reason=reason, who=who)

    def _held(self, alias: str) -> list[str]:
        """Return the versions an alias can go back through, the present one last."""
        held: list[str] = []
        for move in self.history:
            if move.alias != alias:
                continue
            # What was rolled back is done with: to roll back again goes further back.
            if move.action == "rollback" and held:
                held.pop()
            else:
                held.append(move.target)
        return held

    def _moved(  # noqa: PLR0913 - what a move is made of
        self,
        alias: str,
        action: Literal["promote", "rollback"],
        version: str,
        *,
        time: str,
        reason: str,
        who: str,
    ) -> "Aliases":
        if alias not in self.current and len(self.current) >= _MOST_ALIASES:
            raise RefusedError(
                f"The model has {_MOST_ALIASES} aliases, and more are not allowed: use one of them."
            )
        move = Move(
            time=time,
            alias=alias,
            action=action,
            source=self.current.get(alias),
            target=version,
            reason=reason[:_MOST_CHARACTERS],
            who=who[:_MOST_CHARACTERS],
        )
        history = (*self.history, move)[-_MOST_MOVES:]
        return Aliases({**self.current, alias: version}, history)
