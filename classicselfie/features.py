"""Photo, faces and skin to one named feature vector.

Each group is one function that returns an array; `FEATURE_NAMES` names every number as
``group.name``. All lengths are relative (to the frame or to the largest face), so that neither
the pixel size nor the original's resolution tells anything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import cast

import cv2
import numpy as np
import numpy.typing as npt

from classicselfie.faces import Bbox, Face
from classicselfie.images import BgrImage, Mask, Plane, median, reduce, resize, to_lab
from classicselfie.skin import segment_skin

Vector = npt.NDArray[np.float32]

# Changes whenever the same photo would give other numbers; weights name the version they need.
FEATURE_VERSION = 2

GRID = 6  # cells a side in every face-centred or whole-frame grid
HOG_BINS = 6
HOG_POOLED = 3  # finer histograms learn the source more than the selfie
_CELL = 8
_WINDOW = GRID * _CELL
CONTEXT_FACES = 4.0  # width and height of the face-centred window in face sizes
CONTEXT_DROP = 0.6  # its centre lies this many face sizes below the face: shoulders, arms
SIMILAR_FACE = 0.5  # a face of at least half the largest one's size belongs to the group


class Scene:
    """What several feature groups share, computed once and only when asked for.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width, 3)
        Working image, BGR, upright.
    faces : sequence of Face
        Largest first, in pixels of `image`.
    """

    def __init__(self, image: BgrImage, faces: Sequence[Face]) -> None:
        self.image = image
        self.faces = list(faces)
        self.height, self.width = image.shape[:2]

    @property
    def face(self) -> Face | None:
        """The largest face."""
        return self.faces[0] if self.faces else None

    @cached_property
    def face_size(self) -> float:
        """Geometric mean of the largest face's width and height in pixels; 0 without a face."""
        return float(np.sqrt(self.face.area)) if self.face else 0.0

    @cached_property
    def similar(self) -> list[Face]:
        """Faces of about the largest one's size, itself among them."""
        return [face for face in self.faces if face.bbox[3] >= SIMILAR_FACE * self.faces[0].bbox[3]]

    @cached_property
    def luma(self) -> Mask:
        """Luma, uint8, 0 to 255."""
        return cast(Mask, cv2.cvtColor(self.image, cv2.COLOR_BGR2GRAY))

    @cached_property
    def grey(self) -> Plane:
        """Luma, float32, 0 to 255."""
        return self.luma.astype(np.float32)

    @cached_property
    def quarter(self) -> BgrImage:
        """The picture at a quarter of its size: enough to tell colours apart."""
        return reduce(self.image, 4)

    @cached_property
    def hsv(self) -> BgrImage:
        """`quarter` in HSV (hue 0 to 179)."""
        return cast(BgrImage, cv2.cvtColor(self.quarter, cv2.COLOR_BGR2HSV))

    @cached_property
    def skin(self) -> Mask:
        """Skin mask of `segment_skin`, of the size of `quarter`."""
        bbox = None
        if self.face is not None:
            rows, columns = self.quarter.shape[:2]
            x, y, w, h = self.face.bbox
            x_ratio, y_ratio = columns / self.width, rows / self.height
            bbox = (x * x_ratio, y * y_ratio, w * x_ratio, h * y_ratio)
        return segment_skin(self.quarter, bbox)

    @cached_property
    def detail(self) -> Plane:
        """Absolute Laplacian of the luma: fine detail, pixel by pixel."""
        return cast(Plane, np.abs(cv2.Laplacian(self.grey, cv2.CV_32F, ksize=1)))

    @cached_property
    def context(self) -> npt.NDArray[np.float64]:
        """2 × 3 affine matrix from the face-centred window (0 to 1) to pixels."""
        x, y, w, h = self.faces[0].bbox
        size = CONTEXT_FACES * self.face_size
        centre_x = x + w / 2
        centre_y = y + h / 2 + CONTEXT_DROP * self.face_size
        return np.array(
            [[size, 0, centre_x - size / 2], [0, size, centre_y - size / 2]], np.float64
        )

    @cached_property
    def half(self) -> Plane:
        """Luma at half the size."""
        return reduce(self.grey, 2)

    def context_window(self, plane: Plane, side: int, stride: int) -> Plane:
        """Sample a plane in the face-centred window; `stride` is the plane's reduction."""
        matrix = self.context.copy()
        matrix[:, :2] /= side
        matrix[:, 2] += matrix[:, :2].sum(axis=1) / 2 - 0.5
        matrix /= stride
        return cast(
            Plane,
            cv2.warpAffine(
                plane,
                matrix,
                (side, side),
                flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                borderMode=cv2.BORDER_REPLICATE,
            ),
        )

    @cached_property
    def context_inside(self) -> npt.NDArray[np.bool_]:
        """Which cells of the face-centred window lie in the frame; shape (GRID, GRID)."""
        step = (np.arange(GRID) + 0.5) / GRID
        xs = self.context[0, 0] * step + self.context[0, 2]
        ys = self.context[1, 1] * step + self.context[1, 2]
        inside_x = (xs >= 0) & (xs < self.width)
        inside_y = (ys >= 0) & (ys < self.height)
        inside: npt.NDArray[np.bool_] = inside_y[:, None] & inside_x[None, :]
        return inside


