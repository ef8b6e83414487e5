"""Make one page of Evidently; run by Evidently's own Python, which has nothing of ours.

`python -I evidently_script.py JOB`, where JOB is a JSON file: `reference`, a Parquet file;
`current`, JSON lines; `columns`, the kind of each by name; `output`, the page.
"""

import json
import sys
from pathlib import Path
from typing import Any

MOST_REFERENCE_ROWS = 10_000
"""So many rows of the reference at most, drawn at random, always the same."""


def prepared(table: Any, columns: dict[str, str], pandas: Any) -> Any:
    """Return a table as Evidently shall see it: numbers, texts of categories, moments."""
    found = {}
    for name, kind in columns.items():
        values = table[name]
        if kind in {"integer", "number"}:
            values = pandas.to_numeric(values).astype("float64")
        elif kind == "datetime":
            # Evidently compares moments by their place in time, and knows no zones.
            values = pandas.to_datetime(values, utc=True).dt.tz_localize(None)
        elif kind == "string":
            values = values.str.len().astype("float64")
        else:
            # A column with gaps has 1.0 and 0.0 instead, which are the same keys.
            texts = {True: "true", False: "false"}
            shown = values.map(texts) if kind == "boolean" else values
            values = shown.astype(object).where(values.notna(), None)
            values = values.map(harmless, na_action="ignore")
        found[harmless(name)] = values
    return pandas.DataFrame(found)


def harmless(text: Any) -> Any:
    """Return a text that cannot end a script: Evidently writes names and values into scripts."""
    return text.replace("<", "\u2039").replace(">", "\u203a") if isinstance(text, str) else text


def main(job_file: str) -> None:
    """Make the page."""
    import pandas as pd  # noqa: PLC0415 - imported by Evidently's Python alone
    from evidently import (  # type: ignore[import-not-found] # noqa: PLC0415 - as above
        DataDefinition,
        Dataset,
        Report,
    )
    from evidently.presets import (  # type: ignore[import-not-found] # noqa: PLC0415 - as above
        DataDriftPreset,
        DataSummaryPreset,
    )

    job = json.loads(Path(job_file).read_text(encoding="utf-8"))
    columns: dict[str, str] = job["columns"]
    reference = pd.read_parquet(job["reference"], columns=list(columns))
    if len(reference) > MOST_REFERENCE_ROWS:
        reference = reference.sample(MOST_REFERENCE_ROWS, random_state=0)
    # As they are: pandas would take text for numbers, and numbers for moments.
    current = pd.read_json(job["current"], lines=True, dtype=False, convert_dates=False)
    kinds = {harmless(name): kind for name, kind in columns.items()}

    def named(*wanted: str) -> list[str]:
        return [name for name, kind in kinds.items() if kind in wanted]

    definition = DataDefinition(
        numerical_columns=named("integer", "number", "string"),
        categorical_columns=named("boolean", "category"),
        datetime_columns=named("datetime"),
    )
    now, before = (
        Dataset.from_pandas(prepared(table, columns, pd), data_definition=definition)
        for table in (current, reference)
    )
    report = Report([DataDriftPreset(), DataSummaryPreset()], include_tests=True)
    report.run(now, before).save_html(job["output"])


if __name__ == "__main__":
    main(sys.argv[1])
