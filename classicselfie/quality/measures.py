"""Photo and faces to the measures of photographic quality, for the frame or any part of it.

Everything is judged by relations in which the colour and albedo of skin cancel out: light by what
is not skin, shading by one cheek against the other, sharpness by ratios of gradients. One pass
over the picture fills sums over areas, so that the measures of thousands of crops cost no more
pixels.
"""

from __future__ import annotations

from functools import cached_property
from typing import cast

import cv2
import numpy as np
import numpy.typing as npt

from classicselfie.faces import Bbox, Face, YuNetDetector
from classicselfie.features import Scene
from classicselfie.images import BgrImage, Plane, reduce, resize

Floats = npt.NDArray[np.float64]

MEASURES = (
    "dark",
    "blown",
    "shading",
    "softness",
    "noise",
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
_BRIGHT_QUANTILE = 0.95
_GAMMA = 2.2  # encoded luma to light
_WHITE = 235.0
_LOG_FLOOR = 16.0  # keeps the noise of black from counting as contrast
_EDGE_SCALES = (0.6, 2.4)  # pixels
_SOFTEST = 64.0
# Turned views of a head: degrees, pixels a side, and face sizes a side.
_ANGLES = np.arange(-64.0, 65.0, 8.0)
_VIEW, _VIEW_FACES = 96, 2.5
_SHARPEST = _EDGE_SCALES[1] / _EDGE_SCALES[0]
# A head is larger than its face: room for hair, ears and chin, in face heights and widths.
HAIR, EAR, CHIN = 0.3, 0.12, 0.1


class QualityMaps:
    """What the measures of the frame and of its crops share, computed once.

    Parameters
    ----------
    scene : Scene
        With at least one face.
    tilt : float
        Of the largest face, see `find_tilt`.
    """

    def __init__(self, scene: Scene, tilt: float) -> None:
        self.scene = scene
        self.tilt = tilt
        self.faces = scene.similar

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
            picture's own white; face height in shares of the frame's; how much room the heads
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
                self.scene.faces[0].bbox[3] / height,
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

    def _sums(self, integral: Floats, boxes: Floats) -> Floats:
        """Sum the planes of `_integral` over boxes of the working image."""
        rows, columns = integral.shape[0] - 1, integral.shape[1] - 1
        x0, x1 = np.rint(boxes[:, 0::2].T * columns / self.scene.width).astype(np.int64)
        y0, y1 = np.rint(boxes[:, 1::2].T * rows / self.scene.height).astype(np.int64)
        x0, x1 = np.clip(x0, 0, columns - 1), np.clip(x1, 1, columns)
        y0, y1 = np.clip(y0, 0, rows - 1), np.clip(y1, 1, rows)
        sums: Floats = integral[y1, x1] - integral[y0, x1] - integral[y1, x0] + integral[y0, x0]
        return sums

    # --- light: everything but skin ----------------------------------------------------------

    @cached_property
    def _luma(self) -> Plane:
        return reduce(self.scene.grey, _STRIDE)

    @cached_property
    def _weight(self) -> Plane:
        """1 beside and above the heads, where there is hardly any skin.

        By place alone: a mask of skin colour would itself depend on the skin.
        """
        weight = np.ones(self._luma.shape, np.float32)
        for face in self.faces:
            x0, y0, x1, y1 = _scaled(face.bbox, (-0.15, -0.35, 1.15, 1.0), 1 / _STRIDE)
            weight[y0:y1, x0:x1] = _SKIN_WEIGHT
            weight[y1:] *= _BELOW_WEIGHT
            x0, y0, x1, y1 = _scaled(face.bbox, (-0.5, 1.0, 1.5, 99.0), 1 / _STRIDE)
            weight[y0:y1, x0:x1] = _SKIN_WEIGHT
        return weight

    @cached_property
    def _histogram(self) -> Floats:
        """Sums over areas of a weighted histogram of the luma, shape (rows, columns, bins)."""
        luma, weight = reduce(self._luma, _STRIDE), reduce(self._weight, _STRIDE)
        place = np.minimum(luma.astype(np.int64) // _BIN, _BINS - 1)
        one_hot = np.zeros((*luma.shape, _BINS), np.float32)
        np.put_along_axis(one_hot, place[..., None], weight[..., None], axis=2)
        return _integral(one_hot)

    def _level(self, boxes: Floats) -> Floats:
        """Luma below which 95 % of what is not skin lies."""
        counts = self._sums(self._histogram, boxes)
        total = np.cumsum(counts, axis=1)
        target = _BRIGHT_QUANTILE * total[:, -1:]
        place = np.minimum((total < target).sum(axis=1), _BINS - 1)
        rows = np.arange(len(boxes))
        inside = np.maximum(counts[rows, place], 1e-6)
        part = 1.0 - (total[rows, place] - target[:, 0]) / inside
        levels: Floats = (place + np.clip(part, 0.0, 1.0)) * _BIN
        return levels

    @cached_property
    def _white(self) -> float:
        return float(self._level(self.frame)[0])

    @cached_property
    def _blown(self) -> Floats:
        """Where the background lies flat at the picture's own white."""
        top = 0.97 * _weighted_quantile(self._luma, self._weight, 0.99)
        return self._weighed(self._luma >= top)

    @cached_property
    def _edges(self) -> Floats:
        """Edges of the background that stand out at arm's length from the screen."""
        logarithm = np.log2(cv2.GaussianBlur(self._luma, (0, 0), 1.2) + _LOG_FLOOR)
        gx = cv2.Sobel(logarithm, cv2.CV_32F, 1, 0, ksize=3, scale=1 / 8)
        gy = cv2.Sobel(logarithm, cv2.CV_32F, 0, 1, ksize=3, scale=1 / 8)
        return self._weighed(np.hypot(gx, gy) > 0.08)

    def _weighed(self, mask: npt.NDArray[np.bool_]) -> Floats:
        return _integral(np.stack([mask * self._weight, self._weight], axis=2))

    def _share(self, boxes: Floats, integral: Floats) -> Floats:
        sums = self._sums(integral, boxes)
        share: Floats = sums[:, 0] / np.maximum(sums[:, 1], 1e-6)
        return share

    @cached_property
    def _shading(self) -> float:
        """Stops between the cheeks: one surface, so that its own colour cancels out."""
        face = self.scene.faces[0]
        grey = self.scene.grey
        sides = []
        for left, right in ((0.12, 0.36), (0.64, 0.88)):
            x0, y0, x1, y1 = _scaled(face.bbox, (left, 0.45, right, 0.75), 1.0)
            patch = grey[y0:y1, x0:x1]
            if not patch.size:
                return 0.0
            sides.append(float(np.median(patch)) + 2.0)
        return abs(_GAMMA * float(np.log2(sides[0] / sides[1])))

    # --- sharpness and noise -------------------------------------------------------------------

    @cached_property
    def _softness(self) -> float:
        """Blur of the largest face's strongest edges: how little finer filters make of them.

        An edge's slope at a fine and at a coarse scale differs by the ratio of the scales where
        it is sharp, and hardly where it is blurred, whatever its contrast.
        """
        x0, y0, x1, y1 = _scaled(self.scene.faces[0].bbox, (-0.1, -0.15, 1.1, 1.1), 1.0)
        head = self.scene.grey[y0:y1, x0:x1]
        if min(head.shape) < 8:
            return float(np.log2(_SOFTEST))
        fine, coarse = (_slope(head, sigma) for sigma in _EDGE_SCALES)
        strong = coarse >= np.quantile(coarse, 0.9)
        # Noise has a slope of its own: Gaussian noise after a Gaussian filter.
        noise = (_noise_gain(_EDGE_SCALES[0]) * self._sigma) ** 2
        clean = np.sqrt(np.maximum(fine[strong] ** 2 - noise, 0.0))
        ratios = np.log2((clean + 0.02) / (coarse[strong] + 0.02)) / np.log2(_SHARPEST)
        # A face is as sharp as its sharpest edges; those of cheeks and chin are always soft.
        return float(-np.log2(np.clip(np.quantile(ratios, 0.8), 1 / _SOFTEST, 1.0)))

    @cached_property
    def _sigma(self) -> float:
        """Standard deviation of the noise in the flattest blocks, grey levels.

        References
        ----------
        Immerkær: Fast noise variance estimation, Computer Vision and Image Understanding 64
        (1996).
        """
        kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
        response = cast(Plane, np.abs(cv2.filter2D(self.scene.grey, cv2.CV_32F, kernel)))
        size = (max(1, self.scene.width // 8), max(1, self.scene.height // 8))
        sigma = resize(response, *size) * np.float32(np.sqrt(np.pi / 2) / 6)
        level = resize(self.scene.grey, *size)
        weight = resize(self._weight, *size)
        # Black and white clip the noise away.
        weight = np.where((level > 6) & (level < 245), weight, weight * _SKIN_WEIGHT)
        return _weighted_quantile(sigma, weight, 0.25)

    @property
    def _noise(self) -> float:
        return self._sigma / max(self._white, 8.0)  # dark is not clean

    # --- composition ---------------------------------------------------------------------------

    def _cut(self, boxes: Floats) -> Floats:
        """Room that the heads of the main group lack, in face heights."""
        lacking = np.zeros(len(boxes))
        for face in self.faces:
            x, y, w, h = face.bbox
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
        return float(np.mean([_eyes(face) for face in self.faces]))


def find_tilt(image: BgrImage, face: Face, detector: YuNetDetector) -> float:
    """Find how far a head is turned in the picture's plane.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width, 3)
        BGR.
    face : Face
        In pixels of `image`.
    detector : YuNetDetector

    Returns
    -------
    float
        Degrees, clockwise; 0 where no turned view shows a face.

    Notes
    -----
    The face is looked at again from many angles, and the angles are averaged by the detector's
    confidence, which is highest where the head is upright. Landmarks would be cheaper, but those
    of YuNet follow a turned head only by a part of its turn.
    """
    x, y, w, h = face.bbox
    centre = np.array([x + w / 2, y + h / 2])
    zoom = _VIEW / (_VIEW_FACES * np.sqrt(w * h))
    scores = np.zeros(len(_ANGLES))
    for place, angle in enumerate(_ANGLES):
        matrix = np.asarray(cv2.getRotationMatrix2D(centre.tolist(), float(angle), zoom), float)
        matrix[:, 2] += _VIEW / 2 - centre
        view = cv2.warpAffine(image, matrix, (_VIEW, _VIEW), borderValue=(128, 128, 128))
        found = detector.detect_upright(cast(BgrImage, view))
        scores[place] = max((each.score for each in found), default=0.0)
    weights = np.maximum(scores - 0.8 * scores.max(), 0.0) ** 2
    return float(_ANGLES @ weights / weights.sum()) if weights.any() else 0.0


def _eyes(face: Face) -> float:
    if len(face.landmarks) != 5:
        return face.bbox[1] + 0.4 * face.bbox[3]
    return (face.landmarks[0][1] + face.landmarks[1][1]) / 2


def _scaled(
    bbox: Bbox, part: tuple[float, float, float, float], scale: float
) -> tuple[int, int, int, int]:
    """Give a part of a face's box, in shares of it, as slices of a plane; never below 0."""
    x, y, w, h = bbox
    left, top, right, bottom = part
    edges = (x + left * w, y + top * h, x + right * w, y + bottom * h)
    return cast(tuple[int, int, int, int], tuple(max(0, round(edge * scale)) for edge in edges))


def _integral(planes: npt.NDArray[np.float32]) -> Floats:
    """Sum over everything above and to the left, one row and column of zeros first."""
    sums = planes.astype(np.float64).cumsum(axis=0).cumsum(axis=1)
    return np.pad(sums, ((1, 0), (1, 0), (0, 0)))


def _slope(plane: Plane, sigma: float) -> Plane:
    smooth = cv2.GaussianBlur(plane, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    gx = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, ksize=1, scale=1 / 2)
    gy = cv2.Sobel(smooth, cv2.CV_32F, 0, 1, ksize=1, scale=1 / 2)
    return cast(Plane, np.hypot(gx, gy))


def _noise_gain(sigma: float) -> float:
    """Slope that `_slope` finds, root mean square, in white noise of deviation 1."""
    smooth = cv2.getGaussianKernel(9, sigma).ravel()
    derived = np.convolve(smooth, (0.5, 0.0, -0.5))
    return float(np.sqrt(2 * (smooth**2).sum() * (derived**2).sum()))


def _weighted_quantile(values: Plane, weights: Plane, quantile: float) -> float:
    flat, weight = values.ravel(), weights.ravel()
    order = np.argsort(flat, kind="stable")
    total = np.cumsum(weight[order], dtype=np.float64)
    place = int(np.searchsorted(total, quantile * total[-1]))
    return float(flat[order[min(place, len(flat) - 1)]])
