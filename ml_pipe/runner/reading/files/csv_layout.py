"""How a text file is laid out: its separator, what stands above the table, its header."""

import csv
import re
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise

from ml_pipe.runner.errors import TableError
from ml_pipe.runner.reading.options import ReadingOptions

HEAD_BYTES = 1_000_000
ANY_BLANKS = " "
"""The separator of a file whose values stand apart by blanks, however many."""

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|$)")
_NUMBER = re.compile(r"[-+]?[$€£]?(\d[\d.,]*|\.\d+)([eE][-+]?\d+)?%?")
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}")
_YEARS = range(1500, 2201)
_FEW_COLUMNS = 2
_REPEATS = 0.1
"""The share of rows from which on a first line that stands among them is one of them."""


@dataclass(frozen=True)
class Layout:
    """Where the rows of a text file begin, and how they are written."""

    separator: str
    names: list[str]
    """The header's cells as they stand there; of a file without one, those that we give."""
    width: int
    """How many values a row has."""
    start: int
    """The byte at which the first row begins."""
    blanks_before_quotes: bool = False
    """Whether quoted values stand after a separator and a blank, as in `1, "a, b"`."""
    notes: list[str] = field(default_factory=list)


def layout_of(raw: bytes, options: ReadingOptions) -> Layout:
    """Return the layout of a text file.

    Raises:
        TableError: it has no header, or names that cannot be told apart.
    """
    head = raw[:HEAD_BYTES].decode("utf-8", errors="ignore")
    if len(raw) > HEAD_BYTES:
        head = head[: max(head.rfind("\n"), head.rfind("\r")) + 1]
    lines = [line for line in _LINE.findall(head)[:2000] if line]
    notes: list[str] = []
    separator = options.separator
    first = lines[0].strip() if lines else ""
    above = 0
    if match := re.fullmatch(r'"?sep=(.)"?', first):
        # Excel says so, and reads it.
        above, separator = 1, separator or match[1]
    comments = _comments_above(lines[above:])
    body = lines[above + comments :]
    separator = separator or separator_of(body)
    records = records_of(body, separator)
    if not records:
        raise TableError("The table is empty: it needs a header and rows.")
    width = usual_width(records)
    lead = _lead(records, width)
    header, end = records[lead]
    first_line = records[lead - 1][1] if lead else 0
    header = _as_spelled(header, "".join(body[first_line:end]), separator)
    above += comments
    if comments and (named := _names_in_comment(lines[above - 1], separator, records[lead][0])):
        notes.append("The names of the columns stand in the last comment above the table.")
        header, end, lead = named, 0, 0
    elif options.header != "yes" and (
        options.header == "no" or _looks_like_row(header, [r for r, _ in records[lead + 1 :]])
    ):
        _refuse_unless_chosen(header, options)
        end = records[lead - 1][1] if lead else 0
        header = [f"column_{place + 1}" for place in range(len(header))]
        notes.append(
            f"The file has no header: the columns are {header[0]} to {header[-1]}, from the left."
        )
    if comments or lead:
        count = comments + sum(1 for record, _ in records[:lead] if any(record))
        notes.append(
            f"{count} line{'s' * (count != 1)} above the table {'were' if count != 1 else 'was'} "
            f'left out: "{_shown(lines, above, comments, records, lead)}".'
        )
    start = len("".join(lines[: above + end]).encode("utf-8"))
    quotes = separator != ANY_BLANKS and re.search(rf'{re.escape(separator)} +"', head) is not None
    rows = records[lead + (end > 0) :] or records[lead:]
    return Layout(separator, _fitted(header, [r for r, _ in rows]), width, start, quotes, notes)


def _shown(
    lines: list[str],
    above: int,
    comments: int,
    records: list[tuple[list[str], int]],
    lead: int,
) -> str:
    if lead:
        return next((" ".join(r).strip() for r, _ in records[:lead] if any(r)), "")[:60]
    return lines[above - comments].strip()[:60]


def _as_spelled(header: list[str], line: str, separator: str) -> list[str]:
    """Return a header's cells with the blanks that `records_of` left out."""
    if separator == ANY_BLANKS:
        return header
    lines = line.lstrip("\r\n").splitlines(keepends=True)
    spelled = next(csv.reader(lines, delimiter=separator), [])
    return spelled if len(spelled) == len(header) else header


def separator_of(lines: list[str]) -> str:
    """Return the separator that splits most of the first lines into as many values, and many."""
    best, highest = ",", 1.0
    for separator in "\t;|,":
        records = records_of(lines[:200], separator)
        if not records:
            continue
        width = usual_width(records)
        share = sum(len(r) == width for r, _ in records) / len(records)
        lead = _lead(records, width)
        # Decimal commas, too, split most rows, but not the header.
        score = width * share * (0.5 if lead or width < 2 else 1.0)  # noqa: PLR2004
        if width > 1 and score > highest:
            best, highest = separator, score
    if highest == 1.0:
        blanks = records_of(lines[:200], ANY_BLANKS)
        widths = Counter(len(record) for record, _ in blanks)
        if blanks and usual_width(blanks) > 1 and len(widths) <= 2:  # noqa: PLR2004 - R leaves a name out
            return ANY_BLANKS
    return best


