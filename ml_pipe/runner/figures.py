"""The figures of the notebooks: drawn here, shown in the notebook, kept in the run's folder."""

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from IPython.display import Image

from ml_pipe.runner.run.personal import is_personal, personal_columns
from ml_pipe.runner.run.run_folder import current_folder
from model_store.manifest import Task
from model_store.schema.arrays.array_cells import holds_arrays
from model_store.schema.arrays.pictures import as_picture, in_grays
from model_store.schema.signature import Column

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_BARS = 12
_MOST_NUMBERED_LABELS = 20
_MOST_ARRAYS = 1000


def keep(figure: "Figure", name: str) -> Any:
    """Keep a figure in the run's folder, as `figures/<name>.png`, and return it to be shown.

    Any figure of matplotlib will do, one of your own as well.
    """
    path = current_folder() / "figures" / f"{name}.png"
    with warnings.catch_warnings():
        # A letter that no font has is drawn as a box, and the run's report is no place to say so.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(path)
    image: Any = Image  # it has no types
    return image(path)


def caption(name: str) -> str:
    """Return a name that a figure can show: short, and with no dollar that starts a formula."""
    return (name if len(name) <= 24 else f"{name[:23]}…").replace("$", r"\$")  # noqa: PLR2004 - a label's width


def plot_columns(table: pd.DataFrame, columns: Sequence[Column], most: int = 12) -> "Figure":
    """Return a figure with the distribution of the first columns of a table, `(rows, columns)`."""
    shown = columns[:most]
    rows = -(-len(shown) // 4)
    figure = _figure((12, 2.4 * rows))
    personal = personal_columns()
    for axes, column in zip(figure.subplots(rows, 4, squeeze=False).flat, shown, strict=False):
        if is_personal(column, personal):
            _hidden(axes)
        else:
            _distribution(axes, table[column.name].dropna())
        axes.set_title(caption(column.name))
    for axes in figure.axes[len(shown) :]:
        axes.set_axis_off()
    return figure


def plot_target(labels: "pd.Series[Any] | pd.DataFrame", task: Task) -> "Figure":
    """Return a figure with what is to be predicted: rows a label, or a histogram of amounts.

    Several targets, the columns of a table, stand one below the other.
    """
    targets = pd.DataFrame(labels)
    figure = _figure((6, 2.6 * targets.shape[1]))
    for name, axes in zip(
        targets, figure.subplots(targets.shape[1], squeeze=False).flat, strict=True
    ):
        present = targets[name].dropna()
        if name in personal_columns():
            _hidden(axes)
        else:
            _distribution(axes, present if task == "regression" else present.astype(object))
        axes.set_title(caption(str(name)))
        axes.set_ylabel("rows") if task == "regression" else axes.set_xlabel("rows")
    return figure


def plot_missing(table: pd.DataFrame, most: int = 20) -> "Figure":
    """Return a figure with the columns of a table that miss most values, in percent of the rows."""
    shares = (table.isna().mean() * 100).sort_values(ascending=False, kind="stable")
    shown = shares[shares > 0].head(most)[::-1]
    figure = _figure((6, 1.2 + 0.25 * len(shown)))
    axes = figure.subplots()
    axes.barh([caption(str(name)) for name in shown.index], shown.to_numpy())
    axes.set(xlim=(0, 100), xlabel="missing, % of the rows")
    if shown.empty:
        axes.set_yticks([])
        axes.text(50, 0, "no value is missing", ha="center", va="center")
    return figure


def plot_answers(
    truth: "pd.Series[Any] | pd.DataFrame", answers: np.ndarray, task: Task
) -> "Figure":
    """Return a figure: the confusion matrix, or the residuals over the answers.

    Several targets, the columns of a table, stand one below the other.
    """
    targets = pd.DataFrame(truth)
    # Bounds of an interval stand behind the answers.
    each = np.asarray(answers).reshape(len(targets), -1)[:, : targets.shape[1]]
    figure = _figure((6, 5 * targets.shape[1]))
    for place, axes in enumerate(figure.subplots(targets.shape[1], squeeze=False).flat):
        own = targets.iloc[:, place]
        if own.name in personal_columns():
            _hidden(axes)
        elif task == "regression":
            axes.scatter(each[:, place], own - each[:, place].astype(float), s=8, alpha=0.5)
            axes.axhline(0, color="black", linewidth=1)
            axes.set(xlabel="answer", ylabel="truth - answer")
        else:
            _confusion(axes, own, each[:, place])
        if targets.shape[1] > 1:
            axes.set_title(caption(str(own.name)))
    return figure


def _confusion(axes: Any, truth: "pd.Series[Any]", answers: np.ndarray) -> None:
    # The first notebooks draw as well, and need nothing else of it.
    from sklearn import metrics  # noqa: PLC0415

    labels = sorted(set(truth) | set(answers), key=str)
    matrix = metrics.confusion_matrix(truth, answers, labels=labels)
    axes.imshow(matrix, cmap="Blues")
    ticks = [caption(str(label)) for label in labels]
    axes.set_xticks(range(len(labels)), ticks, rotation=90)
    axes.set_yticks(range(len(labels)), ticks)
    axes.set(xlabel="answer", ylabel="truth")
    if len(labels) <= _MOST_NUMBERED_LABELS:
        for (row, column), count in np.ndenumerate(matrix):
            axes.text(column, row, count, ha="center", va="center", color="darkorange")


def plot_importance(importance: Mapping[str, float], most: int = 15) -> "Figure":
    """Return a figure with the most important columns."""
    shown = list(importance.items())[:most][::-1]
    figure = _figure((6, 1 + 0.3 * len(shown)))
    axes = figure.subplots()
    axes.barh([caption(name) for name, _ in shown], [value for _, value in shown])
    axes.set_xlabel("fall of the score when shuffled")
    return figure


def plot_groups(groups: pd.DataFrame) -> "Figure":
    """Return a figure with the score of each group that is large enough to be compared."""
    shown = groups.dropna(subset=["score"])[::-1]
    figure = _figure((6, 1 + 0.3 * len(shown)))
    axes = figure.subplots()
    axes.barh([caption(str(name)) for name in shown.index], shown["score"])
    axes.set_xlabel("score")
    return figure


def _figure(size: tuple[float, float]) -> "Figure":
    """Return an empty figure of so many inches."""
    # Its first import looks for fonts, and writes down what it found.
    from matplotlib.figure import Figure  # noqa: PLC0415

    return Figure(figsize=size, layout="constrained")


def _hidden(axes: Any) -> None:
    """Say in place of a picture that there is none."""
    axes.text(0.5, 0.5, "personal: not shown", ha="center", va="center", fontsize=8)
    axes.set_xticks([])
    axes.set_yticks([])


def _arrays(axes: Any, cells: "pd.Series[Any]") -> None:
    """Draw the mean of pictures, or how the means of other arrays are distributed."""
    mean = np.mean([cell.astype(float) for cell in cells.iloc[:_MOST_ARRAYS]], axis=0)
    picture = as_picture(mean)
    if picture is None:
        axes.hist([float(cell.mean()) for cell in cells], bins=20)
        return
    axes.imshow(in_grays(picture, float(mean.min()), float(mean.max())), cmap="gray")
    axes.set_xticks([])
    axes.set_yticks([])


def _distribution(axes: Any, values: "pd.Series[Any]") -> None:
    if holds_arrays(values):
        _arrays(axes, values)
        return
    if values.dtype.kind in "ifM":
        axes.hist(values, bins=20)
        if values.dtype.kind == "M":
            axes.tick_params(axis="x", labelrotation=45, labelsize=7)
        return
    counts = values.astype(str).str.slice(0, 12).value_counts().head(_MOST_BARS)
    axes.barh([caption(str(value)) for value in counts.index[::-1]], counts.to_numpy()[::-1])