def _cells(plane: Plane) -> Plane:
    """Mean of a square plane over GRID × GRID cells."""
    side = plane.shape[0] // GRID
    cells: Plane = plane.reshape(GRID, side, GRID, side).mean(axis=(1, 3))
    return cells


# --- face: how large -----------------------------------------------------------------------

_FACE = (
    "found",
    "score",
    "height",
    "width",
    "diagonal",
    "long_side",
    "short_side",
    "log_size",
    "shape",
)


def _face(scene: Scene) -> list[float]:
    if scene.face is None:
        return [0.0] * len(_FACE)
    _, _, w, h = scene.face.bbox
    size = scene.face_size
    return [
        1.0,
        scene.face.score,
        h / scene.height,
        w / scene.width,
        # Arm's length in the picture: with one lens the distance depends on this alone.
        size / float(np.hypot(scene.width, scene.height)),
        size / max(scene.width, scene.height),
        size / min(scene.width, scene.height),
        float(np.log2(size / float(np.hypot(scene.width, scene.height)))) + 6.0,
        h / w,
    ]


# --- place: where in the frame, in face sizes ----------------------------------------------

_PLACE = (
    "margin_top",
    "margin_bottom",
    "margin_side_min",
    "margin_side_max",
    "off_centre",
    "centre_y",
    "eyes_y",
    "cut",
    "edges_near",
)


def _place(scene: Scene) -> list[float]:
    if scene.face is None:
        return [0.0] * len(_PLACE)
    x, y, w, h = scene.face.bbox
    left, right = x / w, (scene.width - x - w) / w
    top, bottom = y / h, (scene.height - y - h) / h
    inside = max(0.0, min(x + w, scene.width) - max(x, 0.0)) * max(
        0.0, min(y + h, scene.height) - max(y, 0.0)
    )
    eyes_y = (
        (scene.face.landmarks[0][1] + scene.face.landmarks[1][1]) / 2
        if scene.face.landmarks
        else y + 0.4 * h
    )
    return [
        *np.clip([top, bottom, min(left, right), max(left, right)], -1.0, 6.0),
        abs((x + w / 2) / scene.width - 0.5),
        (y + h / 2) / scene.height,
        eyes_y / scene.height,
        1.0 - inside / (w * h),
        float(sum(margin < 0.3 for margin in (left, right, top, bottom))),
    ]


# --- pose: how the head is held ------------------------------------------------------------

_POSE = (
    "known",
    "roll",
    "yaw",
    "pitch",
    "eye_distance",
    "eye_mouth",
    "mouth_width",
    "nose_drop",
    "lean_in",
)


def _pose(scene: Scene) -> list[float]:
    if scene.face is None or len(scene.face.landmarks) != 5:
        return [0.0] * len(_POSE)
    right_eye, left_eye, nose, right_mouth, left_mouth = np.array(scene.face.landmarks)
    x, _, w, h = scene.face.bbox
    eyes, mouth = (right_eye + left_eye) / 2, (right_mouth + left_mouth) / 2
    across = left_eye - right_eye
    eye_distance = max(float(np.hypot(*across)), 1e-3)
    axis = across / eye_distance
    down = np.array([-axis[1], axis[0]])
    eye_mouth = max(float((mouth - eyes) @ down), 0.05 * h)
    roll = float(np.degrees(np.arctan2(across[1], across[0])))
    # A head that leans towards the middle of the picture is held on an arm at the other side.
    side = (x + w / 2) / scene.width - 0.5
    return [
        1.0,
        min(abs(roll), 90.0),
        min(abs(float((nose - eyes) @ axis)) / eye_distance, 2.0),
        float(np.clip((nose - eyes) @ down / eye_mouth, -1.0, 2.0)),
        eye_distance / w,
        eye_mouth / eye_distance if eye_distance > 0.05 * w else 4.0,
        float(np.hypot(*(left_mouth - right_mouth))) / eye_distance
        if eye_distance > 0.05 * w
        else 2.0,
        float(np.clip((nose - eyes) @ down / h, -1.0, 1.0)),
        float(np.clip(roll / 30.0, -1.0, 1.0)) * float(np.sign(side)) * min(abs(side) * 4, 1.0),
    ]


# --- crowd: the other faces ----------------------------------------------------------------

