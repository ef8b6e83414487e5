"""A column of texts: numbers, dates, flags, categories or texts, or the sentence of a doubt."""

import contextlib
import re
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype, is_string_dtype

from ml_pipe.runner.reading.columns import dates, doubts, missing, numbers
from ml_pipe.runner.reading.columns.codes import in_digits
from ml_pipe.runner.reading.columns.distinct import Distinct
from ml_pipe.runner.reading.columns.epochs import read_epoch
from ml_pipe.runner.reading.columns.plain_numbers import number_series
from ml_pipe.runner.reading.columns.reading import Reading
from ml_pipe.runner.reading.columns.text_cells import Context, TextCells
from ml_pipe.runner.reading.options import ReadingOptions
from model_store.schema.signature import Column

MOST_CATEGORIES = 1000
"""A text column with more distinct values than this is text, not a category."""
_WORTH_A_NOTE = 0.3
"""The share of rows with numbers from which a text column may have been meant as one."""
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
        rest = texts.without(found.words | found.odd)
        if found.is_boolean:
            self._check_target_words(texts)
            self._refuse_odd(texts, found.odd, "true and false", "")
            read = Reading(self._booleans(rest))
        elif found.dates is not None:
            read = self._dates(rest, found.dates)
        elif found.numbers is not None:
            read = self._numbers(rest, found.numbers)
        else:
            read = self._texts(texts)
        self._check_choice(read)
        is_text = read.series.dtype.kind == "O" or is_string_dtype(read.series)
        if (found.words | found.odd).any() and not (
            is_text or isinstance(read.series.dtype, pd.CategoricalDtype)
        ):
            self._check_target_words(texts)
            words = missing.phrase(texts, found.words | found.odd)
            said = ", ".join(filter(None, (said, words)))
        read.missing = ", ".join(filter(None, (said, read.missing)))
        return read

    def _check_choice(self, read: Reading) -> None:
        """Check that a column is read as the user says."""
        is_date = isinstance(read.series.dtype, pd.DatetimeTZDtype)
        is_number = is_numeric_dtype(read.series) and not is_bool_dtype(read.series)
        orders = {dates.DAY_FIRST, dates.MONTH_FIRST}
        fits = {
            "": True,
            "text": True,
            "decimal-point": is_number,
            "decimal-comma": is_number,
        }.get(self.how, is_date)
        if self.how in orders and is_date:
            fits = dates.order_of(read.form) == self.how
        if not fits:
            raise doubts.other_than_said(self.name, self.how)

    def _check_target_words(self, texts: Distinct) -> None:
        if self.is_target and self.found.words.any():
            words = missing.phrase(texts, self.found.words)
            first = str(texts.entries[int(np.flatnonzero(self.found.words)[0])])
            raise doubts.words_in_target(self.name, words, first)

    # --- what a column of texts is taken for -------------------------------------------------

    def _booleans(self, rest: Distinct) -> "pd.Series[Any]":
        is_true = np.array(
            [text.lower() == "true" for text in rest.entries.to_pylist()], dtype=bool
        )
        values = rest.spread(is_true, missing=False)
        gaps = rest.codes < 0
        series = pd.Series(values, index=self.index)
        return series.astype("boolean").mask(gaps) if gaps.any() else series

    def _dates(self, rest: Distinct, found: dates.Dates) -> Reading:
        if found.is_mixed:
            one, other = (rest.text(int(np.argmax(m))) for m in (found.is_date, ~found.is_date))
            raise doubts.mixed(self.name, "forms of dates", one, other)
        before = self.before.form if self.before is not None else ""
        if found.others and before in (found.form, *found.others):
            found = dates.dates_of(rest, "", before, self.options.time_zone) or found
        elif found.others:
            forms = [found.form, *found.others]
            example, readings = _in_doubt(rest, forms)
            raise doubts.dates_in_doubt(self.name, example, readings, forms[-1])
        kind = found.form or "ISO 8601"
        self._refuse_odd(rest, ~found.is_date, "dates", kind)
        self._refuse_odd(self._all_texts(), self.found.odd, "dates", kind)
        moments = rest.spread(found.moments, np.datetime64("NaT"))
        read = Reading(
            pd.Series(moments, index=self.index).dt.tz_localize("UTC"),
            form=found.form,
            time_zone=found.time_zone,
            missing=self._odd_phrase(rest, ~found.is_date),
        )
        if found.form:
            example = rest.text(int(np.flatnonzero(found.is_date)[0]))
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
            read.notes = [f"text, because of {found.code}"]
            return read
        found = self._settled(rest, found)
        if found.style.decimal == "," and not found.is_whole and self._is_pair(rest, found):
            read = self._texts(self._all_texts())
            read.notes.append(
                f'text: "{rest.text(0)}" is a pair, as the other columns write decimals with '
                f"points (read_as={self.name}:decimal-comma makes it a number)"
            )
            return read
        if found.factor:
            raise doubts.abbreviated(self.name, found.factor)
        self._refuse_odd(rest, ~found.is_number, "numbers", found.unit)
        self._refuse_odd(self._all_texts(), self.found.odd, "numbers", found.unit)
        values = rest.spread(found.amounts, np.nan)
        read = Reading(
            number_series(values, self.index, is_whole=found.is_whole),
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
            if re.search(r"[, '\u2019.]", rest.text(int(p)))
        ]
        place = int(commas[0]) if commas else place
        example = f'"{rest.text(place)}" is {found.amounts[place]:.15g}'
        if found.unit:
            read.notes.append(f"numbers in {found.unit}: {example}")
        elif found.style != numbers.POINT:
            read.notes.append(f"numbers, of which {example}")
        if found.remark:
            read.notes.append(found.remark)

    def _settled(self, rest: Distinct, found: numbers.Numbers) -> numbers.Numbers:
        """Return the one way to read numbers that have several.

        Raises:
            TableError: nothing says which.
        """
        decimal = _READ_NUMBERS.get(self.how) or self.options.decimal
        if found.is_mixed:
            raise doubts.mixed(self.name, "ways to write numbers", *_two_ways(rest))
        if not found.others:
            return found
        if decimal:
            return numbers.settled(found, decimal)
        is_pointed = found.style == numbers.POINT
        may_group = (
            self.context.has_commas or self.context.has_semicolons or found.may_be_grouped
        ) and not self.context.has_points
        if is_pointed and not may_group:
            return replace(found, others=[])
        place = int(np.flatnonzero(found.amounts != found.others[0].amounts)[0])
        readings = sorted({found.amounts[place], found.others[0].amounts[place]})
        shown = [f"{value:.15g}" for value in readings]
        raise doubts.numbers_in_doubt(self.name, rest.text(place), shown)

    def _is_pair(self, rest: Distinct, found: numbers.Numbers) -> bool:
        if self.how or self.options.decimal == "," or not self.context.has_points:
            return False
        return not found.unit and numbers.looks_like_pairs(rest.entries)

    def _texts(self, texts: Distinct) -> Reading:
        rows, distinct = int((texts.codes >= 0).sum()), len(texts.entries)
        is_category = 0 < distinct <= min(MOST_CATEGORIES, max(rows / 4, 0))
        if is_category:
            read = Reading(pd.Series(texts.categories(), index=self.index))
        else:
            series = texts.texts().set_axis(self.index)
            read = Reading(series.astype(object).where(series.notna(), None))
        self._note_text(read, texts)
        return read

    def _note_text(self, read: Reading, texts: Distinct) -> None:
        words = missing.means_missing(texts, missing.LIKELY)
        if words.any() and self.how != "text":
            verb = "is a value" if words.sum() == 1 else "are values"
            shown = missing.phrase(texts, words)
            read.notes.append(f"{shown} {verb} like others (missing_words= makes it missing)")
        if self.how == "text":
            return
        if dates.is_foreign(texts) and self.found.as_written:
            raise doubts.foreign_months(self.name, texts.text(0))
        if self.found.as_written and (example := dates.unread(texts)):
            raise doubts.unread_dates(self.name, example)
        share = numbers.share_of_numbers(texts) if self.found.as_written else 0.0
        if share >= _WORTH_A_NOTE and not read.notes:
            read.notes.append(f"text, although {share:.0%} of its rows hold numbers")
        if self.found.as_written and not read.notes and (example := in_digits(texts)):
            read.notes.append(f'text, although it is written in digits, as in "{example}"')
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
            f'"{rest.text(int(rest.codes[row]))[:40]}" in row {row + 1}' for row in rows[:4]
        )
        more = f" and {len(rows) - 4} more" if len(rows) > 4 else ""  # noqa: PLR2004 - see above
        kind = f"{what} ({form})" if form else what
        word = rest.text(int(rest.codes[rows[0]]))[:40]
        raise doubts.odd_cells(self.name, kind, cells + more, word)

    def _odd_phrase(self, rest: Distinct, odd: np.ndarray) -> str:
        return missing.phrase(rest, odd) if odd.any() else ""


def _in_doubt(rest: Distinct, forms: list[str]) -> tuple[str, list[str]]:
    """Return a text that several forms read in several ways, and these ways."""
    said: dict[str, None] = {}
    for text in rest.entries.to_pylist():
        with contextlib.suppress(ValueError):
            days = [datetime.strptime(text, form) for form in forms]  # noqa: DTZ007 - to show them
            said = dict.fromkeys(f"{day.day} {day:%B %Y}" for day in days)
            if len(said) > 1:
                return text, list(said)
    return rest.text(0), list(said)


def _two_ways(rest: Distinct) -> tuple[str, str]:
    """Return two of a column's texts that are written in two ways."""
    texts = rest.entries.to_pylist()[:100_000]
    shapes = [re.sub(r"\d+", "0", text) for text in texts]
    other = next(
        (t for t, shape in zip(texts, shapes, strict=True) if shape != shapes[0]), texts[-1]
    )
    return texts[0], other
