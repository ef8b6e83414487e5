"""The fields of an ONNX file that a compiled model may have: those of `onnx.proto`, less the rest.

What is left out is refused: external data, sparse tensors, graphs inside of nodes, functions,
training, types other than tensors. A file without these can name no other file.
"""

from model_store.checks.wire import BYTES, FIXED32, FIXED64, VARINT, Field, Message

_ENTRY: Message = {1: Field("key", BYTES), 2: Field("value", BYTES)}
_DIMENSION: Message = {
    1: Field("value", VARINT),
    2: Field("parameter", BYTES),
    3: Field("denotation", BYTES),
}
_SHAPE: Message = {1: Field("dimensions", BYTES, many=True, message=_DIMENSION)}
_TENSOR_TYPE: Message = {1: Field("element", VARINT), 2: Field("shape", BYTES, message=_SHAPE)}
_TYPE: Message = {
    1: Field("tensor", BYTES, message=_TENSOR_TYPE),
    6: Field("denotation", BYTES),
}
_VALUE_INFO: Message = {
    1: Field("name", BYTES),
    2: Field("type", BYTES, message=_TYPE),
    3: Field("documentation", BYTES),
}
_TENSOR: Message = {
    1: Field("dims", VARINT, many=True),
    2: Field("type", VARINT),
    4: Field("floats", FIXED32, many=True),
    5: Field("int32s", VARINT, many=True),
    6: Field("strings", BYTES, many=True),
    7: Field("int64s", VARINT, many=True),
    8: Field("name", BYTES),
    9: Field("raw", BYTES),
    10: Field("doubles", FIXED64, many=True),
    11: Field("uint64s", VARINT, many=True),
    12: Field("documentation", BYTES),
    14: Field("location", VARINT),
}
_ATTRIBUTE: Message = {
    1: Field("name", BYTES),
    2: Field("float", FIXED32),
    3: Field("int", VARINT),
    4: Field("string", BYTES),
    5: Field("tensor", BYTES, message=_TENSOR),
    7: Field("floats", FIXED32, many=True),
    8: Field("ints", VARINT, many=True),
    9: Field("strings", BYTES, many=True),
    13: Field("documentation", BYTES),
    20: Field("type", VARINT),
}
_NODE: Message = {
    1: Field("inputs", BYTES, many=True),
    2: Field("outputs", BYTES, many=True),
    3: Field("name", BYTES),
    4: Field("operator", BYTES),
    5: Field("attributes", BYTES, many=True, message=_ATTRIBUTE),
    6: Field("documentation", BYTES),
    7: Field("domain", BYTES),
}
_GRAPH: Message = {
    1: Field("nodes", BYTES, many=True, message=_NODE),
    2: Field("name", BYTES),
    5: Field("tensors", BYTES, many=True, message=_TENSOR),
    10: Field("documentation", BYTES),
    11: Field("inputs", BYTES, many=True, message=_VALUE_INFO),
    12: Field("outputs", BYTES, many=True, message=_VALUE_INFO),
    13: Field("values", BYTES, many=True, message=_VALUE_INFO),
}
_OPERATOR_SET: Message = {1: Field("domain", BYTES), 2: Field("version", VARINT)}
MODEL: Message = {
    1: Field("ir_version", VARINT),
    2: Field("producer", BYTES),
    3: Field("producer_version", BYTES),
    4: Field("domain", BYTES),
    5: Field("version", VARINT),
    6: Field("documentation", BYTES),
    7: Field("graph", BYTES, message=_GRAPH),
    8: Field("operator_sets", BYTES, many=True, message=_OPERATOR_SET),
    14: Field("metadata", BYTES, many=True, message=_ENTRY),
}
"""An ONNX file."""