_CROWD = (
    "faces",
    "similar",
    "small",
    "second_size",
    "third_size",
    "second_gap",
    "second_drop",
    "total_area",
    "group_width",
    "group_height",
    "group_top",
    "group_bottom",
    "group_roll",
    "sizes_spread",
    "largest_off_centre",
    "largest_lower",
)


def _crowd(scene: Scene) -> list[float]:
    if scene.face is None:
        return [0.0] * len(_CROWD)
    boxes = np.array([face.bbox for face in scene.faces])
    sizes = np.sqrt(boxes[:, 2] * boxes[:, 3])
    group = np.array([face.bbox for face in scene.similar])
    x0, y0 = group[:, 0].min(), group[:, 1].min()
    x1, y1 = (group[:, 0] + group[:, 2]).max(), (group[:, 1] + group[:, 3]).max()
    centres = boxes[:, :2] + boxes[:, 2:] / 2
    second = len(scene.faces) > 1
    rolls = [
        abs(
            np.degrees(
                np.arctan2(
                    f.landmarks[1][1] - f.landmarks[0][1], f.landmarks[1][0] - f.landmarks[0][0]
                )
            )
        )
        for f in scene.similar
        if f.landmarks
    ]
    gap = (centres[1] - centres[0]) / sizes[0] if second else np.zeros(2)
    return [
        float(min(len(scene.faces), 12)),
        float(min(len(group), 8)),
        float(min(len(scene.faces) - len(group), 10)),
        sizes[1] / sizes[0] if second else 0.0,
        sizes[2] / sizes[0] if len(sizes) > 2 else 0.0,
        min(float(np.hypot(*gap)), 8.0),
        float(np.clip(gap[1], -4.0, 4.0)),
        float((boxes[:, 2] * boxes[:, 3]).sum() / (scene.width * scene.height)),
        (x1 - x0) / scene.width,
        (y1 - y0) / scene.height,
        y0 / scene.height,
        1.0 - y1 / scene.height,
        float(np.mean(rolls)) if rolls else 0.0,
        float(sizes.std() / sizes[0]),
        abs(float(centres[0, 0] - centres[:, 0].mean())) / scene.width if second else 0.0,
        float(centres[0, 1] - centres[:, 1].mean()) / scene.height if second else 0.0,
    ]


# --- skin: how much, where, and whether an arm reaches the frame ---------------------------

_SKIN = (
    "frame_share",
    "face_share",
    "ring_share",
    "below_share",
    "bottom_edge",
    "side_edge_max",
    "side_edge_min",
    "top_edge",
    "arm_area",
    "arm_frame_width",
    "arm_widening",
    "arm_side",
    "body_area",
    *(f"grid_{row}_{column}" for row in range(GRID) for column in range(GRID)),
)


