"""A compiled model as a `Predictor`: ONNX Runtime and numpy, and no library of the training."""

from functools import cache
from typing import Any

import numpy as np

from model_store.checks.graph_check import check_graph
from model_store.compile.feed import Feeder, read_feed
from model_store.errors import PredictionError
from model_store.manifest import Compiled
from model_store.schema.columns import Columns, dtype_of
from model_store.schema.prediction import Label, Prediction
from model_store.schema.signature import Signature

# The names of a graph's outputs: `(rows, outputs)` of doubles, or `(rows,)` of class indexes; and
# `(rows, classes)`.
VALUES, LABELS, PROBABILITIES = "answer_values", "answer_labels", "answer_probabilities"
_FOLDER = "session.model_external_initializers_file_folder_path"
_MOST_BYTES = 2**31
"""Of memory that the graphs of a process compute in."""
_TYPES = {VALUES: "tensor(double)", LABELS: "tensor(int64)", PROBABILITIES: "tensor(double)"}


class OnnxPredictor:
    """A graph that was made by `model_store.compile.compiling`, ready to answer."""

    def __init__(self, graph: bytes, signature: Signature, compiled: Compiled) -> None:
        """Make a session of a graph.

        Raises:
            PredictionError: the graph cannot be run here, or does not match the manifest.
            RefusedError: it is no graph of `model_store.checks`.
        """
        self._outputs = signature.outputs
        self._session = open_session(graph)
        feed = read_feed(self._session.get_modelmeta().custom_metadata_map, signature)
        types = {found.name: found.type for found in self._session.get_inputs()}
        self._feeder = Feeder(feed, signature, types)
        self._classes = compiled.labels if compiled.probabilities else ()
        self._labels: np.ndarray | None = None
        if compiled.labels:
            self._labels = np.array(compiled.labels, dtype=dtype_of(signature.outputs[0]))
        first = LABELS if compiled.labels else VALUES
        self._asked = [first]
        self._asked_all = [first, PROBABILITIES]
        wanted = self._asked_all if self._classes else self._asked
        types = {output.name: output.type for output in self._session.get_outputs()}
        if any(types.get(name) != _TYPES[name] for name in wanted):
            raise PredictionError("The compiled model gives not what the manifest says.")

    @property
    def classes(self) -> tuple[Label, ...]:
        """The labels that have probabilities; empty where there are none to be had."""
        return self._classes

    def predict(self, columns: Columns, *, probabilities: bool = False) -> Prediction:
        """Answer all rows with one run of the graph.

        Raises:
            PredictionError: see `Predictor`; or the model has no probabilities to give.
        """
        if probabilities and not self._classes:
            raise PredictionError("This model has no probabilities: ask without them.")
        feed = self._feeder.inputs(columns)
        rows = len(next(iter(columns.values())))
        try:
            found = self._session.run(self._asked_all if probabilities else self._asked, feed)
        except Exception as error:  # noqa: BLE001 - the runtime's errors have no common base
            # Its message may hold a submitted value.
            raise PredictionError(
                f"The compiled model raised {type(error).__name__}: publish it again."
            ) from None
        values = self._values(found[0], rows)
        return Prediction(values, self._shares(found[1], rows) if probabilities else None)

    def _values(self, found: np.ndarray, rows: int) -> tuple[np.ndarray, ...]:
        if self._labels is not None:
            if found.shape != (rows,):
                raise PredictionError("The compiled model answered with another number of rows.")
            # Unsigned, so that an index below zero, which would count from the end, is too great.
            if np.maximum.reduce(found.view(np.uint64), initial=0) >= len(self._labels):
                raise PredictionError("The compiled model answered with no known label.")
            return (self._labels[found],)
        if found.size != rows * len(self._outputs):
            raise PredictionError("The compiled model answered with values of another shape.")
        if not np.isfinite(found).all():
            raise PredictionError("The model answered with a NaN or an infinity.")
        values = found.reshape(rows, len(self._outputs))
        return tuple(
            values[:, place].astype(dtype_of(column), copy=False)
            for place, column in enumerate(self._outputs)
        )

    def _shares(self, found: np.ndarray, rows: int) -> np.ndarray:
        if found.shape != (rows, len(self._classes)):
            raise PredictionError(
                "The compiled model answered with probabilities of another shape."
            )
        if not np.isfinite(found).all():
            raise PredictionError("The model answered with probabilities that are not numbers.")
        return found


@cache
def _limit_memory(onnxruntime: Any) -> None:
    """Let all graphs of this process compute in one memory that has a limit.

    A request that would need more fails by itself; the parameters of the models stand outside.
    """
    memory = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    arena = onnxruntime.OrtArenaCfg({"max_mem": _MOST_BYTES})
    onnxruntime.create_and_register_allocator(memory, arena)


def open_session(graph: bytes) -> Any:
    """Return a session of ONNX Runtime for a graph, with a limit of memory and one thread.

    Raises:
        PredictionError: the graph cannot be run here.
        RefusedError: it is no graph of `model_store.checks`.
    """
    # No session is made of bytes that nobody has looked through.
    check_graph(graph)
    try:
        import onnxruntime  # noqa: PLC0415 - a service of other models does without it

        _limit_memory(onnxruntime)
        options = onnxruntime.SessionOptions()
        # A graph that names another file finds none below a folder that cannot be, and a file of
        # the runtime's own format, which was not looked through, is none here.
        options.add_session_config_entry(_FOLDER, "/dev/null")
        options.add_session_config_entry("session.load_model_format", "ONNX")
        options.add_session_config_entry("session.use_env_allocators", "1")
        options.add_session_config_entry("session.use_device_allocator_for_initializers", "1")
        # Batches are too small to be shared, and a waiting thread would take the service's core.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 4
        return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise PredictionError(
            f"The compiled model cannot be run here ({type(error).__name__}): install the pinned "
            "onnxruntime, or publish again."
        ) from error
