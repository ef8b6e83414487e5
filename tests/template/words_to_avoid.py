"""Words that readers stumble over, and what to write instead: the field's own terms, plainly."""

import re
from typing import NamedTuple


class Word(NamedTuple):
    """A word to avoid."""

    pattern: re.Pattern[str]
    instead: str


def _word(pattern: str, instead: str) -> Word:
    return Word(re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE), instead)


WORDS = (
    _word(r"tells?|told|telling", "logs, returns, publishes, reports, shows, notifies"),
    _word(r"seed (?:system|template)", "nothing: no reader knows what it is"),
    _word(r"belongs? into", "is set in, is in"),
    _word(r"shall", "must, may, will"),
    _word(r"how manieth", "which"),
    _word(r"none of them twice", "each once"),
    _word(r"of fewer(?: rows)?", "below this many rows"),
    _word(r"the most (?:requests|rows|bytes|people|jobs)\b[^.|]*\bthat", "maximum number of"),
    _word(r"looked at|looks at itself|watches itself", "monitored, computed, updated"),
    _word(
        r"watchers?|the watch|model_watcher", "monitor; model reloader; whoever watches: name them"
    ),
    _word(r"the gate", "auth, roles; of a candidate: a check"),
    _word(r"the engine", "the batcher; of containers: Docker"),
    _word(r"lanes?", "batch queue"),
    _word(r"(?:a|the|its|stdout) turn", "lock; order"),
    _word(r"rosters?", "worker table"),
    _word(r"chores?", "background tasks"),
    _word(r"pace", "latency estimate"),
    _word(r"journals?", "audit log"),
    _word(r"(?:an|the) exchange", "a request and its answer; fast response"),
    _word(r"manieth", "which"),
)
