"""YuNet on our own terms: one forward pass gives faces, their raw scores, and the inner maps.

OpenCV's `FaceDetectorYN` runs the same network and throws away all but the faces. The maps, which
are computed anyway, tell as much of a photo as all other features together.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from typing import NamedTuple, cast

import cv2
import numpy as np
import numpy.typing as npt

from classicselfie.images import BgrImage
from classicselfie.quiet import no_opencv_warnings
from classicselfie.resources import resource

Points = npt.NDArray[np.float32]
Map = npt.NDArray[np.float32]
"""Shape (64, rows, columns), each at least 0."""

FILE = "yunet_2023mar_maps.onnx"
CHANNELS = 64


class MapSource(NamedTuple):
    """Where in the network a map comes from.

    Attributes
    ----------
    name : str
    node : str
        Name of the node's output in the ONNX file.
    stride : int
        Pixels of the network's input that a cell covers, each way.
    """

    name: str
    node: str
    stride: int


# Those the neck merges from these (nodes 246 and 256) told nothing more: docs/experiments.md.
MAPS = (MapSource("fine", "214", 8), MapSource("middle", "223", 16), MapSource("coarse", "236", 32))
_STRIDES = (8, 16, 32)
_NAMES = [
    *(f"{kind}_{stride}" for kind in ("cls", "obj", "bbox", "kps") for stride in _STRIDES),
    *(each.node for each in MAPS),
]
_DIVISOR = 32  # the input's sides are multiples of it
_NOBODY = np.zeros((0, 15), np.float32)
_MOST_NETS = 8  # a thread, of 3 MB each
_MOST_CANDIDATES = 5000
_OVERLAP = 0.3  # intersection over union from which the weaker candidate goes


class Look:
    """What one forward pass saw.

    Parameters
    ----------
    outputs : mapping of str to ndarray of float32
        The network's, by their names.
    size : tuple of int
        Width and height of the picture in pixels.

    Attributes
    ----------
    maps : tuple of ndarray of float32
        One of each of `MAPS`, of the picture alone, without the padding.
    size : tuple of int
    """

    def __init__(self, outputs: Mapping[str, Points], size: tuple[int, int]) -> None:
        width, height = size
        self.size = size
        self.maps: tuple[Map, ...] = tuple(
            outputs[each.node][0, :, : -(-height // each.stride), : -(-width // each.stride)]
            for each in MAPS
        )
        self._outputs = outputs
        self._input = tuple(-(-side // _DIVISOR) * _DIVISOR for side in size)

    def _joined(self, kind: str) -> Points:
        """Join the outputs of one kind, cells by numbers, the finest stride first."""
        outputs = [self._outputs[f"{kind}_{stride}"] for stride in _STRIDES]
        return np.concatenate([each[0] for each in outputs])

    @cached_property
    def _scores(self) -> Points:
        """Geometric mean of "a face" and "centred here", one a cell."""
        face, centred = (np.clip(self._joined(kind), 0, 1) for kind in ("cls", "obj"))
        return cast(Points, np.sqrt(face * centred).ravel())

    @property
    def best_score(self) -> float:
        """The highest raw score anywhere, face or not, 0 to 1."""
        return float(self._scores.max())

    def candidates(self, score_threshold: float = 0.0) -> Points:
        """List what may be a face, with overlapping ones.

        Parameters
        ----------
        score_threshold : float
            Weaker candidates are left out.

        Returns
        -------
        ndarray of float32, shape (n, 15)
            x, y, width, height, five landmarks as x and y, and the raw score, best first, in
            pixels of the picture.
        """
        index = np.flatnonzero(self._scores >= score_threshold)
        if not len(index):
            return _NOBODY
        scores = self._scores[index]
        index = index[np.argsort(-scores, kind="stable")]
        cell, stride = (each[index] for each in _cells(*self._input))
        offset, size = np.split(self._joined("bbox")[index], 2, axis=1)
        landmarks = self._joined("kps")[index].reshape(-1, 5, 2) + cell[:, None]
        extent = np.exp(size) * stride
        corner = (cell + offset) * stride - extent / 2
        landmarks = landmarks.reshape(-1, 10) * stride
        return np.concatenate([corner, extent, landmarks, self._scores[index, None]], axis=1)

    def faces(self, score_threshold: float) -> Points:
        """Keep the best of overlapping candidates, as `FaceDetectorYN` does.

        Parameters
        ----------
        score_threshold : float

        Returns
        -------
        ndarray of float32, shape (n, 15)
            Best first.
        """
        rows = self.candidates(score_threshold)
        if not len(rows):
            return rows
        boxes = np.trunc(rows[:, :4]).astype(int).tolist()  # it compares whole pixels
        kept = cv2.dnn.NMSBoxes(
            boxes, rows[:, 14].tolist(), score_threshold, _OVERLAP, 1.0, _MOST_CANDIDATES
        )
        return rows[np.ravel(np.asarray(kept, np.int64))]


@lru_cache(maxsize=_MOST_NETS)
def _cells(width: int, height: int) -> tuple[Points, Points]:
    """List column and row, and the stride, of all cells of an input, as the outputs are joined."""
    cells = [
        np.indices((width // stride, height // stride)).T.reshape(-1, 2) for stride in _STRIDES
    ]
    strides = np.repeat(_STRIDES, [len(each) for each in cells])
    return np.concatenate(cells).astype(np.float32), strides[:, None].astype(np.float32)


class YuNet:
    """The network; one instance may serve many threads.

    References
    ----------
    Wu, Peng, Yu: YuNet: A Tiny Millisecond-level Face Detector, Machine Intelligence Research
    20 (2023). Weights: `face_detection_yunet_2023mar.onnx` of the OpenCV Zoo, MIT licence, its
    maps declared as outputs by `bench/yunet_maps.py`. Decoding: `FaceDetectorYN` of OpenCV.
    """

    def __init__(self) -> None:
        self._path = str(resource("models", FILE))
        # A network plans for its input's size, which takes OpenCV 4 a third of a pass.
        self._local = threading.local()

    def look(self, image: BgrImage) -> Look:
        """Run the network once.

        Parameters
        ----------
        image : ndarray of uint8, shape (height, width, 3)
            BGR.

        Returns
        -------
        Look
        """
        height, width = image.shape[:2]
        rows, columns = -(-height // _DIVISOR) * _DIVISOR, -(-width // _DIVISOR) * _DIVISOR
        net = self._net(rows, columns)
        padded = cv2.copyMakeBorder(
            image, 0, rows - height, 0, columns - width, cv2.BORDER_CONSTANT, value=(0, 0, 0)
        )
        # As `blobFromImage`, which takes longer in OpenCV 5.
        net.setInput(np.ascontiguousarray(padded.transpose(2, 0, 1), np.float32)[None])
        outputs = cast(Sequence[Points], net.forward(_NAMES))
        return Look(dict(zip(_NAMES, outputs, strict=True)), (width, height))

    def _net(self, rows: int, columns: int) -> cv2.dnn.Net:
        """Return this thread's network for inputs of a size; those used last are kept."""
        nets: OrderedDict[tuple[int, int], cv2.dnn.Net] = self._local.__dict__.setdefault(
            "nets", OrderedDict()
        )
        net = nets.pop((rows, columns), None)
        if net is None:
            # One that has planned for another size plans anew, which is faster than reading.
            net = nets.popitem(last=False)[1] if len(nets) == _MOST_NETS else self._read()
        nets[rows, columns] = net
        return net

    def _read(self) -> cv2.dnn.Net:
        with no_opencv_warnings:  # OpenCV 5 warns of what it chooses by itself
            return cv2.dnn.readNetFromONNX(self._path)
