"""YuNet as a list of layers over one array of float32."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from classicselfie.errors import MissingExtraError
from classicselfie.resources import resource
from classicselfie.yunet import FILE, MAPS

if TYPE_CHECKING:
    from onnx import NodeProto

_HEADS = ("cls", "obj", "bbox", "kps")


def read_network() -> tuple[list[dict[str, Any]], bytes]:
    """Read the bundled network, with ReLU and sigmoid as flags of the layer before them.

    Returns
    -------
    layers : list of dict
        In the order of computation; see docs/port.md.
    numbers : bytes
        Every layer's weights and then its bias, little-endian float32, one after the other.

    Raises
    ------
    MissingExtraError
        If the extra "export" is not installed.
    """
    MissingExtraError.unless_installed("export")
    import onnx
    from onnx.numpy_helper import to_array

    graph = onnx.load(resource("models", FILE)).graph
    tensors = {tensor.name: to_array(tensor) for tensor in graph.initializer}
    layers: list[dict[str, Any]] = []
    made: dict[str, dict[str, Any]] = {}  # by the name of what comes out
    parts: list[npt.NDArray[Any]] = []

    def add(name: str, layer: dict[str, Any]) -> None:
        made[name] = {"output": name, **layer}
        layers.append(made[name])

    def take(values: npt.NDArray[Any]) -> int:
        parts.append(values.ravel())
        return sum(part.size for part in parts[:-1])

    for node in graph.node:
        first, output = node.input[0], node.output[0]
        if node.op_type == "Conv":
            weights, bias = (tensors[name] for name in node.input[1:])
            shape, offsets = list(weights.shape), {"weights": take(weights), "bias": take(bias)}
            add(output, {"kind": _kind(node, shape), "input": first, "shape": shape, **offsets})
        elif node.op_type == "MaxPool":
            add(output, {"kind": "maximum", "input": first})
        elif node.op_type == "Add":
            add(output, {"kind": "add", "input": first, "smaller": node.input[1]})
        elif node.op_type == "Resize":
            made[output] = made[first]  # by two, each value four times: a part of "add"
        else:
            layer = made[output] = made[first]
            layer |= {"relu": True} if node.op_type == "Relu" else {}
            layer |= {"sigmoid": True} if node.op_type == "Sigmoid" else {}
    return _renamed(layers, made), np.concatenate(parts).astype("<f4").tobytes()


def _kind(node: NodeProto, shape: list[int]) -> str:
    strides = next(each.ints for each in node.attribute if each.name == "strides")
    if list(strides) == [2, 2]:
        return "first"  # 3 × 3 over all channels, every second pixel each way
    return "pointwise" if shape[2:] == [1, 1] else "depthwise"


def _renamed(layers: list[dict[str, Any]], made: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Name the outputs as `classicselfie.yunet` does; all others by their place."""
    names = {made[each.node]["output"]: each.name for each in MAPS}
    names |= {
        made[name]["output"]: name
        for name in (f"{kind}_{each.stride}" for kind in _HEADS for each in MAPS)
    }
    for place, layer in enumerate(layers):
        names.setdefault(layer["output"], f"layer_{place}")
    names["input"] = "input"
    return [
        {
            key: names[made[value]["output"] if value in made else value]
            if key in ("input", "smaller", "output")
            else value
            for key, value in layer.items()
        }
        for layer in layers
    ]
