"""Real tables that packages ship, as they ship them: trained on, gated, and asked their own rows.

`make real-tables` writes `docs/explanation/real-tables.md`; a test runs the same.
"""

import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pandas as pd
from httpx import codes
from sklearn import datasets
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import balanced_accuracy_score, get_scorer, r2_score
from starlette.testclient import TestClient

from api.app import create_app
from ml_pipe.runner.errors import PipelineError
from ml_pipe.runner.run.context import Context
from ml_pipe.runner.table.prepared_table import Facts, read_table
from ml_pipe.train_test_validate import split_rows
from ml_pipe.workflow import run_pipeline
from model_store.schema.signature import Kind
from settings import factories
from settings.model_settings import TRUSTED_TYPES
from settings.settings import Settings
from settings.sources import PROJECT_ROOT


@dataclass(frozen=True)
class RealTable:
    """A table, what to predict, and what should come of it."""

    name: str
    target: str
    package: str
    path: str = ""
    """Within the package; of scikit-learn: the name of the function that loads it."""
    refused: str = ""
    """Words of the sentence that refuses it; empty: it is published."""
    parameters: dict[str, str] = field(default_factory=dict)
    answered: float = 1.0
    """The share of its own rows, as pandas writes them, that must be answered."""

    def write(self, folder: Path) -> Path:
        """Write the table as a file into a folder, and return its path."""
        if self.package == "scikit-learn":
            path = folder / f"{self.name}.csv"
            getattr(datasets, self.path)(as_frame=True).frame.to_csv(path, index=False)
            return path
        source = Path(str(distribution(self.package).locate_file(self.path)))
        path = folder / f"{self.name}{source.suffix}"
        path.write_bytes(source.read_bytes())
        return path


def _sklearn(name: str, target: str = "target", **more: Any) -> RealTable:
    return RealTable(name, target, "scikit-learn", f"load_{name}", **more)


def _statsmodels(name: str, target: str, path: str = "", **more: Any) -> RealTable:
    path = f"statsmodels/datasets/{path or f'{name}/{name}.csv'}"
    return RealTable(name, target, "statsmodels", path, **more)


def _vega(file: str, target: str, **more: Any) -> RealTable:
    name = file.partition(".")[0]
    return RealTable(name, target, "vega_datasets", f"vega_datasets/_data/{file}", **more)


def _penguins(name: str, target: str, **more: Any) -> RealTable:
    path = f"palmerpenguins/data/{name}.csv"
    return RealTable(name, target, "palmerpenguins", path, **more)


_NOISE = "not better than guessing by more than noise"

TABLES = (
    _sklearn("iris"),
    _sklearn("wine"),
    _sklearn("breast_cancer"),
    _sklearn("diabetes"),
    _sklearn("digits"),
    _penguins("penguins", "species", answered=0.95),
    _penguins("penguins-raw", "Species", parameters={"missing_words": "NA"}),
    _statsmodels("anes96", "vote"),
    _statsmodels("ccard", "AVGEXP", refused=_NOISE),
    _statsmodels("co2", "co2"),
    _statsmodels("engel", "foodexp"),
    _statsmodels("fair", "affairs", refused=_NOISE),
    _statsmodels("fertility", "2010", answered=0.9),
    _statsmodels("grunfeld", "invest"),
    _statsmodels("heart", "survival", refused=_NOISE),
    _statsmodels("modechoice", "choice"),
    _statsmodels("randhie", "mdvis"),
    _statsmodels("spector", "GRADE", refused=_NOISE),
    _statsmodels("star98", "PR50M"),
    _statsmodels("statecrime", "violent", refused=_NOISE),
    _statsmodels("strikes", "duration", refused=_NOISE),
    _vega("airports.csv", "latitude", answered=0.95),
    _vega("barley.json", "yield"),
    _vega("cars.json", "Miles_per_Gallon"),
    _vega("iowa-electricity.csv", "net_generation"),
    _vega("seattle-weather.csv", "weather"),
    _vega("sf-temps.csv", "temp"),
    _vega("stocks.csv", "price"),
)


@dataclass(frozen=True)
class Outcome:
    """What came of a table."""

    table: RealTable
    refused: str = ""
    """The sentence; empty where a version was published."""
    rows: int = 0
    columns: int = 0
    metric: str = ""
    score: float = 0.0
    """Of the published model on its test rows."""
    plain: float = 0.0
    """Of a plain HistGradientBoosting, trained and tested on the same rows."""
    guess: float = 0.0
    form: str = ""
    """What serves: "compiled", or why the estimator does."""
    answered: int = 0
    """How many of the table's own rows, as pandas writes them, were answered."""
    asked: int = 0
    sentences: tuple[str, ...] = ()
    """Why others were refused: what the problems' errors say."""


def measure(table: RealTable, folder: Path) -> Outcome:
    """Train on a table in a store of its own, then ask the service for its rows."""
    path = table.write(folder)
    given = {"data": str(path), "target": table.target, **table.parameters}
    try:
        report = run_pipeline(PROJECT_ROOT / "ml_pipe", given, _context(folder / "local_data"))
    except PipelineError as error:
        return Outcome(table, refused=str(error))
    store = factories.model_store(Settings(local_data=folder / "local_data"))
    manifest = store.manifest(report.model, str(report.version))
    clean, facts = read_table(report.folder)
    splits = split_rows(clean, facts.target, facts.task, (0.2, 0.2), 7)
    metric = "balanced_accuracy" if facts.task == "classification" else "r2"
    test = splits["test"]
    model = store.load(report.model, manifest.version).predictor
    (answers,), _ = model.predict({c.name: test[c.name].to_numpy() for c in facts.signature.inputs})
    score = balanced_accuracy_score if facts.task == "classification" else r2_score
    plain, guess = _plain(splits, facts, metric)
    answered, sentences = _ask(folder / "local_data", own_rows(path))
    return Outcome(
        table,
        rows=len(clean),
        columns=len(facts.signature.inputs),
        metric=metric,
        score=float(score(test[facts.target].to_numpy(), answers)),
        plain=plain,
        guess=guess,
        form="compiled" if manifest.compiled else manifest.not_compiled,
        answered=answered,
        asked=len(own_rows(path)),
        sentences=sentences,
    )


