"""YuNet on our own terms: one forward pass gives faces, their raw scores, and the inner maps.

OpenCV's `FaceDetectorYN` runs the same network and throws away all but the faces. The maps, which
are computed anyway, tell as much of a photo as all other features together.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
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


MAPS = (
    MapSource("fine", "214", 8),  # of the backbone, from fine to coarse
    MapSource("middle", "223", 16),
    MapSource("coarse", "236", 32),
    MapSource("merged_middle", "246", 16),  # of the neck: with what the coarser ones know
    MapSource("merged_fine", "256", 8),
)
_STRIDES = (8, 16, 32)
_NAMES = [
    *(f"{kind}_{stride}" for kind in ("cls", "obj", "bbox", "kps") for stride in _STRIDES),
    *(each.node for each in MAPS),
]
_DIVISOR = 32  # the input's sides are multiples of it
_LOWEST_SCORE = 0.05  # a candidate below this is no face to anybody
_MOST_CANDIDATES = 5000
_OVERLAP = 0.3  # intersection over union from which the weaker candidate goes


@dataclass(frozen=True, eq=False)
class Look:
    """What one forward pass saw.

    Attributes
    ----------
    candidates : ndarray of float32, shape (n, 15)
        x, y, width, height, five landmarks as x and y, and the raw score, best first, in pixels of
        the picture; overlapping ones are still there.
    best_score : float
        The highest raw score anywhere, face or not, 0 to 1.
    maps : tuple of ndarray of float32
        One of each of `MAPS`, of the picture alone, without the padding.
    size : tuple of int
        Width and height of the picture.
    """

    candidates: Points
    best_score: float
    maps: tuple[Map, ...]
    size: tuple[int, int]

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
        rows = self.candidates[self.candidates[:, 14] >= score_threshold]
        if not len(rows):
            return rows
        boxes = np.trunc(rows[:, :4]).astype(int).tolist()  # it compares whole pixels
        kept = cv2.dnn.NMSBoxes(
            boxes, rows[:, 14].tolist(), score_threshold, _OVERLAP, 1.0, _MOST_CANDIDATES
        )
        return rows[np.ravel(np.asarray(kept, np.int64))]


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
        # A network plans for its input's size: one per thread and purpose.
        self._local = threading.local()

    def look(self, image: BgrImage, purpose: str) -> Look:
        """Run the network once.

        Parameters
        ----------
        image : ndarray of uint8, shape (height, width, 3)
            BGR.
        purpose : str
            Looks of one purpose share a network, which is fastest where their sizes are equal.

        Returns
        -------
        Look
        """
        net = getattr(self._local, purpose, None)
        if net is None:
            with no_opencv_warnings:  # OpenCV 5 warns of what it chooses by itself
                net = cv2.dnn.readNetFromONNX(self._path)
            setattr(self._local, purpose, net)
        height, width = image.shape[:2]
        rows, columns = -(-height // _DIVISOR) * _DIVISOR, -(-width // _DIVISOR) * _DIVISOR
        padded = cv2.copyMakeBorder(
            image, 0, rows - height, 0, columns - width, cv2.BORDER_CONSTANT, value=(0, 0, 0)
        )
        net.setInput(cv2.dnn.blobFromImage(padded))
        outputs = dict(zip(_NAMES, cast(Sequence[Points], net.forward(_NAMES)), strict=True))
        scores = {stride: _scores(outputs, stride) for stride in _STRIDES}
        found = np.concatenate(
            [_decode(outputs, stride, columns // stride, scores[stride]) for stride in _STRIDES]
        )
        return Look(
            candidates=found[np.argsort(-found[:, 14], kind="stable")],
            best_score=max(float(each.max()) for each in scores.values()),
            maps=tuple(
                outputs[each.node][0, :, : -(-height // each.stride), : -(-width // each.stride)]
                for each in MAPS
            ),
            size=(width, height),
        )


def _scores(outputs: dict[str, Points], stride: int) -> Points:
    """Geometric mean of "a face" and "centred here", one a cell."""
    likely = [np.clip(outputs[f"{kind}_{stride}"].ravel(), 0, 1) for kind in ("cls", "obj")]
    return cast(Points, np.sqrt(likely[0] * likely[1]))


def _decode(outputs: dict[str, Points], stride: int, columns: int, scores: Points) -> Points:
    """Turn a stride's cells to candidates, see `Look`."""
    index = np.flatnonzero(scores >= _LOWEST_SCORE)
    cell = np.stack([index % columns, index // columns], axis=1).astype(np.float32)
    offset, size = np.split(outputs[f"bbox_{stride}"].reshape(-1, 4)[index], 2, axis=1)
    landmarks = outputs[f"kps_{stride}"].reshape(-1, 5, 2)[index] + cell[:, None]
    extent = np.exp(size) * stride
    corner = (cell + offset) * stride - extent / 2
    return np.concatenate(
        [corner, extent, landmarks.reshape(-1, 10) * stride, scores[index, None]],
        axis=1,
        dtype=np.float32,
    )
