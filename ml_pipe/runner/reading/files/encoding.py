"""The encoding of a text file: UTF-8 where it can be, else the likeliest, named with a sample."""

import codecs
import re

from charset_normalizer import from_bytes

from ml_pipe.runner.errors import TableError
from ml_pipe.runner.reading.options import ReadingOptions

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_UNICODE_MARKS = tuple(mark for mark, _ in _MARKS[1:])
_PART = 4_000_000
_FEW = 0.02
"""Of the bytes beyond ASCII: fewer bad ones are accidents in UTF-8, more are another encoding."""
_CANDIDATES = ("cp1251", "koi8_r", "cp1250", "cp1253", "cp1254", "shift_jis", "gb18030", "euc_kr")
"""What files in other alphabets are mostly written in, for who must choose."""
_CERTAIN = 0.5
"""How much of a guess must be words of its language, as charset-normalizer measures it."""
_ENOUGH_WORDS = 6


def as_utf8(raw: bytes, options: ReadingOptions) -> tuple[bytes, list[str]]:
    """Return the text of a file in UTF-8, without a mark, and what is to be said of its encoding.

    Raises:
        TableError: the bytes are no text, or some of them are not in the encoding.
    """
    if not options.encoding and not raw.startswith(_UNICODE_MARKS) and _is_utf8(raw):
        if b"\0" in raw:
            raise _no_text()
        return raw.removeprefix(codecs.BOM_UTF8), [] if raw.isascii() else _doubts(raw)
    text, notes = _decoded(raw, options)
    if "\0" in text:
        raise _no_text()
    return text.encode("utf-8", errors="replace"), notes


def _is_utf8(raw: bytes) -> bool:
    if raw.isascii():
        return True
    # In parts: the whole text would take up to four times the file's memory.
    decoder, view = codecs.getincrementaldecoder("utf-8")(), memoryview(raw)
    try:
        for start in range(0, len(raw), _PART):
            decoder.decode(view[start : start + _PART])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _doubts(raw: bytes) -> list[str]:
    """Return what is to be said of a text in UTF-8 that was spoilt before it was saved."""
    notes = []
    if b"\xc3\x83\xc2" in raw or b"\xc3\xa2\xe2\x82\xac" in raw:
        found = re.search(rb"[^\s,;|\"]*(?:\xc3\x83\xc2|\xc3\xa2\xe2\x82\xac)[^\s,;|\"]*", raw)
        text = found[0].decode("utf-8", errors="replace")[:40] if found else ""
        notes.append(
            f'The file looks like UTF-8 that was once read in another encoding: "{text}". Its '
            "texts are kept as they stand."
        )
    if b"\xef\xbf\xbd" in raw:
        notes.append("The file holds U+FFFD: letters were lost before it was saved.")
    return notes


def _decoded(raw: bytes, options: ReadingOptions) -> tuple[str, list[str]]:
    if options.encoding:
        return _by_choice(raw, options), []
    marked = next((name for mark, name in _MARKS if raw.startswith(mark)), "")
    encoding = marked or "utf-8"
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        if marked or _has_few_bad_bytes(raw):
            return _with_bad_bytes(raw, encoding, error, options)
        return _guessed(raw)
    return text, [f"Read as {encoding}, as the file's first bytes say."]


def _by_choice(raw: bytes, options: ReadingOptions) -> str:
    try:
        name = codecs.lookup(options.encoding).name
    except LookupError:
        raise TableError(
            f'There is no encoding "{options.encoding}": name it as Python does, as in cp1252, '
            "cp1251 or shift_jis."
        ) from None
    if name == "utf-8":
        name = "utf-8-sig"
    try:
        return raw.decode(name)
    except UnicodeDecodeError as error:
        return _with_bad_bytes(raw, name, error, options)[0]


def _with_bad_bytes(
    raw: bytes, encoding: str, error: UnicodeDecodeError, options: ReadingOptions
) -> tuple[str, list[str]]:
    lines = bad_lines(raw, encoding)
    shown = ", ".join(map(str, lines[:5])) + (" and others" if len(lines) > 5 else "")  # noqa: PLR2004
    name = encoding.removesuffix("-sig")
    if options.bad_bytes == "replace":
        return raw.decode(encoding, errors="replace"), [
            f"Bytes that are no {name} were replaced by U+FFFD in line {shown}."
        ]
    raise TableError(
        f"The file is {name}, but for some bytes in line {shown}, the first "
        f"0x{raw[error.start]:02x}: mend them, name the encoding (encoding=cp1252), or "
        "say bad_bytes=replace."
    )


def bad_lines(raw: bytes, encoding: str) -> list[int]:
    """Return the lines, from 1, with bytes that are not in the encoding; at most six."""
    decoder, place = codecs.lookup(encoding).decode, 0
    found: list[int] = []
    while len(found) < 6:  # noqa: PLR2004 - no more are shown
        try:
            decoder(raw[place:])
        except UnicodeDecodeError as error:
            line = raw.count(b"\n", 0, place + error.start) + 1
            if not found or found[-1] != line:
                found.append(line)
            place += error.end
        else:
            break
    return found