def records_of(lines: list[str], separator: str) -> list[tuple[list[str], int]]:
    """Return the records of lines, blank ones left out, and how many lines end with each.

    Raises:
        TableError: a record is none.
    """
    if separator == ANY_BLANKS:
        split = (_at_blanks(line) for line in lines)
        return [(cells, place + 1) for place, cells in enumerate(split) if cells]
    reader = csv.reader(lines, delimiter=separator, skipinitialspace=True)
    found = []
    try:
        for record in reader:
            if record and (len(record) > 1 or record[0].strip()):
                found.append((record, reader.line_num))  # noqa: PERF401 - the line is read here
    except csv.Error as error:
        raise TableError(f"The text of the table cannot be read ({error}).") from error
    return found


def _at_blanks(line: str) -> list[str]:
    return [a or b for a, b in re.findall(r'"([^"]*)"|([^\s"]+)', line)]


def usual_width(records: list[tuple[list[str], int]]) -> int:
    """Return how many values most records have."""
    return Counter(len(record) for record, _ in records).most_common(1)[0][0]


def _comments_above(lines: list[str]) -> int:
    """Return how many of the first lines are comments or blank, as long as a comment is one."""
    count = next((n for n, line in enumerate(lines) if not _is_comment(line)), len(lines))
    return (
        count
        if any(line.startswith(("#", "%", "//")) for line in lines[:count])
        and not (_is_header_with_hash(lines, count))
        else 0
    )


def _is_comment(line: str) -> bool:
    return line.startswith(("#", "%", "//")) or not line.strip()


def _is_header_with_hash(lines: list[str], count: int) -> bool:
    """Return whether a `#` begins the header's first name, as in `#id,name`."""
    if count != 1 or len(lines) < 2:  # noqa: PLR2004
        return False
    separator = separator_of(lines)
    records = records_of(lines[:2], separator)
    return (
        len(records) == 2  # noqa: PLR2004 - the comment and a row
        and len(records[0][0]) == len(records[1][0]) > 1
        and (not lines[0].startswith("# "))
    )


def _names_in_comment(line: str, separator: str, first: list[str]) -> list[str]:
    """Return the names in the last comment, where it has as many as the first row, of numbers."""
    records = records_of([line.lstrip("#%/ ")], separator)
    names = records[0][0] if records else []
    is_row = any(_NUMBER.fullmatch(cell.strip()) for cell in first)
    are_names = not any(_NUMBER.fullmatch(name.strip()) for name in names)
    return names if len(names) == len(first) > 1 and is_row and are_names else []


def _lead(records: list[tuple[list[str], int]], width: int) -> int:
    """Return the place of the header: the first record that is as wide as the table."""
    for place, (record, _) in enumerate(records):
        filled = sum(bool(cell.strip()) for cell in record)
        is_wide = len(record) == width or (
            # A header may have a name too few, or a separator too many.
            place == 0 and width > _FEW_COLUMNS and abs(len(record) - width) == 1
        )
        if is_wide and (width <= _FEW_COLUMNS or filled > 1):
            return place
    return 0


def _looks_like_row(header: list[str], rows: list[list[str]]) -> bool:
    """Return whether a first line looks like the rows below rather than like names."""
    numbers, names_over_numbers, values, texts = [], 0, 0, 0
    # A header that stands in the file again is refused for that.
    if rows.count(header) <= _REPEATS * len(rows):
        rows = [row for row in rows if row != header]
    for place, cell in enumerate(map(str.strip, header)):
        below = [
            row[place].strip() for row in rows[:200] if place < len(row) and row[place].strip()
        ]
        if not below or not cell:
            continue
        is_number = _is_amount(cell)
        if sum(map(_is_amount, below)) >= 0.8 * len(below):
            names_over_numbers += not is_number
            numbers += [cell] * is_number
        else:
            texts += 1
            values += cell in below
    if names_over_numbers or not rows:
        return False
    if numbers:
        return not _are_names(numbers)
    return values > 0 and values >= texts / 2


def _is_amount(cell: str) -> bool:
    return bool(_NUMBER.fullmatch(cell) or _DATE.match(cell))


def _are_names(cells: list[str]) -> bool:
    """Return whether numbers are names: years, or a count of the columns."""
    if not all(cell.isascii() and cell.isdigit() for cell in cells):
        return False
    read = list(map(int, cells))
    is_count = len(read) > 1 and all(b - a == 1 for a, b in pairwise(read))
    return is_count or (len(set(read)) == len(read) and all(year in _YEARS for year in read))


def _refuse_unless_chosen(header: list[str], options: ReadingOptions) -> None:
    if options.header:
        return
    shown = ", ".join(cell.strip()[:20] for cell in header[:4])
    raise TableError(
        f"The first line looks like a row and not like the names of columns ({shown}): say "
        f"header=no to name them column_1 to column_{len(header)}, or header=yes if these are the "
        "names."
    )


def _fitted(header: list[str], rows: list[list[str]]) -> list[str]:
    """Return a header with as many names as rows have values, where it is clear which they are."""
    widths = {len(row) for row in rows}
    if len(widths) != 1:
        return header
    [width] = widths
    if width == len(header) + 1:
        # R names its rows, and not that column; others end each row with a separator.
        ends_empty = all(not row[-1].strip() for row in rows)
        if ends_empty:
            return [*header, ""]
        are_names = len({row[0] for row in rows}) == len(rows)
        return ["", *header] if are_names else header
    if width == len(header) - 1 and not header[-1].strip():
        return header[:-1]
    return header
