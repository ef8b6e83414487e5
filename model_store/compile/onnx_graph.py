"""What our converters write with: nodes and constants of the graph that skl2onnx builds."""

from typing import Any

import numpy as np
from onnx import TensorProto, helper
from skl2onnx.common.data_types import StringTensorType

# The element types that our converters work in.
BOOL, INT64 = TensorProto.BOOL, TensorProto.INT64
FLOAT, DOUBLE = TensorProto.FLOAT, TensorProto.DOUBLE
ML_DOMAIN = "ai.onnx.ml"
OURS = "ours_"
"""How the names of nodes begin that our converters add."""


class NotCompilableError(Exception):
    """An estimator has no exact compiled form; the sentence says why."""


class Graph:
    """One step's part of a graph: where it begins, and the nodes that are added to it."""

    def __init__(self, scope: Any, operator: Any, container: Any) -> None:
        self.step = operator.raw_operator
        """The fitted estimator."""
        self.rows: str = operator.inputs[0].full_name
        """The name of its input, `(rows, columns)`."""
        self.input_type = operator.inputs[0].type
        self.inputs: tuple[tuple[str, Any], ...] = tuple(
            (variable.full_name, variable.type) for variable in operator.inputs
        )
        """Name and type of every input, where there are several: one a column."""
        self._outputs = [variable.full_name for variable in operator.outputs]
        self._scope = scope
        self._container = container

    def constant(self, values: Any) -> str:
        """Add a tensor, and return its name. Text may be given as bytes."""
        array = np.asarray(values)
        name: str = self._scope.get_unique_variable_name("constant")
        content = array.ravel().tolist()
        if array.dtype.kind in "OSU":
            content = [text if isinstance(text, bytes) else text.encode() for text in content]
            kind: int = TensorProto.STRING
        else:
            kind = helper.np_dtype_to_tensor_dtype(array.dtype)
        self._container.add_initializer(name, kind, list(array.shape), content)
        return name

    def node(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Add a node with one output, and return that one's name."""
        name: str = self._scope.get_unique_variable_name(kind.lower())
        self._container.add_node(
            kind,
            list(inputs),
            [name],
            op_domain=domain,
            name=self._scope.get_unique_operator_name(OURS + kind),
            **attributes,
        )
        return name

    def cast(self, name: str, kind: int) -> str:
        """Return a tensor in another element type."""
        return self.node("Cast", name, to=kind)

    def doubles(self) -> str:
        """Return the input in double precision."""
        if isinstance(self.input_type, StringTensorType):
            raise NotCompilableError("It computes with text.")
        return self.cast(self.rows, DOUBLE)

    def finish_classes(self, raw: str, width: int) -> None:
        """End with the class of the greatest of some numbers, and with their probabilities.

        Args:
            raw: `(rows, width)`; one number decides between two classes by its sign.
            width: how many numbers there are.
        """
        if width > 1:
            label = self.node("ArgMax", raw, axis=1, keepdims=0)
            self.finish(label, self.node("Softmax", raw, axis=1))
            return
        only = self.node("Squeeze", raw, self.constant([1]))
        label = self.cast(self.node("Greater", only, self.constant(0.0)), INT64)
        share = self.node("Sigmoid", raw)
        rest = self.node("Sub", self.constant(1.0), share)
        self.finish(label, self.node("Concat", rest, share, axis=1))

    def finish(self, *names: str) -> None:
        """Make tensors the outputs of this step, in order."""
        for name, output in zip(names, self._outputs, strict=True):
            self._container.add_node(
                "Identity", [name], [output], name=self._scope.get_unique_operator_name("Identity")
            )