def _skin(scene: Scene) -> Vector:
    mask = scene.skin
    out = np.zeros(len(_SKIN), np.float32)
    out[0] = mask.mean()
    if scene.face is None:
        return out
    rows, columns = mask.shape
    x, y, w, h = np.array(scene.face.bbox) / np.tile(
        [scene.width / columns, scene.height / rows], 2
    )
    inner = _box(mask, x + 0.15 * w, y + 0.15 * h, x + 0.85 * w, y + 0.9 * h)
    ring = _box(mask, x - 0.6 * w, y - 0.5 * h, x + 1.6 * w, y + 1.2 * h)
    below = _box(mask, x - 0.5 * w, y + 1.1 * h, x + 1.5 * w, y + 2.2 * h)
    inner_sum = float(inner.sum())
    out[1] = inner.mean() if inner.size else 0.0
    out[2] = (ring.sum() - inner_sum) / max(1.0, ring.size - inner.size)
    out[3] = below.mean() if below.size else 0.0
    chin = _within(y + 0.8 * h, rows - 1)
    left, right = mask[chin:, :2].max(axis=1), mask[chin:, -2:].max(axis=1)
    sides = sorted((float(left.sum() / h), float(right.sum() / h)))
    out[4] = min(float(mask[-2:].max(axis=0).sum() / w), 6.0)
    out[5], out[6] = min(sides[1], 6.0), min(sides[0], 6.0)
    out[7] = mask[:2].max(axis=0).mean()
    out[8:13] = trace_arm(mask, (x, y, w, h))[0]
    grid = scene.context_window(mask.astype(np.float32), 4 * GRID, scene.width // columns or 1)
    out[13:] = (_cells(grid) * scene.context_inside).ravel()
    return out


def _box(mask: Mask, x0: float, y0: float, x1: float, y1: float) -> Mask:
    rows, columns = mask.shape[:2]
    return mask[
        _within(y0, rows) : _within(round(y1), rows),
        _within(x0, columns) : _within(round(x1), columns),
    ]


def _within(place: float, size: int) -> int:
    """Nearest place in a picture of this size; much faster for one number than `np.clip`."""
    return int(min(max(place, 0), size))


def trace_arm(
    mask: Mask, bbox: Bbox
) -> tuple[tuple[float, float, float, float, float], npt.NDArray[np.bool_]]:
    """Measure skin below the eyes, apart from the face, that runs into the frame and widens.

    Parameters
    ----------
    mask : ndarray of uint8, shape (height, width)
        Skin, see `segment_skin`.
    bbox : tuple of float
        Of the face, in pixels of `mask`.

    Returns
    -------
    measures : tuple of float
        Area, width at the frame, widening towards it, distance to the side; skin of the body.
    arm : ndarray of bool, shape (height, width)
        The skin that the first four are of; empty where none reaches the frame.
    """
    x, y, w, h = bbox
    rows, columns = mask.shape
    body = mask.copy()
    body[: _within(y + 0.4 * h, rows)] = 0
    face_rows = slice(_within(y, rows), _within(y + 1.15 * h, rows))
    body[face_rows, _within(x - 0.15 * w, columns) : _within(x + 1.15 * w, columns)] = 0
    count, labels, stats, centroids = cv2.connectedComponentsWithStats(body, connectivity=4)
    face_area = w * h
    total = min(float(body.sum() / face_area), 8.0)
    best, chosen = (0.0, 0.0, 0.0, 0.0), count
    for index in range(1, count):
        left, top, wide, tall, area = stats[index]
        if area < 0.04 * face_area:
            continue
        part = labels[top : top + tall, left : left + wide] == index
        touches: list[tuple[float, npt.NDArray[np.bool_]]] = []
        if left == 0:
            touches.append((float(part[:, 0].sum()) / h, part))
        if left + wide == columns:
            touches.append((float(part[:, -1].sum()) / h, part[:, ::-1]))
        if top + tall == rows:
            touches.append((float(part[-1].sum()) / w, part[::-1].T))
        for at_frame, turned in touches:
            if at_frame <= best[1]:
                continue
            depth = turned.shape[1]
            near = turned[:, : max(1, depth // 3)].sum() / max(1, depth // 3)
            far = turned[:, -max(1, depth // 3) :].sum() / max(1, depth // 3)
            side = abs(centroids[index][0] - (x + w / 2)) / w
            chosen = index
            best = (
                min(float(area / face_area), 6.0),
                min(at_frame, 4.0),
                float(np.clip(np.log2((near + 0.5) / (far + 0.5)), -3, 3)),
                min(float(side), 4.0),
            )
    return (*best, total), labels == chosen


# --- focus: what is sharp ------------------------------------------------------------------

_FOCUS = (
    "frame",
    "face",
    "background_ratio",
    "fine_to_coarse",
    "corner_top",
    "corner_bottom",
    *(f"grid_{row}_{column}" for row in range(GRID) for column in range(GRID)),
)


def _focus(scene: Scene) -> Vector:
    out = np.zeros(len(_FOCUS), np.float32)
    detail = scene.detail
    frame = float(detail.mean()) + 0.5
    coarse = reduce(scene.grey, 4)
    coarse_detail = float(np.abs(cv2.Laplacian(coarse, cv2.CV_32F, ksize=1)).mean()) + 0.5
    out[0] = np.log2(frame)
    out[3] = np.log2(frame / coarse_detail)
    rows, columns = scene.height // 4 or 1, scene.width // 4 or 1
    top = (detail[:rows, :columns].mean() + detail[:rows, -columns:].mean()) / 2 + 0.5
    bottom = (detail[-rows:, :columns].mean() + detail[-rows:, -columns:].mean()) / 2 + 0.5
    if scene.face is None:
        out[4], out[5] = np.log2(top / frame), np.log2(bottom / frame)
        return out
    x, y, w, h = scene.face.bbox
    x0, x1 = _within(x + 0.1 * w, scene.width), _within(x + 0.9 * w, scene.width)
    y0, y1 = _within(y + 0.1 * h, scene.height), _within(y + 0.9 * h, scene.height)
    inner = detail[y0:y1, x0:x1]
    face = float(inner.mean()) + 0.5 if inner.size else frame
    outside = (detail.sum() - inner.sum()) / max(1, detail.size - inner.size) + 0.5
    out[1] = np.log2(face)
    out[2] = np.log2(outside / face)
    out[4], out[5] = np.log2(top / face), np.log2(bottom / face)
    window = _cells(scene.context_window(detail, 8 * GRID, 1)) + 0.5
    out[6:] = (np.log2(window / face) * scene.context_inside).ravel()
    return out


# --- light: how the face is lit ------------------------------------------------------------

_LIGHT = (
    "frame_mean",
    "frame_spread",
    "face_mean",
    "face_spread",
    "face_minus_rest",
    "face_side_difference",
    "face_highlights",
    "face_shadows",
    "frame_highlights",
    "frame_shadows",
)


def _light(scene: Scene) -> list[float]:
    grey = scene.grey
    mean, spread = float(grey.mean()) / 255, float(grey.std()) / 255
    highlights, shadows = _clipped(scene.luma)
    if scene.face is None:
        return [mean, spread, *[0.0] * 6, highlights, shadows]
    x, y, w, h = scene.face.bbox
    x0, xm, x1 = (
        _within(x, scene.width),
        _within(x + w / 2, scene.width),
        _within(x + w, scene.width),
    )
    y0, y1 = _within(y + 0.15 * h, scene.height), _within(y + 0.95 * h, scene.height)
    face = grey[y0:y1, x0:x1]
    if face.size == 0:
        return [mean, spread, *[0.0] * 6, highlights, shadows]
    face_mean = float(face.mean()) / 255
    rest = (mean * grey.size - face_mean * face.size) / max(1, grey.size - face.size)
    halves = [
        half.mean() if half.size else face.mean()
        for half in (grey[y0:y1, x0:xm], grey[y0:y1, xm:x1])
    ]
    return [
        mean,
        spread,
        face_mean,
        float(face.std()) / 255,
        face_mean - rest,
        abs(float(halves[0] - halves[1])) / 255,
        *_clipped(scene.luma[y0:y1, x0:x1]),
        highlights,
        shadows,
    ]


def _clipped(luma: Mask) -> tuple[float, float]:
    """Share of the pixels that are nearly white, and nearly black."""
    bright, dark = np.count_nonzero(luma > 245), np.count_nonzero(luma < 16)
    return bright / luma.size, dark / luma.size


# --- texture: photo, filter, or brush and canvas --------------------------------------------

_LBP_BINS = 10
_PATTERNS = 59
_BLOCK = 8
_FREQUENCIES = 15
_TEXTURE = (
    *(f"{part}_{index}" for part in ("frame", "half", "face") for index in range(_LBP_BINS)),
    *(
        f"{part}_pattern_{index}"
        for part in ("frame", "half", "face")
        for index in range(_PATTERNS)
    ),
    *(f"{part}_frequency_{index}" for part in ("frame", "face") for index in range(_FREQUENCIES)),
)


def _uniform_tables() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Map 8-bit patterns to labels, with and without regard to rotation.

    Uniform patterns, which change at most twice around the circle, count by their ones (0 to 8)
    or each by itself (0 to 57); all others share the last label.
    """
    patterns = np.arange(256)
    bits = (patterns[:, None] >> np.arange(8)) & 1
    uniform = (bits != np.roll(bits, 1, axis=1)).sum(axis=1) <= 2
    by_ones = np.where(uniform, bits.sum(axis=1), _LBP_BINS - 1)
    by_pattern = np.where(uniform, np.cumsum(uniform) - 1, _PATTERNS - 1)
    return by_ones.astype(np.uint8), by_pattern.astype(np.uint8)


_BY_ONES, _BY_PATTERN = _uniform_tables()
_NEIGHBOURS = ((-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1))


def local_binary_pattern(luma: Mask, lift: int) -> Mask:
    """Code each inner pixel by which of its eight neighbours are brighter.

    Parameters
    ----------
    luma : ndarray of uint8, shape (height, width)
    lift : int
        Grey levels by which a neighbour must be brighter. At 2 flat regions and JPEG's rounding
        count as flat.

    Returns
    -------
    ndarray of uint8, shape (height - 2, width - 2)
        One bit per neighbour, clockwise from the upper left.

    Notes
    -----
    Ojala, Pietikäinen, Mäenpää: Multiresolution gray-scale and rotation invariant texture
    classification with local binary patterns, TPAMI 2002 (P = 8, R = 1; the square neighbours
    are not interpolated).
    """
    height, width = luma.shape
    inner = luma[1:-1, 1:-1]
    level = cv2.add(inner, np.full_like(inner, lift))  # up to 255
    code = np.zeros(level.shape, np.uint8)
    for bit, (dy, dx) in enumerate(_NEIGHBOURS):
        neighbour = luma[1 + dy : height - 1 + dy, 1 + dx : width - 1 + dx]
        code |= cast(Mask, cv2.compare(neighbour, level, cv2.CMP_GT)) & np.uint8(1 << bit)
    return code


def _histogram(values: Mask) -> Vector:
    """Share of the pixels at each of the 256 values; all 0 of nothing."""
    if not values.size:
        return np.zeros(256, np.float32)
    counts = cv2.calcHist([np.ascontiguousarray(values)], [0], None, [256], [0, 256])
    return counts.ravel() / np.float32(values.size)


def _shares(codes: Mask, table: npt.NDArray[np.uint8], bins: int) -> Vector:
    """Share of the pixels whose code falls on each label of a table."""
    return np.bincount(table, _histogram(codes), bins).astype(np.float32)


# Discrete cosine transform of eight samples, one frequency a row.
_COSINES = np.array(
    [
        [
            np.cos((2 * x + 1) * u * np.pi / (2 * _BLOCK)) * np.sqrt((2 if u else 1) / _BLOCK)
            for x in range(_BLOCK)
        ]
        for u in range(_BLOCK)
    ],
    np.float32,
)
_BANDS = np.add.outer(np.arange(_BLOCK), np.arange(_BLOCK))


def block_frequencies(luma: Mask) -> Vector:
    """Measure how much of each spatial frequency a picture holds.

    Parameters
    ----------
    luma : ndarray of uint8, shape (height, width)

    Returns
    -------
    ndarray of float32, shape (15,)
        log2 of the mean absolute coefficient of the cosine transform of 8 × 8 blocks, in 14
        bands from coarse to fine; last, how far upright edges outweigh level ones. All 0 where
        no block fits.
    """
    rows, columns = luma.shape[0] // _BLOCK, luma.shape[1] // _BLOCK
    if not rows or not columns:
        return np.zeros(_FREQUENCIES, np.float32)
    pixels = luma[: rows * _BLOCK, : columns * _BLOCK].astype(np.float32)
    blocks = pixels.reshape(rows, _BLOCK, columns, _BLOCK).transpose(0, 2, 1, 3)
    strength = np.abs(_COSINES @ blocks @ _COSINES.T).mean(axis=(0, 1))
    bands = np.bincount(_BANDS.ravel(), strength.ravel()) / np.bincount(_BANDS.ravel())
    leaning = np.log2(strength[0, 1] + 1) - np.log2(strength[1, 0] + 1)
    return np.append(np.log2(bands[1:] + 0.05), leaning).astype(np.float32)


def _texture(scene: Scene) -> Vector:
    half = reduce(scene.luma, 2)
    inner = np.zeros((0, 0), np.uint8)
    flat_codes, codes = (local_binary_pattern(scene.luma, lift) for lift in (2, 0))
    parts = [
        [flat_codes, local_binary_pattern(half, 2), inner],
        [codes, local_binary_pattern(half, 0), inner],
    ]
    face = inner
    if scene.face is not None:
        x, y, w, h = scene.face.bbox
        box = (x + 0.1 * w, y + 0.1 * h, x + 0.9 * w, y + 0.9 * h)
        face = _box(scene.luma, *box)
        parts[0][2], parts[1][2] = _box(flat_codes, *box), _box(codes, *box)
    return np.concatenate(
        [
            *(_shares(part, _BY_ONES, _LBP_BINS) for part in parts[0]),
            *(_shares(part, _BY_PATTERN, _PATTERNS) for part in parts[1]),
            block_frequencies(scene.luma),
            block_frequencies(face),
        ]
    )


# --- backdrop: what is behind the head ------------------------------------------------------

_BACKDROP = (
    "share",
    "mean",
    "spread",
    "plain",
    "edges",
    "detail",
    "coarse_detail",
    "detail_to_face",
    "coarse_to_face",
    "saturation",
    "sides_difference",
    "top_plain",
)


def _backdrop(scene: Scene) -> list[float]:
    if scene.face is None:
        return [0.0] * len(_BACKDROP)
    grey = scene.half
    rows, columns = grey.shape
    x, y, w, h = (value / 2 for value in scene.face.bbox)
    mask = np.ones(grey.shape, bool)
    mask[_within(y + 1.1 * h, rows) :] = False  # shoulders and below
    left, right = _within(x - 0.5 * w, columns), _within(x + 1.5 * w, columns)
    mask[_within(y - 0.5 * h, rows) :, left:right] = False  # head and hair
    share = float(mask.mean())
    if mask.sum() < 40:
        return [share] + [0.0] * (len(_BACKDROP) - 1)
    gx = cv2.Sobel(grey, cv2.CV_32F, 1, 0, ksize=3)
    gy = cv2.Sobel(grey, cv2.CV_32F, 0, 1, ksize=3)
    edges = np.hypot(gx, gy)
    coarse = np.abs(grey - cv2.GaussianBlur(grey, (0, 0), 4))
    fine = resize(scene.detail, columns, rows)
    x0, x1 = _within(x + 0.1 * w, columns), _within(x + 0.9 * w, columns)
    y0, y1 = _within(y + 0.1 * h, rows), _within(y + 0.9 * h, rows)
    behind = grey[mask]
    middle = float(median(behind))
    saturation = resize(cast(Mask, cv2.extractChannel(scene.hsv, 1)), columns, rows)
    halves = [grey[:, :left][mask[:, :left]], grey[:, right:][mask[:, right:]]]
    sides = abs(float(halves[0].mean() - halves[1].mean())) if all(map(len, halves)) else 0.0
    top = grey[: max(2, rows // 8)]
    fine_behind, coarse_behind = float(fine[mask].mean()) + 0.5, float(coarse[mask].mean()) + 0.5
    fine_face = float(fine[y0:y1, x0:x1].mean()) + 0.5 if x1 > x0 and y1 > y0 else fine_behind
    coarse_face = float(coarse[y0:y1, x0:x1].mean()) + 0.5 if x1 > x0 and y1 > y0 else 1.0
    return [
        share,
        float(behind.mean()) / 255,
        float(behind.std()) / 255,
        float((np.abs(behind - middle) < 12).mean()),
        float((edges[mask] > 60).mean()),
        float(np.log2(fine_behind)),
        float(np.log2(coarse_behind)),
        float(np.log2(fine_behind / fine_face)),
        float(np.log2(coarse_behind / coarse_face)),
        float(saturation[mask].mean()) / 255,
        sides / 255,
        float((np.abs(top - median(top.ravel())) < 12).mean()),
    ]


# --- colour: histograms of the whole frame, variety within the face -------------------------

_HUES = 8
_LEVELS = 4
_RAMP = np.arange(256)
_JOINT = _LEVELS**3
_MOMENTS = (
    "spread_l",
    "spread_a",
    "spread_b",
    "covariance_l_a",
    "covariance_l_b",
    "covariance_a_b",
)
_COLOUR = (
    *(f"hue_{index}" for index in range(_HUES)),
    *(f"saturation_{index}" for index in range(_LEVELS)),
    *(f"value_{index}" for index in range(_LEVELS)),
    *(f"lab_{index}" for index in range(_JOINT)),
    *("mean_l", "mean_a", "mean_b"),
    *_MOMENTS,
    *(f"face_lab_{index}" for index in range(_JOINT)),
    *(f"face_{moment}" for moment in _MOMENTS),
)


def _colour(scene: Scene) -> Vector:
    hue, saturation, value = scene.hsv.reshape(-1, 3).T
    # Hue means little where there is no colour: weigh it by saturation.
    hues = np.bincount(hue.astype(np.int32) * _HUES // 180, saturation, _HUES) / 255.0
    saturations = np.bincount(saturation >> 6, minlength=_LEVELS)
    values = np.bincount(value >> 6, minlength=_LEVELS)
    hsv = np.concatenate([hues, saturations, values]) / hue.size
    lab = to_lab(reduce(scene.image, 2))
    face = np.zeros(_JOINT + len(_MOMENTS), np.float32)
    if scene.face is not None:
        x, y, w, h = scene.face.bbox
        inner = _box(scene.image, x + 0.1 * w, y + 0.1 * h, x + 0.9 * w, y + 0.9 * h)
        if inner.size >= 3 * 16:
            face = _variety(to_lab(inner))
    # Colours of photos lie near the grey axis: a and b are cut finely there.
    return np.concatenate(
        [
            hsv,
            _joint_histogram(lab, (0, 96, 96), (64, 16, 16)),
            [plane.mean() / 128 for plane in lab],
            _moments(lab),
            face,
        ],
        dtype=np.float32,
    )


def _variety(planes: Sequence[Mask]) -> Vector:
    """Tell how the colours of a face vary around its own median, whatever its tone."""
    light, a, b = (int(np.searchsorted(np.cumsum(_histogram(p)), 0.5)) for p in planes)
    low = (light - 64, a - 16, b - 16)
    return np.concatenate([_joint_histogram(planes, low, (32, 8, 8)), _moments(planes)])


def _joint_histogram(
    planes: Sequence[Mask], low: tuple[int, int, int], step: tuple[int, int, int]
) -> Vector:
    """Share of the pixels in each of 4 × 4 × 4 cells; values outside fall into the outermost."""
    place = np.zeros(planes[0].shape, np.uint8)
    for channel, plane in enumerate(planes):
        table = _places(low[channel], step[channel], _LEVELS ** (2 - channel))
        cv2.add(place, cv2.LUT(plane, table), dst=place)
    return _histogram(place)[:_JOINT]


@lru_cache(maxsize=1024)
def _places(low: int, step: int, weight: int) -> npt.NDArray[np.uint8]:
    """Which of the levels each value falls on, times a weight."""
    return (np.clip((_RAMP - low) // step, 0, _LEVELS - 1) * weight).astype(np.uint8)


def _moments(planes: Sequence[Mask]) -> Vector:
    """Spread of each channel and covariance of each pair, scaled to about 1."""
    light, a, b = (plane - np.float32(plane.mean()) for plane in planes)
    spread = [float(np.sqrt((plane * plane).mean())) / 32 for plane in (light, a, b)]
    pairs = [float((one * other).mean()) / 200 for one, other in ((light, a), (light, b), (a, b))]
    return np.array(spread + pairs, np.float32)


# --- histograms of oriented gradients ------------------------------------------------------

_HOG = tuple(
    f"{row}_{column}_{bin_}"
    for row in range(HOG_POOLED)
    for column in range(HOG_POOLED)
    for bin_ in range(HOG_BINS)
)


def hog(window: Plane) -> Vector:
    """Histogram of oriented gradients of a 48 × 48 window.

    Parameters
    ----------
    window : ndarray of float32, shape (48, 48)
        Luma, 0 to 255.

    Returns
    -------
    ndarray of float32, shape (6, 6, 6)
        Row, column and unsigned orientation (bins of 30°), each 0 to 0.4.

    Notes
    -----
    After Dalal and Triggs, Histograms of Oriented Gradients for Human Detection, CVPR 2005,
    with one departure: each cell is normalised once, by the energy of its 3 × 3 neighbourhood,
    instead of four times, which keeps a quarter of the numbers. `cv2.HOGDescriptor` is not used
    because the main build of OpenCV 5 has none.
    """
    gx = cv2.Sobel(window, cv2.CV_32F, 1, 0, ksize=1, borderType=cv2.BORDER_REPLICATE)
    gy = cv2.Sobel(window, cv2.CV_32F, 0, 1, ksize=1, borderType=cv2.BORDER_REPLICATE)
    magnitude = np.hypot(gx, gy)
    position = np.mod(np.arctan2(gy, gx) / np.pi, 1.0) * HOG_BINS
    low = np.floor(position)
    part = position - low
    lower = low.astype(np.int32) % HOG_BINS
    upper = (lower + 1) % HOG_BINS
    cell = np.arange(_WINDOW) // _CELL
    base = (cell[:, None] * GRID + cell[None, :]) * HOG_BINS
    size = GRID * GRID * HOG_BINS
    histogram = np.bincount((base + lower).ravel(), (magnitude * (1 - part)).ravel(), size)
    histogram += np.bincount((base + upper).ravel(), (magnitude * part).ravel(), size)
    cells = histogram.reshape(GRID, GRID, HOG_BINS).astype(np.float32)
    energy = cv2.boxFilter(
        (cells**2).sum(axis=2), -1, (3, 3), normalize=False, borderType=cv2.BORDER_CONSTANT
    )
    # The constant keeps noise in flat regions from being blown up to full contrast.
    normalised: Vector = np.minimum(cells / np.sqrt(energy + 250.0**2)[..., None], 0.4)
    return normalised


def hog_face_cells(scene: Scene) -> Vector:
    """Compute `hog` of the face-centred window, cells beyond the frame 0; needs a face."""
    cells = hog(scene.context_window(scene.grey, _WINDOW, 1))
    inside: Vector = cells * scene.context_inside[..., None]
    return inside


def hog_frame_cells(scene: Scene) -> Vector:
    """Compute `hog` of the whole frame."""
    return hog(resize(scene.grey, _WINDOW, _WINDOW))


def _hog_face(scene: Scene) -> Vector:
    if scene.face is None:
        return np.zeros(len(_HOG), np.float32)
    return _pooled(hog_face_cells(scene))


def _hog_frame(scene: Scene) -> Vector:
    return _pooled(hog_frame_cells(scene))


def _pooled(cells: Vector) -> Vector:
    """Mean over neighbouring cells, flattened."""
    size = GRID // HOG_POOLED
    blocks = cells.reshape(HOG_POOLED, size, HOG_POOLED, size, HOG_BINS)
    pooled: Vector = blocks.mean(axis=(1, 3)).ravel()
    return pooled


# --- the vector ----------------------------------------------------------------------------


@dataclass(frozen=True)
class FeatureGroup:
    """Features that belong together: one function, one prefix, one reason to a person."""

    name: str
    parts: tuple[str, ...]
    compute: Callable[[Scene], Sequence[float] | Vector]


GROUPS = (
    FeatureGroup("face", _FACE, _face),
    FeatureGroup("place", _PLACE, _place),
    FeatureGroup("pose", _POSE, _pose),
    FeatureGroup("crowd", _CROWD, _crowd),
    FeatureGroup("skin", _SKIN, _skin),
    FeatureGroup("focus", _FOCUS, _focus),
    FeatureGroup("light", _LIGHT, _light),
    FeatureGroup("texture", _TEXTURE, _texture),
    FeatureGroup("backdrop", _BACKDROP, _backdrop),
    FeatureGroup("colour", _COLOUR, _colour),
    FeatureGroup("hog_face", _HOG, _hog_face),
    FeatureGroup("hog_frame", _HOG, _hog_frame),
)
FEATURE_NAMES: tuple[str, ...] = tuple(
    f"{group.name}.{part}" for group in GROUPS for part in group.parts
)


def extract_features(scene: Scene) -> Vector:
    """Compute the feature vector of a photo.

    Parameters
    ----------
    scene : Scene

    Returns
    -------
    ndarray of float32, shape (len(FEATURE_NAMES),)
        In the order of `FEATURE_NAMES`; all finite.
    """
    return np.concatenate(
        [np.asarray(group.compute(scene), np.float32) for group in GROUPS], dtype=np.float32
    )