def own_rows(path: Path) -> list[dict[str, Any]]:
    """Return a file's rows as pandas reads and writes them, with nothing said about the file."""
    if path.suffix == ".json":
        frame = pd.read_json(path)
    else:
        frame = pd.read_csv(path, sep=None, engine="python", encoding="utf-8-sig")
    rows: list[dict[str, Any]] = json.loads(frame.to_json(orient="records"))
    return rows


def _context(local_data: Path) -> Context:
    return Context(local_data=str(local_data), trusted_types=TRUSTED_TYPES)


def _plain(splits: dict[str, pd.DataFrame], facts: Facts, metric: str) -> tuple[float, float]:
    """Return the scores on the test rows of scikit-learn's own settings, and of guessing."""
    names = [c.name for c in facts.signature.inputs if c.kind is not Kind.STRING]
    is_labels = facts.task == "classification"
    model = HistGradientBoostingClassifier if is_labels else HistGradientBoostingRegressor
    dummy = DummyClassifier() if is_labels else DummyRegressor()
    together = pd.concat(splits)[names]
    for name in names:
        if together[name].dtype.kind == "M":
            together[name] = together[name].astype("int64")
        elif together[name].dtype == object:
            numbers = together[name].astype("category").cat.codes
            # It takes no category beyond 255.
            together[name] = numbers.clip(upper=254).astype("category")
    scorer = get_scorer(metric)
    train, test = splits["train"][facts.target], splits["test"][facts.target]
    fitted = [
        each.fit(together.loc["train"], train)
        for each in (model(categorical_features="from_dtype", random_state=0), dummy)
    ]
    plain, guess = (float(scorer(each, together.loc["test"], test)) for each in fitted)
    return plain, guess


def _ask(local_data: Path, rows: list[dict[str, Any]]) -> tuple[int, tuple[str, ...]]:
    """Send rows to a service; return how many were answered, and what the refusals said."""
    settings = Settings(local_data=local_data, service_event_level="error")
    sentences: set[str] = set()
    answered = 0
    with TestClient(create_app(settings)) as client:
        for batch in _batches(rows):
            if client.post("/predict", json=batch).status_code == codes.OK:
                answered += len(batch)
                continue
            for row in batch:
                response = client.post("/predict", json=row)
                answered += response.status_code == codes.OK
                if response.status_code != codes.OK:
                    problem = response.json()
                    errors = problem.get("errors") or [problem]
                    sentences |= {
                        f"{error.get('pointer', '')} {error['detail']}".strip() for error in errors
                    }
    return answered, tuple(sorted(sentences))


def _batches(rows: list[dict[str, Any]], size: int = 500) -> Iterator[list[dict[str, Any]]]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


PAGE = PROJECT_ROOT / "docs" / "explanation" / "real-tables.md"

_INTRODUCTION = """\
# Real tables

{count} tables that Python packages ship, taken as they are: `make real-tables` trains on each by
the template's notebooks, with nothing set but the target and what stands beside the name, starts
the service, and sends the table's own rows as pandas reads and writes them. A test does the same.

- **Score**: balanced accuracy of labels, R2 of amounts, on the test rows. **Plain** is
  scikit-learn's HistGradientBoosting as it comes, fitted and tested on the same rows (categories as
  such, dates as numbers, free text left out). **Guess** is the most frequent class, or the mean.
- **Own rows**: how many are answered. The others are refused with a sentence; which, stands below
  the table.

"""


def main() -> None:
    """Measure all tables and write the page."""
    outcomes = []
    for table in TABLES:
        print(f"{table.name} ...", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory() as folder:
            outcomes.append(measure(table, Path(folder)))
    PAGE.write_text(page(outcomes), encoding="utf-8")


def page(outcomes: Sequence[Outcome]) -> str:
    """Return the page of the documents, as Markdown."""
    published = [outcome for outcome in outcomes if not outcome.refused]
    lines = [
        _INTRODUCTION.format(count=len(outcomes)),
        "| table | target | rows | columns | score | plain | guess | serves | own rows |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        *map(_line, published),
        "",
        "Refused, rightly:",
        "",
        "| table | target | why |",
        "| --- | --- | --- |",
        *(f"| {o.table.name} | {o.table.target} | {_why(o)} |" for o in outcomes if o.refused),
        "",
        "Own rows that are not answered:",
        "",
        *(f"- {o.table.name}: {' '.join(o.sentences[:2])}" for o in published if o.sentences),
    ]
    return "\n".join(lines) + "\n"


def _why(outcome: Outcome) -> str:
    """Return the sentence of a refusal, without where it happened and what to do."""
    sentence = outcome.refused.partition("Error: ")[2]
    return sentence.partition("; one must have")[0].partition(" The executed copy")[0]


def _line(outcome: Outcome) -> str:
    table = outcome.table
    numbers = f"{outcome.score:.3f} | {outcome.plain:.3f} | {outcome.guess:.3f}"
    given = "".join(f", `{name}={value}`" for name, value in table.parameters.items())
    size = f"{outcome.rows:,} | {outcome.columns}"
    return (
        f"| {table.name} ({table.package}{given}) | {table.target} | {size} "
        f"| {numbers} | {outcome.form} | {outcome.answered:,} of {outcome.asked:,} |"
    )


if __name__ == "__main__":
    main()
