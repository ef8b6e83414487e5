"""A column of texts: numbers, dates, flags, categories or texts, or the sentence of a doubt."""

import re
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_string_dtype

from ml_pipe.runner.errors import TableError
from ml_pipe.runner.reading.columns import dates, missing, numbers
from ml_pipe.runner.reading.columns.distinct import Distinct
from ml_pipe.runner.reading.columns.epochs import read_epoch
from ml_pipe.runner.reading.columns.reading import Reading
from ml_pipe.runner.reading.columns.text_cells import Context, TextCells
from ml_pipe.runner.reading.options import ReadingOptions
from model_store.schema.signature import Column

MOST_CATEGORIES = 1000
"""A text column with more distinct values than this is text, not a category."""
_READ_NUMBERS = {"decimal-point": ".", "decimal-comma": ","}


class TextColumn:
    """One column, from what its cells say to what they are taken for."""

    def __init__(
        self,
        found: TextCells,
        options: ReadingOptions,
        context: Context,
        before: Column | None,
        is_target: bool,  # noqa: FBT001 - see above
    ) -> None:
        self.name, self.index = str(found.series.name), found.series.index
        self.found, self.options, self.context = found, options, context
        self.before, self.is_target = before, is_target
        self.how = options.reading_of(self.name)

    def reading(self) -> Reading:
        """Return the column as it is understood.

        Raises:
            TableError: it is in doubt; the sentence names the cells and what settles it.
        """
        found = self.found
        texts = found.texts.without(found.named)
        said = missing.phrase(found.texts, found.named) if found.named.any() else ""
        rest = texts.without(found.words)
        if found.is_boolean:
            self._check_target_words(texts)
            read = Reading(self._booleans(rest))
        elif found.dates is not None:
            read = self._dates(rest, found.dates)
        elif found.numbers is not None:
            read = self._numbers(rest, found.numbers)
        else:
            read = self._texts(texts)
        is_text = read.series.dtype.kind == "O" or is_string_dtype(read.series)
        if found.words.any() and not (
            is_text or isinstance(read.series.dtype, pd.CategoricalDtype)
        ):
            self._check_target_words(texts)
            words = missing.phrase(texts, found.words)
            said = ", ".join(filter(None, (said, words)))
        read.missing = ", ".join(filter(None, (said, read.missing)))
        return read

    def _check_target_words(self, texts: Distinct) -> None:
        if self.is_target and self.found.words.any():
            words = missing.phrase(texts, self.found.words)
            first = str(texts.entries[int(np.flatnonzero(self.found.words)[0])])
            raise TableError(
                f'The target "{self.name}" holds {words}, where the rest are numbers: say '
                f"missing_words={first} to leave these rows out, or read_as={self.name}:text if it "
                "is a label."
            )

    # --- what a column of texts is taken for -------------------------------------------------

    def _booleans(self, rest: Distinct) -> "pd.Series[Any]":
        is_true = np.array([text.lower() == "true" for text in rest.entries.to_pylist()], dtype=bool)
        values = rest.spread(is_true, missing=False)
        gaps = rest.codes < 0
        series = pd.Series(values, index=self.index)
        return series.astype("boolean").mask(gaps) if gaps.any() else series

    def _dates(self, rest: Distinct, found: dates.Dates) -> Reading:
        if (
            self.before is not None
            and self.before.form in (found.form, *found.others)
            and found.others
        ):
            again = dates.dates_of(rest, "", self.before.form, self.options.time_zone)
            found = again or found
        elif found.others:
            forms = [found.form, *found.others]
            example = _text_at(rest, 0)
            said = " or ".join(_example(example, form) for form in forms)
            raise TableError(
                f'The dates of "{self.name}" can be read in {len(forms)} ways: "{example}" is {said}. '
                f"Say date_order=day-first or month-first for all, or read_as={self.name}:{forms[-1]}."
            )
        self._refuse_odd(rest, ~found.is_date, "dates", found.form or "ISO 8601")
        moments = rest.spread(found.moments, np.datetime64("NaT"))
        read = Reading(
            pd.Series(moments, index=self.index).dt.tz_localize("UTC"),
            form=found.form,
            time_zone=found.time_zone,
            missing=self._odd_phrase(rest, ~found.is_date),
        )
        if found.form:
            example = _text_at(rest, int(np.flatnonzero(found.is_date)[0]))
            read.notes.append(f"dates of the form {found.form}, as in {example}")
        if found.has_times and found.time_zone:
            read.notes.append(
                f"times without an offset are those of {found.time_zone}"
                + ("" if self.options.time_zone else " (time_zone= sets another zone)")
            )
        return read

    def _numbers(self, rest: Distinct, found: numbers.Numbers) -> Reading:
        if found.code:
            read = self._texts(self._all_texts())
            read.notes.append(f"text, because of {found.code}")
            return read
        found = self._settled(rest, found)
        if found.style.decimal == "," and not found.is_whole and self._is_pair(rest, found):
            read = self._texts(self._all_texts())
            read.notes.append(
                f'text: "{_text_at(rest, 0)}" is a pair, as the other columns write decimals with a '
                f"point (read_as={self.name}:decimal-comma makes it a number)"
            )
            return read
        self._refuse_odd(rest, ~found.is_number, "numbers", found.unit)
        values = rest.spread(found.amounts, np.nan)
        read = Reading(
            self._number_series(values, is_whole=found.is_whole),
            unit=found.unit,
            missing=self._odd_phrase(rest, ~found.is_number),
        )
        self._note_style(read, rest, found)
        if not found.unit and found.style == numbers.POINT and not self.is_target:
            read_epoch(read, values, self.name, self.how)
        return read

    def _note_style(self, read: Reading, rest: Distinct, found: numbers.Numbers) -> None:
        place = int(np.flatnonzero(found.is_number)[0])
        commas = [
            p
            for p in np.flatnonzero(found.is_number)[:1000]
            if re.search(r"[, '’.]", _text_at(rest, int(p)))
        ]
        place = int(commas[0]) if commas else place
        example = f'"{_text_at(rest, place)}" is {found.amounts[place]:.15g}'
        if found.style != numbers.POINT:
            read.notes.append(f"numbers, of which {example}")
        if found.unit:
            read.notes.append(f"numbers in {found.unit}: {example}")
        if found.remark:
            read.notes.append(found.remark)

    def _settled(self, rest: Distinct, found: numbers.Numbers) -> numbers.Numbers:
        """Return the one way to read numbers that have several.

        Raises:
            TableError: nothing says which.
        """
        decimal = _READ_NUMBERS.get(self.how) or self.options.decimal
        if found.is_mixed:
            shown = _mixed(rest)
            raise TableError(
                f'The column "{self.name}" mixes ways to write numbers, as in {shown}: write one way, '
                f"or say read_as={self.name}:text."
            )
        if not found.others:
            return found
        if decimal:
            return numbers.settled(found, decimal)
        is_pointed = found.style == numbers.POINT
        if is_pointed and not (self.context.has_commas and not self.context.has_points):
            return replace(found, others=[])
        place = int(np.flatnonzero(found.amounts != found.others[0].amounts)[0])
        readings = sorted({found.amounts[place], found.others[0].amounts[place]})
        a, b = (f"{value:.15g}" for value in readings)
        raise TableError(
            f'The numbers of "{self.name}" can be read in two ways: "{_text_at(rest, place)}" is {a} or '
            f"{b}. Say which mark separates decimals, decimal=. or decimal=, or for this column alone "
            f"read_as={self.name}:decimal-point or {self.name}:decimal-comma."
        )

    def _is_pair(self, rest: Distinct, found: numbers.Numbers) -> bool:
        if self.how or self.options.decimal or not self.context.has_points:
            return False
        return not found.unit and numbers.looks_like_pairs(rest.entries)

    def _number_series(self, values: np.ndarray, *, is_whole: bool) -> "pd.Series[Any]":
        series = pd.Series(values, index=self.index)
        gaps = np.isnan(values)
        # pandas writes 181.0 where a column of whole numbers has gaps.
        if is_whole or (gaps.any() and bool((values[~gaps] % 1 == 0).all())):
            return series.astype("Int64" if gaps.any() else "int64")
        return series

    def _texts(self, texts: Distinct) -> Reading:
        series = texts.texts()
        series.index = self.index
        rows, distinct = int((texts.codes >= 0).sum()), len(texts.entries)
        is_category = 0 < distinct <= min(MOST_CATEGORIES, max(rows / 4, 0))
        read = Reading(series.astype("category") if is_category else series.astype(object))
        if not is_category:
            read.series = series.astype(object).where(series.notna(), None)
        self._note_text(read, texts)
        return read

    def _note_text(self, read: Reading, texts: Distinct) -> None:
        words = missing.means_missing(texts, missing.LIKELY)
        if words.any() and self.how != "text":
            read.notes.append(
                f"{missing.phrase(texts, words)} {'is a value' if words.sum() == 1 else 'are values'} "
                "like others (missing_words= makes them missing)"
            )
        if self.how == "text":
            return
        if dates.is_foreign(texts) and self.found.as_written:
            raise TableError(
                f'The column "{self.name}" looks like dates whose months have no English names, as in '
                f'"{_text_at(texts, 0)}": write them as 2024-01-31, or say read_as={self.name}:text.'
            )
        if not self.found.as_written and numbers.numbers_of(texts) is not None:
            read.notes.append("text, as the file says, although it looks like numbers")

    def _all_texts(self) -> Distinct:
        return self.found.texts.without(self.found.named)

    # --- odd cells ---------------------------------------------------------------------------

    def _refuse_odd(self, rest: Distinct, odd: np.ndarray, what: str, form: str) -> None:
        if not odd.any() or self.options.odd_cells == "missing":
            return
        rows = rest.rows_of(odd)
        cells = ", ".join(
            f'"{_text_at(rest, int(rest.codes[row]))[:40]}" in row {row + 1}' for row in rows[:4]
        )
        more = f" and {len(rows) - 4} more" if len(rows) > 4 else ""  # noqa: PLR2004 - see above
        kind = f"{what} ({form})" if form else what
        word = _text_at(rest, int(rest.codes[rows[0]]))[:40]
        raise TableError(
            f'The column "{self.name}" holds {kind} but for {cells}{more}: mend these cells, say '
            f"odd_cells=missing to take them for missing, missing_words={word} for such words alone, "
            f"or read_as={self.name}:text."
        )

    def _odd_phrase(self, rest: Distinct, odd: np.ndarray) -> str:
        return missing.phrase(rest, odd) if odd.any() else ""


def _text_at(column: Distinct, place: int) -> str:
    return str(column.entries[place])


def _example(text: str, form: str) -> str:
    return f"{datetime.strptime(text, form):%-d %B %Y}"  # noqa: DTZ007 - to show it


def _mixed(rest: Distinct) -> str:
    texts = rest.entries.to_pylist()[:100_000]
    comma = next((t for t in texts if "," in t), texts[0])
    point = next((t for t in texts if "." in t and t != comma), texts[-1])
    return f'"{comma}" and "{point}"'
