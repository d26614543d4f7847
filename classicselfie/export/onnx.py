"""The few fields of an ONNX file that YuNet's layers are made of.

OpenCV reads such a file but gives its tensors away in one of its majors only, and the package
`onnx` would be a dependency for 53,000 numbers. Field numbers: `onnx.proto`; wire types: Protocol
Buffers, Encoding.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Tensor: TypeAlias = npt.NDArray[np.float32]

_GRAPH = 7
_NODE, _INITIALIZER = 1, 5
_INPUT, _OUTPUT, _OPERATION, _ATTRIBUTE = 1, 2, 4, 5
_ATTRIBUTE_NAME, _ATTRIBUTE_INTEGER, _ATTRIBUTE_INTEGERS = 1, 3, 8
_DIMENSION, _DATA_TYPE, _TENSOR_NAME, _RAW_DATA = 1, 2, 8, 9
_FLOAT = 1
_VARINT, _EIGHT_BYTES, _LENGTH, _FOUR_BYTES = 0, 1, 2, 5


@dataclass(frozen=True)
class Node:
    """One operation of a graph.

    Attributes
    ----------
    operation : str
        "Conv", "Relu" and so on.
    inputs, outputs : tuple of str
    attributes : mapping of str to list of int
        The whole numbers among them.
    """

    operation: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, list[int]]


def read_graph(data: bytes) -> tuple[list[Node], dict[str, Tensor]]:
    """Read a model's operations, in their order, and its float32 tensors.

    Parameters
    ----------
    data : bytes
        An ONNX file; it must be one of our own, nothing is checked.

    Returns
    -------
    nodes : list of Node
    tensors : dict of str to ndarray of float32
        By their names.
    """
    # Of a message that stands several times, Protocol Buffers merge the fields.
    graph = b"".join(value for field, value in _bytes(data) if field == _GRAPH)
    parts = list(_bytes(graph))
    nodes = [_node(value) for field, value in parts if field == _NODE]
    tensors = [_tensor(value) for field, value in parts if field == _INITIALIZER]
    return nodes, {name: values for name, values in tensors if values is not None}


def _node(data: bytes) -> Node:
    fields = list(_bytes(data))
    texts = {
        key: tuple(value.decode() for field, value in fields if field == key)
        for key in (_INPUT, _OUTPUT, _OPERATION)
    }
    attributes = {}
    for field, value in fields:
        if field == _ATTRIBUTE:
            (name,) = (text.decode() for key, text in _bytes(value) if key == _ATTRIBUTE_NAME)
            attributes[name] = _integers(value, _ATTRIBUTE_INTEGER, _ATTRIBUTE_INTEGERS)
    return Node(texts[_OPERATION][0], texts[_INPUT], texts[_OUTPUT], attributes)


def _tensor(data: bytes) -> tuple[str, Tensor | None]:
    values = dict(_bytes(data))
    name = values[_TENSOR_NAME].decode()
    if _integers(data, _DATA_TYPE) != [_FLOAT]:
        return name, None
    numbers = np.frombuffer(values.get(_RAW_DATA, b""), "<f4")
    return name, numbers.reshape(_integers(data, _DIMENSION)).astype(np.float32)


def _bytes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the fields that hold bytes, text or messages."""
    return ((field, value) for field, value in _fields(data) if isinstance(value, bytes))


def _integers(data: bytes, *wanted: int) -> list[int]:
    return [v for field, v in _fields(data) if field in wanted and isinstance(v, int)]


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    place = 0
    while place < len(data):
        key, place = _varint(data, place)
        field, kind = key >> 3, key & 7
        if kind == _VARINT:
            number, place = _varint(data, place)
            yield field, number
            continue
        if kind == _LENGTH:
            length, place = _varint(data, place)
        else:
            length = {_EIGHT_BYTES: 8, _FOUR_BYTES: 4}[kind]
        yield field, data[place : place + length]
        place += length


def _varint(data: bytes, place: int) -> tuple[int, int]:
    """Read a number of seven bits a byte, the lowest first; tell where the next field begins."""
    number = shift = 0
    while True:
        byte = data[place]
        number |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return number, place
