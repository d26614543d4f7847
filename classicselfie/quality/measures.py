"""Photo and faces to the measures of photographic quality, for the frame or any part of it.

Everything is judged by relations in which the colour and albedo of skin cancel out: light by what
is not skin, shading by one cheek against the other, sharpness by ratios of gradients. One pass
over the picture fills sums over areas, so that the measures of thousands of crops cost no more
pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import cv2
import numpy as np
import numpy.typing as npt

from classicselfie.faces import Bbox, Face, YuNetDetector
from classicselfie.features import SIMILAR_FACE, Scene
from classicselfie.images import BgrImage, Plane, reduce, resize

Floats = npt.NDArray[np.float64]

MEASURES = (
    "dark",
    "blown",
    "shading",
    "softness",
    "noise",
    "halos",
    "smoothing",
    "head_size",
    "head_cut",
    "tilt",
    "eyes",
    "clutter",
    "borders",
)

# Skin counts this much of other pixels where light is judged: where a face fills the frame, a
# few pixels of background still decide, and no frame is left without any.
_SKIN_WEIGHT = 0.001
_BELOW_WEIGHT = 0.1  # beside the shoulders: arms may be bare
_STRIDE = 2  # the sums over areas are kept at half the working size
_BINS = 64
_BIN = 256 // _BINS
_BRIGHT_QUANTILES = (0.8, 0.9, 0.95, 0.98)
_GAMMA = 2.2  # encoded luma to light
_WHITE = 235.0
_LOG_FLOOR = 16.0  # keeps the noise of black from counting as contrast
_EDGE_SCALES = (0.6, 2.4)  # pixels
_SOFTEST = 64.0
_RIM = (1.0, 2.0, 3.0, 4.0)  # pixels from the middle of an edge: where sharpening leaves rims,
_PLAIN = 7.5  # and where it leaves none
_FLOOR = 0.05  # grey levels: steps of eight bits are no texture
# A head is looked at again in six turned views side by side on one sheet, so that the network runs
# once, and from then on around the tilt found, until that moves no farther than a tilt that costs
# nothing. What lies to one side is seen mirrored, what lies between both ways, so that a photo and
# its mirror image show the network the same. In degrees.
_VIEWS = ((-48, True), (-24, True), (0, True), (0, False), (24, False), (48, False))
_LOOKS, _HARDLY = 4, 6.0
_VIEW, _VIEW_FACES = 96, 1.6  # pixels a side, and face sizes a side
_ROWS, _COLUMNS = 2, 3  # of the sheet
_AROUND = (128, 128, 128)  # beyond the picture
_CONFIDENT = 1 / 20  # of two views, one by this much surer counts e times as much
_SURE = 0.85  # of the main head's confidence: what is less sure may be no head
_SKIN_GREY = 130.0
_SMALLEST = 8  # pixels a side of what edges are measured in
_SHARPEST = _EDGE_SCALES[1] / _EDGE_SCALES[0]
# A head is larger than its face: room for hair, ears and chin, in face heights and widths.
HAIR, EAR, CHIN = 0.3, 0.12, 0.1


class QualityMaps:
    """What the measures of the frame and of its crops share, computed once.

    Parameters
    ----------
    scene : Scene
        With at least one face.
    heads : sequence of Head
        Of the main group, the largest face's first; see `find_heads`.
    """

    def __init__(self, scene: Scene, heads: Sequence[Head]) -> None:
        self.scene = scene
        self.heads = list(heads)

    @property
    def tilt(self) -> float:
        """Tilt of the largest head in degrees, clockwise."""
        return self.heads[0].tilt

    def measure(self, boxes: Floats, borders: float = 0.0) -> Floats:
        """Measure parts of the picture.

        Parameters
        ----------
        boxes : ndarray of float64, shape (n, 4)
            Left, top, right and bottom in pixels of the working image.
        borders : float
            Share of the picture's area that uniform bars take up.

        Returns
        -------
        ndarray of float64, shape (n, len(MEASURES))
            In the order of `MEASURES`: stops that the brightest of what is not skin lies below
            white; share of the background that is blown out; stops between the two halves of
            the face; blur of the face's sharpest edges in octaves; noise in shares of the
            picture's own white; rims that edges about the head have on both sides, in shares of the
            edge; octaves by which the evenest skin is smoother than the face's edges; face height
            in shares of the frame's; how much room the heads
            lack, in face heights; tilt of the head in degrees; height of the eyes in the frame,
            from above; share of the background that is edges; `borders`.
        """
        boxes = np.asarray(boxes, np.float64)
        level = self._level(boxes)
        height = boxes[:, 3] - boxes[:, 1]
        ones = np.ones(len(boxes))
        return np.stack(
            [
                np.maximum(0.0, _GAMMA * np.log2(_WHITE / np.maximum(level, 1.0))),
                self._share(boxes, self._blown),
                self._shading * ones,
                self._softness * ones,
                self._noise * ones,
                self._halos * ones,
                self._smoothing * ones,
                self.heads[0].bbox[3] / height,
                self._cut(boxes),
                abs(self.tilt) * ones,
                (self._eyes_y - boxes[:, 1]) / height,
                self._share(boxes, self._edges),
                borders * ones,
            ],
            axis=1,
        )

    @property
    def frame(self) -> Floats:
        """The whole working image as a box, shape (1, 4)."""
        return np.array([[0, 0, self.scene.width, self.scene.height]], np.float64)

    # --- light: everything but skin ----------------------------------------------------------

    @cached_property
    def _grey(self) -> Plane:
        return self.scene.luma.astype(np.float32)

    @cached_property
    def _luma(self) -> Plane:
        return reduce(self._grey, _STRIDE)

    @cached_property
    def _weight(self) -> Plane:
        """1 beside and above the heads, where there is hardly any skin.

        By place alone: a mask of skin colour would itself depend on the skin.
        """
        weight = np.ones(self._luma.shape, np.float32)
        for head in self.heads:
            y1 = _scaled(head.bbox, (0.0, 0.0, 1.0, 1.0), 1 / _STRIDE)[3]
            weight[y1:] *= _BELOW_WEIGHT
            x0, y0, x1, y1 = _scaled(head.bbox, (-0.5, 1.0, 1.5, 99.0), 1 / _STRIDE)
            weight[y0:y1, x0:x1] = _SKIN_WEIGHT
            x, y, w, h = (edge / _STRIDE for edge in head.bbox)
            centre = (round(x + 0.5 * w), round(y + 0.4 * h))
            axes = (round(0.7 * w), round(0.75 * h))
            cv2.ellipse(weight, centre, axes, 0.0, 0.0, 360.0, (_SKIN_WEIGHT,), cv2.FILLED)
        return weight

    @cached_property
    def _histogram(self) -> _Areas:
        """Weighted histogram of the luma, one plane a bin."""
        luma, weight = reduce(self._luma, _STRIDE), reduce(self._weight, _STRIDE)
        place = np.minimum(luma.astype(np.int64) // _BIN, _BINS - 1)
        one_hot = np.zeros((*luma.shape, _BINS), np.float32)
        np.put_along_axis(one_hot, place[..., None], weight[..., None], axis=2)
        return _Areas(one_hot, self.scene)

    def _level(self, boxes: Floats, quantiles: Sequence[float] = _BRIGHT_QUANTILES) -> Floats:
        """Luma of the brightest of what is not skin: the mean of some high quantiles."""
        counts = self._histogram.sums(boxes)
        total = np.cumsum(counts, axis=1)
        rows = np.arange(len(boxes))
        levels: Floats = np.zeros(len(boxes))
        for quantile in quantiles:
            target = quantile * total[:, -1]
            place = np.minimum((total < target[:, None]).sum(axis=1), _BINS - 1)
            inside = np.maximum(counts[rows, place], 1e-6)
            part = 1.0 - (total[rows, place] - target) / inside
            levels += (place + np.clip(part, 0.0, 1.0)) * _BIN / len(quantiles)
        return levels

    @cached_property
    def _blown(self) -> _Areas:
        """Where the background lies flat at the picture's own white."""
        top = 0.97 * self._level(self.frame, (0.99,))
        return self._weighed(self._luma >= top)

    @cached_property
    def _edges(self) -> _Areas:
        """Edges of the background that stand out at arm's length from the screen."""
        logarithm = np.log2(cv2.GaussianBlur(self._luma, (0, 0), 1.2) + _LOG_FLOOR)
        gx = cv2.Sobel(logarithm, cv2.CV_32F, 1, 0, ksize=3, scale=1 / 8)
        gy = cv2.Sobel(logarithm, cv2.CV_32F, 0, 1, ksize=3, scale=1 / 8)
        return self._weighed(cv2.magnitude(gx, gy) > 0.08)

    def _weighed(self, mask: npt.NDArray[np.bool_]) -> _Areas:
        return _Areas(np.stack([mask * self._weight, self._weight], axis=2), self.scene)

    def _share(self, boxes: Floats, areas: _Areas) -> Floats:
        sums = areas.sums(boxes)
        share: Floats = sums[:, 0] / np.maximum(sums[:, 1], 1e-6)
        return share

    @cached_property
    def _shading(self) -> float:
        """Stops between the cheeks: one surface, so that its own colour cancels out."""
        bbox = self.heads[0].bbox
        grey = self._grey
        sides = []
        for left, right in ((0.12, 0.36), (0.64, 0.88)):
            x0, y0, x1, y1 = _scaled(bbox, (left, 0.45, right, 0.75), 1.0)
            patch = grey[y0:y1, x0:x1]
            if not patch.size:
                return 0.0
            sides.append(float(np.median(patch)) + 2.0)
        return abs(_GAMMA * float(np.log2(sides[0] / sides[1])))

    # --- sharpness and noise -------------------------------------------------------------------

    @cached_property
    def _face(self) -> Plane:
        """The largest face without its rim, as bright as any other."""
        x0, y0, x1, y1 = _scaled(self.heads[0].bbox, (0.15, 0.15, 0.85, 0.95), 1.0)
        face = self._grey[y0:y1, x0:x1]
        level = np.median(face) if face.size else 0.0
        return cast(Plane, face * np.float32(_SKIN_GREY / (level + 1.0)))

    @cached_property
    def _halos(self) -> float:
        """Rims along the strongest edges: brighter than what lies beyond, and darker beyond."""
        x0, y0, x1, y1 = _scaled(self.heads[0].bbox, (-0.3, -0.5, 1.3, 1.2), 1.0)
        head = self._grey[y0:y1, x0:x1]
        if min(head.shape) < _SMALLEST:
            return 0.0
        head = cast(Plane, cv2.GaussianBlur(head, (0, 0), 0.7))
        smooth = cv2.GaussianBlur(head, (0, 0), 1.0)
        across = [cv2.Sobel(smooth, cv2.CV_32F, *way, ksize=1) for way in ((1, 0), (0, 1))]
        slope = cv2.magnitude(*across)
        rows, columns = np.nonzero(slope >= np.quantile(slope, 0.93))
        rows, columns = rows[::2], columns[::2]  # enough to tell
        dx, dy = (each[rows, columns] / (slope[rows, columns] + 1e-6) for each in across)
        steps = np.array([*_RIM, _PLAIN], np.float32)[:, None]
        steps = np.concatenate([steps, -steps])
        beside = cv2.remap(
            head,
            (columns + steps * dx).astype(np.float32),
            (rows + steps * dy).astype(np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        bright, dark = np.split(beside, 2)
        top, bottom = bright[:-1].max(axis=0), dark[:-1].min(axis=0)
        rims = np.minimum(top - bright[-1], dark[-1] - bottom) / np.maximum(top - bottom, 4.0)
        return float(np.median(rims))

    @cached_property
    def _smoothing(self) -> float:
        """What a strong filter leaves: skin without texture between edges that stay sharp."""
        face = self._face
        if min(face.shape) < _SMALLEST:
            return 0.0
        texture = np.abs(face - cv2.GaussianBlur(face, (0, 0), 1.0)) + _FLOOR
        skin, edges = np.quantile(texture, (0.3, 0.95))
        return float(np.log2(edges / skin))

    @cached_property
    def _softness(self) -> float:
        """Blur of the largest face's strongest edges: how little finer filters make of them.

        An edge's slope at a fine and at a coarse scale differs by the ratio of the scales where
        it is sharp, and hardly where it is blurred, whatever its contrast.
        """
        face = self._face
        if min(face.shape) < _SMALLEST:
            return float(np.log2(_SOFTEST))
        fine, coarse = (_slope(face, sigma) for sigma in _EDGE_SCALES)
        strong = coarse >= np.quantile(coarse, 0.9)
        ratios = np.log2((fine[strong] + 0.02) / (coarse[strong] + 0.02)) / np.log2(_SHARPEST)
        # A face is as sharp as its sharpest edges; those of cheeks and chin are always soft.
        return float(-np.log2(np.clip(np.quantile(ratios, 0.8), 1 / _SOFTEST, 1.0)))

    @cached_property
    def _noise(self) -> float:
        """Noise of the flattest blocks, in shares of their own brightness."""
        sigma = _block_noise(self._grey)
        level = resize(self._grey, sigma.shape[1], sigma.shape[0])
        weight = resize(self._weight, sigma.shape[1], sigma.shape[0])
        # Black and white clip the noise away.
        weight = np.where((level > 6) & (level < 245), weight, weight * _SKIN_WEIGHT)
        return _weighted_quantile(cast(Plane, sigma / (level + 8.0)), weight, 0.1)

    # --- composition ---------------------------------------------------------------------------

    def _cut(self, boxes: Floats) -> Floats:
        """Room that the heads of the main group lack, in face heights."""
        lacking = np.zeros(len(boxes))
        for head in self.heads:
            x, y, w, h = head.bbox
            margins = (
                (x - EAR * w - boxes[:, 0]) / h,
                (y - HAIR * h - boxes[:, 1]) / h,
                (boxes[:, 2] - (x + w + EAR * w)) / h,
                (boxes[:, 3] - (y + h + CHIN * h)) / h,
            )
            short: Floats = np.maximum(0.0, -np.array(margins)).sum(axis=0)
            lacking = np.maximum(lacking, short)
        return lacking

    @cached_property
    def _eyes_y(self) -> float:
        return float(np.mean([head.eyes for head in self.heads]))


@dataclass(frozen=True)
class Head:
    """A head as several views agree on it.

    Attributes
    ----------
    bbox : tuple of float
        Of the face, as if the head stood upright; x, y, width and height in pixels.
    eyes : float
        Height of the point between the eyes in pixels, from above.
    tilt : float
        How far it is turned in the picture's plane: degrees, clockwise.
    score : float
        The face detector's confidence in the view that it is surest of.
    """

    bbox: Bbox
    eyes: float
    tilt: float
    score: float

    @property
    def weight(self) -> float:
        """Size and confidence: what tells the main head."""
        return self.bbox[2] * self.bbox[3] * self.score**4


def find_heads(image: BgrImage, faces: Sequence[Face], detector: YuNetDetector) -> list[Head]:
    """Look again at faces, so that no single answer of the detector decides where heads are.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width, 3)
        BGR.
    faces : sequence of Face
        In pixels of `image`.
    detector : YuNetDetector

    Returns
    -------
    list of Head
        The main head, then those of its group: about as large, and about as surely heads.

    Notes
    -----
    A single answer of the detector moves whenever any pixel changes. So each face is seen in
    turned and mirrored views, and the answers are averaged by their confidence, which is highest
    where the head is upright. Landmarks are no measure of tilt: those of YuNet follow a turned
    head by a tenth of its turn.
    """
    heads = []
    for face in faces:
        (x0, y0), (x1, y1) = face.landmarks[:2]
        lying = round(float(np.arctan2(y1 - y0, x1 - x0)) / (np.pi / 2))  # a face found sideways
        head = Head(face.bbox, (y0 + y1) / 2, 90.0 * lying, face.score)
        for _ in range(_LOOKS):
            before, head = head, _look_again(image, head, detector)
            if abs(head.tilt - before.tilt) < _HARDLY:
                break
        heads.append(head)
    heads.sort(key=lambda head: -head.weight)
    largest, surest = heads[0].bbox[3], heads[0].score
    return [
        head
        for head in heads
        if head.bbox[3] >= SIMILAR_FACE * largest and head.score >= _SURE * surest
    ]


def _look_again(image: BgrImage, head: Head, detector: YuNetDetector) -> Head:
    """Average what turned views of a head tell; the head itself where none shows a face."""
    x, y, w, h = head.bbox
    half = 0.5  # OpenCV warps from the middle of a pixel to that of another
    centre = np.array([x + w / 2, y + h / 2]) - half
    zoom = _VIEW / (_VIEW_FACES * np.sqrt(w * h))
    views = []
    for turn, mirror in _VIEWS:
        tilt = head.tilt + turn
        matrix = np.asarray(cv2.getRotationMatrix2D(centre.tolist(), tilt, zoom), np.float64)
        matrix[:, 2] += _VIEW / 2 - half - centre
        if mirror:
            matrix[0] = (0, 0, _VIEW - 1) - matrix[0]
        view = cv2.warpAffine(image, matrix, (_VIEW, _VIEW), borderValue=_AROUND)
        views.append((view, tilt, cv2.invertAffineTransform(matrix)))
    left, right = np.split(views[len(views) // 2][0], 2, axis=1)
    if left.sum() < right.sum():  # those of the mirror image come in the same order, then
        views.reverse()
    sheet = np.empty((_ROWS, _VIEW, _COLUMNS, _VIEW, 3), np.uint8)
    backs: dict[tuple[int, int], tuple[float, npt.NDArray[Any]]] = {}
    for (row, column), (view, tilt, back) in zip(np.ndindex(_ROWS, _COLUMNS), views, strict=True):
        sheet[row, :, column] = view
        backs[row, column] = (tilt, back)
    seen: dict[tuple[int, int], tuple[float, ...]] = {}
    faces = detector.detect_upright(sheet.reshape(_ROWS * _VIEW, _COLUMNS * _VIEW, 3))
    for face in sorted(faces, key=lambda face: face.score):  # of a view the surest one stays
        fx, fy, fw, fh = face.bbox
        middle = np.array([fx + fw / 2, fy + fh / 2])
        column, row = (middle // _VIEW).astype(int).tolist()
        if (row, column) not in backs:
            continue
        tilt, back = backs[row, column]
        points = np.array([middle, np.mean(face.landmarks[:2], axis=0)])
        points = points - (column * _VIEW + half, row * _VIEW + half)
        (cx, cy), (_, eyes_y) = points @ back[:, :2].T + back[:, 2] + half
        seen[row, column] = (face.score, tilt, cx, cy, fw / zoom, fh / zoom, eyes_y)
    if not seen:
        return head
    told = np.array(list(seen.values()))
    weights = np.exp((told[:, 0] - told[:, 0].max()) / _CONFIDENT)
    tilt, cx, cy, w, h, eyes_y = (weights @ told[:, 1:] / weights.sum()).tolist()
    return Head((cx - w / 2, cy - h / 2, w, h), eyes_y, tilt, max(head.score, *told[:, 0].tolist()))


def _scaled(
    bbox: Bbox, part: tuple[float, float, float, float], scale: float
) -> tuple[int, int, int, int]:
    """Give a part of a face's box, in shares of it, as slices of a plane; never below 0."""
    x, y, w, h = bbox
    left, top, right, bottom = part
    edges = (x + left * w, y + top * h, x + right * w, y + bottom * h)
    return cast(tuple[int, int, int, int], tuple(max(0, round(edge * scale)) for edge in edges))


class _Areas:
    """Sums of planes, shape (rows, columns, n), over parts of the picture."""

    def __init__(self, planes: npt.NDArray[np.float32], scene: Scene) -> None:
        self._planes = planes
        self._size = (scene.width, scene.height)

    def sums(self, boxes: Floats) -> Floats:
        """Sum over boxes of the working image, shape (boxes, n)."""
        rows, columns = self._planes.shape[:2]
        x0, x1 = np.rint(boxes[:, 0::2].T * columns / self._size[0]).astype(np.int64)
        y0, y1 = np.rint(boxes[:, 1::2].T * rows / self._size[1]).astype(np.int64)
        x0, x1 = np.clip(x0, 0, columns - 1), np.clip(x1, 1, columns)
        y0, y1 = np.clip(y0, 0, rows - 1), np.clip(y1, 1, rows)
        if len(boxes) == 1:  # sums over everything above and left pay only for many boxes
            part = self._planes[y0[0] : y1[0], x0[0] : x1[0]]
            return np.asarray(part.sum(axis=0).sum(axis=0, dtype=np.float64))[None]
        above = self._integral
        sums: Floats = above[y1, x1] - above[y0, x1] - above[y1, x0] + above[y0, x0]
        return sums

    @cached_property
    def _integral(self) -> Floats:
        sums = self._planes.astype(np.float64).cumsum(axis=0).cumsum(axis=1)
        return np.pad(sums, ((1, 0), (1, 0), (0, 0)))


def _slope(plane: Plane, sigma: float) -> Plane:
    smooth = cv2.GaussianBlur(plane, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    gx = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, ksize=1, scale=1 / 2)
    gy = cv2.Sobel(smooth, cv2.CV_32F, 0, 1, ksize=1, scale=1 / 2)
    return cast(Plane, cv2.magnitude(gx, gy))


def _block_noise(plane: Plane) -> Plane:
    """Give the deviation of the noise in blocks of 8 by 8 pixels, as if they were flat.

    References
    ----------
    Immerkær: Fast noise variance estimation, Computer Vision and Image Understanding 64 (1996).
    """
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    response = cast(Plane, np.abs(cv2.filter2D(plane, cv2.CV_32F, kernel)))
    size = (max(1, plane.shape[1] // 8), max(1, plane.shape[0] // 8))
    return cast(Plane, resize(response, *size) * np.float32(np.sqrt(np.pi / 2) / 6))


def _weighted_quantile(values: Plane, weights: Plane, quantile: float) -> float:
    flat, weight = values.ravel(), weights.ravel()
    order = np.argsort(flat, kind="stable")
    total = np.cumsum(weight[order], dtype=np.float64)
    place = int(np.searchsorted(total, quantile * total[-1]))
    return float(flat[order[min(place, len(flat) - 1)]])