def _has_few_bad_bytes(raw: bytes) -> bool:
    """Return whether a text that is no UTF-8 is UTF-8 but for a few accidents."""
    beyond = sum(len(run) for run in re.findall(rb"[\x80-\xff]+", raw))
    replaced = raw.decode("utf-8", errors="replace").count("\ufffd")
    return replaced <= max(1, _FEW * beyond) and beyond > 2 * replaced


def _guessed(raw: bytes) -> tuple[str, list[str]]:
    if b"\0" in raw:
        raise _no_text()
    found = re.findall(rb"[^\s,;|\"]*[\x80-\xff][^\s,;|\"]*", raw[:4_000_000])
    words = list(dict.fromkeys(found))[:2000]
    encoding = "cp1252" if _is_western(words) else _certain(words)
    try:
        text = raw.decode(encoding or "ascii")
    except UnicodeDecodeError:
        raise _undecided(words) from None
    sample = _sample(words, encoding)
    note = (
        f'The file is no UTF-8: read as {encoding}, which gives "{sample}". If that is wrong, name '
    )
    return text, [note + "the encoding, as in encoding=cp1250."]


def _is_western(words: list[bytes]) -> bool:
    """Return whether words read as what Windows wrote in the West: letters among Latin ones.

    Words of another alphabet are many such letters in a row; those of another encoding of Latin
    letters have signs, or capitals, within words.
    """
    try:
        text = _POWERS.sub("m", b" ".join(words).decode("cp1252"))
    except UnicodeDecodeError:
        return False
    letters = {letter for letter in text.lower() if not letter.isascii() and letter.isalpha()}
    letters -= set("µªº")
    return not _NOT_WESTERN.search(text) and any(letters <= own for own in _ALPHABETS)


_ALPHABETS = tuple(
    frozenset(letters)
    for letters in (
        "äöüßéèàç",
        "àâæçéèêëîïôœùûüÿ",
        "áéíóúñüçàèòï",
        "ãõáâàçéêíóôúü",
        "àèéìíîòóùú",
        "åäöæøéü",
        "éëïöüèáíóú",
    )
)
"""The letters beyond ASCII of Western languages: German, French, Spanish and Catalan, Portuguese,
Italian, Nordic, Dutch. A file with others may be in another encoding: Czech's ř reads as ø."""


_POWERS = re.compile(r"\b(?:[cdkm]?m|ft|in)[²³](?!\w)")
"""Of lengths: a sign behind a letter, and no other encoding's letter."""
_MARKS_IN_WORDS = "\u2018\u2019\u2013\u2014\xb4\xb7"
_SIGNS = "\xa2\xa4\xa5\xa6\xa8\xac\xaf\xb3\xb6\xb8\xb9\xbc\xbe\xbf\xd7\xf7"
_NOT_WESTERN = re.compile(
    rf"[^\x00-\x7f]{{3,}}|\w[^\w\x00-\x7f{_MARKS_IN_WORDS}]\w|[{_SIGNS}\xa3\xaa\xba][a-z]"
    rf"|[a-z][{_SIGNS}]"
    r"|[a-zß-ÿ](?=[^\x00-\x7f])[A-ZÀ-ÞŠŽŒŸ]"
)


def _certain(words: list[bytes]) -> str:
    """Return the encoding whose words are beyond doubt those of a language; mostly nothing."""
    best = from_bytes(b" ".join(words)).best()
    is_certain = (
        best is not None
        and best.chaos == 0
        and best.coherence >= _CERTAIN
        and best.encoding in _CANDIDATES
        and len(words) >= _ENOUGH_WORDS
    )
    return best.encoding if best and is_certain else ""


def _undecided(words: list[bytes]) -> TableError:
    """Return the error of a file whose encoding its user must name, with what each would give."""
    guesses = [each.encoding for each in from_bytes(b" ".join(words))][:2]
    shown = []
    for encoding in dict.fromkeys([*guesses, *_CANDIDATES]):
        try:
            shown.append(f'{encoding} gives "{_sample(words, encoding)}"')
        except UnicodeDecodeError:
            continue
    return TableError(
        "The file is no UTF-8, and its encoding is open: "
        f"{', '.join(shown[:8])}. Name the right one, as in encoding=cp1251."
    )


def _sample(words: list[bytes], encoding: str) -> str:
    return b" ".join(words[:3]).decode(encoding)[:40]


def _no_text() -> TableError:
    return TableError(
        "The file is neither a known format of tables nor text in a known encoding: name the "
        "encoding (encoding=cp1251), or save it as CSV in UTF-8, or as Parquet."
    )
