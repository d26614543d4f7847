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

import onnx
from onnx.helper import make_tensor_value_info

from classicselfie.yunet import MAPS

ORIGINAL = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"
CHANNELS = 64
SIDE = 640  # the file's own input; another size is set when it runs


def declaration(name: str, stride: int) -> onnx.ValueInfoProto:
    """Declare 1 × 64 × rows × columns; without a shape no OpenCV loads it."""
    shape = (1, CHANNELS, SIDE // stride, SIDE // stride)
    return make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("original", type=Path)
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()
    original = arguments.original.read_bytes()
    if hashlib.sha256(original).hexdigest() != ORIGINAL:
        parser.error(f"{arguments.original} is not the file that the weights were trained with")
    outputs = [declaration(each.node, each.stride) for each in MAPS]
    addition = onnx.ModelProto(graph=onnx.GraphProto(output=outputs))
    changed = original + addition.SerializeToString()
    arguments.output.write_bytes(changed)
    for path, content in ((arguments.original, original), (arguments.output, changed)):
        print(f"{hashlib.sha256(content).hexdigest()}  {path.name}")


if __name__ == "__main__":
    main()
