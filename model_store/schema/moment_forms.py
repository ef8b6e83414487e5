"""Forms of datetimes: patterns of `strptime`, read strictly and alike on every machine.

`strptime` itself takes month names from the machine's locale and digits of any script, and splits
`2024111` as it can. Here names are English, digits ASCII, and numbers that touch have all digits.

| directive          | reads                                            |
| ------------------ | ------------------------------------------------ |
| `%Y`, `%y`         | year of 4 digits, or of 2: 69 to 99 are 1969 on  |
| `%m`, `%b`, `%B`   | month: number, `Jan`, `January`, in any case     |
| `%d`               | day of the month                                 |
| `%a`, `%A`         | weekday, `Mon`, `Monday`: read over              |
| `%H`, `%I` + `%p`  | hour of 24, or of 12 with AM or PM               |
| `%M`, `%S`, `%f`   | minute, second, fraction: up to 9 digits, 6 used |
| `%z`               | offset: `Z`, `+01:00`, `+0100`                   |
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July", "August", "September"),
    *("October", "November", "December"),
)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_PATTERNS = {
    "Y": "[0-9]{4}",
    "y": "[0-9]{2}",
    "B": "|".join(_MONTHS),
    "b": "|".join(name[:3] for name in _MONTHS),
    "A": "|".join(_DAYS),
    "a": "|".join(name[:3] for name in _DAYS),
    "p": "AM|PM",
    "f": "[0-9]{1,9}",
    "z": "Z|[+-][0-9]{2}:?[0-9]{2}",
}
_PADDED = frozenset("mdHIMS")
_NUMBERS = _PADDED | frozenset("Yyf")
_SAME = ("Yy", "mbB", "aA", "HI")
"""Directives of which a form has one at most."""
_SPECIAL = re.compile(r"[.^$*+?()\[\]{}|\\]")
_GROUP_NAME = re.compile(r"\?P<\w>")
_LONGEST = 64
_LAST_OF_2000 = 68


class MomentForm:
    """One form, compiled.

    Raises:
        ValueError: it is no form of a datetime; the sentence says what to do.
    """

    def __init__(self, form: str) -> None:
        self.form = form
        self.parts = tuple(_parts(form))
        """Directives by their letter, and the texts between them."""
        directives = [letter for letter, _ in self.parts if letter]
        _check(form, directives)
        pieces = []
        for index, (letter, text) in enumerate(self.parts):
            if letter in _PADDED:
                digits = "{2}" if self._touches_digits(index) else "{1,2}"
                pieces.append(f"(?P<{letter}>[0-9]{digits})")
            elif letter:
                pieces.append(f"(?P<{letter}>{_PATTERNS[letter]})")
            else:
                pieces.append(re.sub(" +", " +", _SPECIAL.sub(r"\\\g<0>", text)))
        named = "".join(pieces)
        self._pattern = re.compile(named, re.ASCII | re.IGNORECASE)
        self.pattern = f"^{_GROUP_NAME.sub('', named)}$"
        """A regular expression that JSON Schema knows; names begin with a capital in it."""

    def read(self, text: str) -> datetime | None:
        """Return the moment, with a zone only where the form has an offset; None: another form."""
        found = self._pattern.fullmatch(text)
        if not found:
            return None
        has = found.groupdict()
        try:
            return datetime(
                _year(has),
                _month(has),
                int(has.get("d", 1)),
                _hour(has),
                int(has.get("M", 0)),
                int(has.get("S", 0)),
                int(has.get("f", "0")[:6].ljust(6, "0")),
                _offset(has.get("z")),
            )
        except ValueError:
            return None

    def write(self, moment: datetime) -> str:
        """Return a moment in this form."""
        written = []
        for letter, text in self.parts:
            if letter == "Y":
                # The platform's own has no leading zeros.
                written.append(f"{moment.year:04}")
            elif letter in {"b", "B"}:
                name = _MONTHS[moment.month - 1]
                written.append(name[:3] if letter == "b" else name)
            elif letter in {"a", "A"}:
                name = _DAYS[moment.weekday()]
                written.append(name[:3] if letter == "a" else name)
            elif letter == "p":
                written.append("AM" if moment.hour < 12 else "PM")  # noqa: PLR2004 - noon
            elif letter == "z":
                written.append("Z")
            else:
                written.append(moment.strftime(f"%{letter}") if letter else text)
        return "".join(written)

    def _touches_digits(self, index: int) -> bool:
        before = self.parts[index - 1] if index else (None, "")
        after = self.parts[index + 1] if index + 1 < len(self.parts) else (None, "")
        return (
            before[0] in _NUMBERS
            or after[0] in _NUMBERS
            or before[1][-1:].isdigit()
            or after[1][:1].isdigit()
        )


@lru_cache(maxsize=256)
def moment_form(form: str) -> MomentForm:
    """Return a form, compiled once.

    Raises:
        ValueError: it is no form of a datetime; the sentence says what to do.
    """
    return MomentForm(form)


def _parts(form: str) -> Iterator[tuple[str | None, str]]:
    """Yield the letter of each directive, and the texts between directives."""
    if len(form) > _LONGEST or not form.isprintable():
        raise ValueError(f"a form has at most {_LONGEST} characters, all of them printable")
    for text in re.findall("%.?|[^%]+", form):
        if text == "%%":
            yield None, "%"
        elif text.startswith("%"):
            if text[1:] not in _PATTERNS and text[1:] not in _PADDED:
                known = " ".join(f"%{letter}" for letter in "YymbBdaAHIpMSfz")
                raise ValueError(f"{text!r} is no directive of a form: use {known}")
            yield text[1:], ""
        else:
            yield None, text


def _check(form: str, directives: list[str]) -> None:
    for group in (*_SAME, *directives):
        if sum(letter in group for letter in directives) > 1:
            names = " or ".join(f"%{letter}" for letter in group)
            raise ValueError(f"the form {form!r} has {names} twice: each stands once")
    has = set(directives)
    if not has & set("Yy") or ("d" in has and not has & set("mbB")):
        raise ValueError(f"the form {form!r} is no date: it needs a year, and a month for its day")
    if ("I" in has) is not ("p" in has):
        raise ValueError(f"the form {form!r} needs %I and %p together, or %H")


def _year(has: dict[str, str]) -> int:
    if "Y" in has:
        return int(has["Y"])
    year = int(has["y"])
    return year + (2000 if year <= _LAST_OF_2000 else 1900)


def _month(has: dict[str, str]) -> int:
    name = (has.get("b") or has.get("B") or "").title()
    if name:
        return next(n for n, month in enumerate(_MONTHS, 1) if month.startswith(name))
    return int(has.get("m", 1))


def _hour(has: dict[str, str]) -> int:
    if "I" not in has:
        return int(has.get("H", 0))
    hour = int(has["I"])
    if not 1 <= hour <= 12:  # noqa: PLR2004 - a clock's face
        raise ValueError
    return hour % 12 + (12 if has["p"].lower() == "pm" else 0)


def _offset(text: str | None) -> timezone | None:
    if text is None:
        return None
    if text in {"z", "Z"}:
        return UTC
    minutes = int(text[-2:])
    if minutes > 59:  # noqa: PLR2004 - an hour's last minute
        raise ValueError
    offset = timedelta(hours=int(text[1:3]), minutes=minutes)
    return timezone(-offset if text[0] == "-" else offset)
