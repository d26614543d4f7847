"""Declare YuNet's inner maps as outputs of its ONNX file, and change nothing else.

    python bench/yunet_maps.py face_detection_yunet_2023mar.onnx models/yunet_2023mar_maps.onnx

OpenCV 5 returns what a file declares and nothing more. Protocol buffers are merged by putting one
behind the other (encoding guide, "last one wins" and its rule for embedded messages), so the
declarations are appended: the file begins with the original one, byte for byte.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

from classicselfie.yunet import MAPS

ORIGINAL = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"
CHANNELS = 64
SIDE = 640  # the file's own input; another size is set when it runs
# Field numbers of onnx.proto3.
MODEL_GRAPH, GRAPH_OUTPUT = 7, 12
VALUE_NAME, VALUE_TYPE, TYPE_TENSOR, TENSOR_ELEMENT, TENSOR_SHAPE = 1, 2, 1, 1, 2
SHAPE_DIMENSION, DIMENSION_VALUE = 1, 1
FLOAT = 1


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def block(field: int, content: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(content)) + content


def declaration(name: str, stride: int) -> bytes:
    """Write a ValueInfoProto of 1 × 64 × rows × columns; without a shape no OpenCV loads it."""
    shape = b"".join(
        block(SHAPE_DIMENSION, number(DIMENSION_VALUE, size))
        for size in (1, CHANNELS, SIDE // stride, SIDE // stride)
    )
    tensor = number(TENSOR_ELEMENT, FLOAT) + block(TENSOR_SHAPE, shape)
    return block(VALUE_NAME, name.encode()) + block(VALUE_TYPE, block(TYPE_TENSOR, tensor))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("original", type=Path)
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()
    original = arguments.original.read_bytes()
    if hashlib.sha256(original).hexdigest() != ORIGINAL:
        parser.error(f"{arguments.original} is not the file that the weights were trained with")
    outputs = b"".join(block(GRAPH_OUTPUT, declaration(each.node, each.stride)) for each in MAPS)
    changed = original + block(MODEL_GRAPH, outputs)
    arguments.output.write_bytes(changed)
    for path, content in ((arguments.original, original), (arguments.output, changed)):
        print(f"{hashlib.sha256(content).hexdigest()}  {path.name}")


if __name__ == "__main__":
    main()
