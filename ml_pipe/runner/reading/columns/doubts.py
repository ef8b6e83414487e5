"""The sentences of a column in doubt: the cells, how they could be read, and what settles it."""

from ml_pipe.runner.errors import TableError


def mixed(name: str, what: str, one: str, other: str) -> TableError:
    """Return the error of a column whose cells are written in several ways.

    Args:
        name: that of the column.
        what: what they mix, as in "forms of dates".
        one: a cell.
        other: a cell that is written in another way.
    """
    return TableError(
        f'The column "{name}" mixes {what}, as in "{one}" and "{other}": write all in one way, or '
        f"say read_as={name}:text."
    )


def dates_in_doubt(name: str, example: str, readings: list[str], form: str) -> TableError:
    """Return the error of dates that several forms read, one of them `form`."""
    return TableError(
        f'The dates of "{name}" can be read in {len(readings)} ways: "{example}" is '
        f"{' or '.join(readings)}. Say date_order=day-first or month-first for all, or "
        f"read_as={name}:{form} for this column."
    )


def numbers_in_doubt(name: str, example: str, readings: list[str]) -> TableError:
    """Return the error of numbers whose mark may separate decimals or thousands."""
    return TableError(
        f'The numbers of "{name}" can be read in two ways: "{example}" is '
        f"{' or '.join(readings)}. Say which mark separates decimals, decimal=. or decimal=, or "
        f"for this column alone read_as={name}:decimal-point or read_as={name}:decimal-comma."
    )


def odd_cells(name: str, what: str, shown: str, word: str) -> TableError:
    """Return the error of a column of numbers or dates with a few cells that are none.

    Args:
        name: that of the column.
        what: what the column holds.
        shown: the odd cells and their rows.
        word: the first of them.
    """
    return TableError(
        f'The column "{name}" holds {what} but for {shown}: mend these cells, say '
        f"odd_cells=missing to take them for missing, missing_words={word} for such words, or "
        f"read_as={name}:text."
    )


def unread_dates(name: str, example: str) -> TableError:
    """Return the error of dates in a form that is not read."""
    return TableError(
        f'The column "{name}" looks like dates in a form that is not read, as in "{example}": '
        f"write them as 2024-01-31 or 2024-01-31T10:00:00Z, or say read_as={name}:text."
    )


def abbreviated(name: str, example: str) -> TableError:
    """Return the error of numbers in thousands, millions and the like."""
    return TableError(
        f'The column "{name}" abbreviates numbers, as in "{example}": write them out, as in '
        f"1200000, or say read_as={name}:text."
    )


def foreign_months(name: str, example: str) -> TableError:
    """Return the error of dates whose months are not named in English."""
    return TableError(
        f'The column "{name}" looks like dates whose months have no English names, as in '
        f'"{example}": write them as 2024-01-31, or say read_as={name}:text.'
    )


def words_in_target(name: str, shown: str, word: str) -> TableError:
    """Return the error of a target with words that may mean missing, or be a label."""
    return TableError(
        f'The target "{name}" holds {shown}, where the rest are numbers: say missing_words={word} '
        f"to leave these rows out, or read_as={name}:text if it is a label."
    )


def other_than_said(name: str, how: str) -> TableError:
    """Return the error of a column that cannot be read as the user says."""
    return TableError(
        f'The column "{name}" cannot be read as read_as={name}:{how} says: its cells are not '
        "written so."
    )
