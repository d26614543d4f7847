"""Photo to faces: YuNet by default, Haar cascades for OpenCV builds or users that want them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeAlias, cast

import cv2
import numpy as np
import numpy.typing as npt

from classicselfie.errors import ModelError
from classicselfie.images import BgrImage, halve, padded, resize
from classicselfie.photo import Photo
from classicselfie.resources import resource
from classicselfie.yunet import Look, Map, YuNet

Bbox: TypeAlias = tuple[float, float, float, float]
"""x, y, width, height in pixels; may reach beyond the picture."""

# The first look is at three fifths of the working image's size, that for lying heads at one fifth:
# means of five pixels a side, in whole numbers the same everywhere.
FIRST_LOOK = 3 / 5
_FIFTHS = 5
_Sums: TypeAlias = npt.NDArray[np.uint16]


@dataclass(frozen=True)
class Face:
    """A detected face.

    Attributes
    ----------
    bbox : tuple of float
        x, y, width, height in pixels; may reach beyond the picture.
    landmarks : tuple of (float, float)
        Right eye, left eye, nose tip, right and left corner of the mouth (the person's own
        right and left) as x, y in pixels; empty where the detector gives none.
    score : float
        The detector's confidence, 0 to 1.
    """

    bbox: Bbox
    landmarks: tuple[tuple[float, float], ...]
    score: float

    @property
    def area(self) -> float:
        """Area of the bounding box in square pixels."""
        return self.bbox[2] * self.bbox[3]

    def to_dict(self) -> dict[str, Any]:
        """Return the face as plain values for JSON."""
        return {
            "bbox": [round(value, 1) for value in self.bbox],
            "landmarks": [[round(x, 1), round(y, 1)] for x, y in self.landmarks],
            "score": round(self.score, 4),
        }


def face_in_original(face: Face, photo: Photo) -> Face:
    """Map a face from the working image to the upright original."""
    x, y, w, h = face.bbox
    corners = photo.to_original(np.array([(x, y), (x + w, y + h)], np.float32))
    landmarks = photo.to_original(np.array(face.landmarks, np.float32).reshape(-1, 2))
    (x0, y0), (x1, y1) = corners.tolist()
    return Face(
        bbox=(x0, y0, x1 - x0, y1 - y0),
        landmarks=tuple((px, py) for px, py in landmarks.tolist()),
        score=face.score,
    )


class MapView(NamedTuple):
    """The inner maps of one of YuNet's looks at a picture, of `FIRST_LOOK` of its size.

    Attributes
    ----------
    maps : tuple of ndarray of float32, shape (64, rows, columns)
        One of each of `classicselfie.yunet.MAPS`.
    mirrored : bool
        Whether it saw the picture mirrored.
    """

    maps: tuple[Map, ...]
    mirrored: bool


class Detection(NamedTuple):
    """What a detector found in a picture.

    Attributes
    ----------
    faces : list of Face
        Largest first, in pixels of the picture.
    best_score : float
        The highest score of the first look, face or not, 0 to 1.
    views : tuple of MapView
        What YuNet's first look saw, and after `FaceDetector.look_again` the mirror image as well;
        none where the detector is another.
    settled : bool
        Whether all looks were taken that the picture had earned.
    """

    faces: list[Face]
    best_score: float
    views: tuple[MapView, ...] = ()
    settled: bool = True


class FaceDetector(Protocol):
    """What the pipeline asks of a face detector. One instance may serve many threads."""

    name: str

    def detect(self, image: BgrImage, *, thorough: bool = True) -> Detection:
        """Find faces in an upright BGR image; the same ones in its mirror image.

        Parameters
        ----------
        image : ndarray of uint8, shape (height, width, 3)
            Working image.
        thorough : bool
            False where larger or turned looks are not worth their time; `Detection.settled` tells
            whether they might find more.
        """
        ...

    def look_again(self, image: BgrImage, found: Detection) -> Detection:
        """Let the detector see the mirror image as well, where that adds to what was found."""
        ...


class YuNetDetector:
    """YuNet, a face detector of 233 kB that OpenCV runs itself.

    The first look, at `FIRST_LOOK` of the size, finds nearly all faces of selfies. Where it shows
    none, further ones are earned: by a candidate that is nearly a face, a look at the whole
    working image; by one in a tiny picture turned both ways, looks at the turned picture. Most
    pictures without a face earn none.

    Parameters
    ----------
    score_threshold : float
        Faces below this confidence are dropped.
    rotated_score_threshold : float
        The same for the turned picture. Higher, for most pictures without an upright face have
        no face at all.
    """

    name = "yunet"

    def __init__(self, score_threshold: float = 0.5, rotated_score_threshold: float = 0.75) -> None:
        self.score_threshold = score_threshold
        self.rotated_score_threshold = rotated_score_threshold
        self._net = YuNet()

    def detect(self, image: BgrImage, *, thorough: bool = True) -> Detection:
        """Find faces; see `FaceDetector.detect`."""
        return _from_its_bright_side(image, lambda seen: self._detect(seen, thorough))

    def look_again(self, image: BgrImage, found: Detection) -> Detection:
        """See the mirror image as well; the mean of both sides' maps tells more than one side's."""
        (view,) = found.views
        other = self._net.look(_first(image if view.mirrored else _mirrored(image)))
        return found._replace(views=(view, MapView(other.maps, not view.mirrored)))

    def _detect(self, image: BgrImage, thorough: bool) -> Detection:
        look = self._net.look(_first(image))
        ratio = (1 / FIRST_LOOK, 1 / FIRST_LOOK)
        faces = _largest_first(
            _transform(face, _IN_PLACE, ratio) for face in _faces(look, self.score_threshold)
        )
        view = MapView(look.maps, mirrored=False)
        for further in () if faces else self._earned(image, look.best_score):
            if not thorough:
                return Detection([], look.best_score, (view,), settled=False)
            if faces := further():
                break
        return Detection(faces, look.best_score, (view,))

    def _earned(self, image: BgrImage, best_score: float) -> Iterator[Callable[[], list[Face]]]:
        """Yield the further looks that the first one's best score earns."""
        if best_score >= _NEARLY_A_FACE:
            yield lambda: self._look(image)
        if self._seems_to_lie(image):
            yield lambda: self._look_sideways(image)

    def _seems_to_lie(self, image: BgrImage) -> bool:
        """Look at a tiny picture turned by a quarter, both ways side by side."""
        turned = cv2.rotate(_fifth(image), cv2.ROTATE_90_CLOCKWISE)
        longer = int(turned.shape[1] > turned.shape[0])
        both = np.concatenate([turned, turned[::-1, ::-1]], axis=1 - longer)
        return self._net.look(cast(BgrImage, both)).best_score >= _LIES

    def _look_sideways(self, image: BgrImage) -> list[Face]:
        return _look_sideways(
            image, lambda turned: self._look(turned, self.rotated_score_threshold)
        )

    def detect_upright(self, image: BgrImage) -> list[Face]:
        """Find faces that stand upright, with a single look at the image as it is."""
        return self._look(image)

    def _look(self, image: BgrImage, score_threshold: float | None = None) -> list[Face]:
        threshold = self.score_threshold if score_threshold is None else score_threshold
        return _largest_first(_faces(self._net.look(image), threshold))


# Raw scores that earn a further look: of the first one (2 of 1,344 selfies' faces are lost, 63 % of
# other photos without a face are spared) and of the tiny one. Measured by bench/looks.py.
_NEARLY_A_FACE = 0.15
_LIES = 0.4


def _first(image: BgrImage) -> BgrImage:
    """Shrink to three fifths by averaging areas; the same as OpenCV gives, in half its time."""
    down = _three_of_five(padded(image, _FIFTHS).astype(np.uint16))
    sums = _three_of_five(cast(_Sums, cv2.transpose(down)))
    sums += np.uint16(_FIFTHS**2 // 2)
    sums //= np.uint16(_FIFTHS**2)
    return cast(BgrImage, cv2.transpose(sums.astype(np.uint8)))


def _three_of_five(lines: _Sums) -> _Sums:
    """Share five lines out to three: five times the mean of what each covers."""
    first, second, third, fourth, fifth = (lines[place::_FIFTHS] for place in range(_FIFTHS))
    out = np.empty((len(first), 3, *lines.shape[1:]), np.uint16)
    for place, (most, parts) in enumerate(
        ((first, (second, second)), (third, (second, fourth)), (fifth, (fourth, fourth)))
    ):
        total = np.multiply(most, np.uint16(3), out=out[:, place])
        for part in parts:
            total += part
    return out.reshape(-1, *lines.shape[1:])


def _fifth(image: BgrImage) -> BgrImage:
    image = padded(image, _FIFTHS)
    return resize(image, image.shape[1] // _FIFTHS, image.shape[0] // _FIFTHS)


def _faces(look: Look, score_threshold: float) -> list[Face]:
    return [
        Face(
            bbox=cast(Bbox, tuple(row[:4])),
            landmarks=tuple(zip(row[4:14:2], row[5:14:2], strict=True)),
            score=row[14],
        )
        for row in look.faces(score_threshold).tolist()
        if row[2] > 1 and row[3] > 1
    ]


def _from_its_bright_side(image: BgrImage, detect: Callable[[BgrImage], Detection]) -> Detection:
    """Detect in a picture or in its mirror image, whichever has the brighter left half.

    No detector answers alike for both, so that both are looked at from the same side.
    """
    if _lead_of_left(image) >= 0:
        return detect(image)
    found = detect(_mirrored(image))
    return found._replace(
        faces=_largest_first(mirror_face(face, image.shape[1]) for face in found.faces),
        views=tuple(view._replace(mirrored=not view.mirrored) for view in found.views),
    )


def _lead_of_left(image: BgrImage) -> int:
    """How much brighter the left half is; where both are alike, the first pixel that differs."""
    columns = cv2.reduce(image, 0, cv2.REDUCE_SUM, dtype=cv2.CV_32S)[0].sum(axis=1)
    half = len(columns) // 2
    lead = int(columns[:half].sum() - columns[-half:].sum())
    if not lead:
        differences = np.subtract(image, image[:, ::-1], dtype=np.int16)[:, :half].ravel()
        lead = int(differences[np.argmax(differences != 0)]) if differences.size else 0
    return lead


def _mirrored(image: BgrImage) -> BgrImage:
    return cast(BgrImage, cv2.flip(image, 1))


_OTHER_SIDE = (1, 0, 2, 4, 3)  # the right eye of the mirror image is the left one


def mirror_face(face: Face, width: int) -> Face:
    """Find where a face lies in the mirror image of a picture of this width in pixels."""
    x, y, w, h = face.bbox
    places = face.landmarks and [face.landmarks[index] for index in _OTHER_SIDE]
    return Face(
        bbox=(width - x - w, y, w, h),
        landmarks=tuple((width - px, py) for px, py in places),
        score=face.score,
    )


def _look_sideways(image: BgrImage, look: Callable[[BgrImage], list[Face]]) -> list[Face]:
    """Look at the picture turned by ±90°, at half size: only large faces lie in selfies."""
    small = halve(image)
    ratio = (image.shape[1] / small.shape[1], image.shape[0] / small.shape[0])
    best: list[Face] = []
    for code in (cv2.ROTATE_90_CLOCKWISE, cv2.ROTATE_90_COUNTERCLOCKWISE):
        faces = look(cast(BgrImage, cv2.rotate(small, code)))
        if faces and (not best or faces[0].score > best[0].score):
            back = _unrotate(code, small.shape[1], small.shape[0])
            best = [_transform(face, back, ratio) for face in faces]
    return best


_IN_PLACE = np.eye(2, 3, dtype=np.float32)


def _unrotate(code: int, width: int, height: int) -> npt.NDArray[np.float32]:
    """Affine matrix from a quarter-turned picture back to the upright one of the given size."""
    if code == cv2.ROTATE_90_CLOCKWISE:
        return np.array([[0, 1, 0], [-1, 0, height]], np.float32)
    return np.array([[0, -1, width], [1, 0, 0]], np.float32)


def _transform(face: Face, matrix: npt.NDArray[np.float32], scale: tuple[float, float]) -> Face:
    x, y, w, h = face.bbox
    points = np.array([(x, y), (x + w, y + h), *face.landmarks], np.float32)
    moved = (points @ matrix[:, :2].T + matrix[:, 2]) * np.array(scale, np.float32)
    (x0, y0), (x1, y1) = moved[:2].min(axis=0), moved[:2].max(axis=0)
    return Face(
        bbox=(float(x0), float(y0), float(x1 - x0), float(y1 - y0)),
        landmarks=tuple((float(px), float(py)) for px, py in moved[2:]),
        score=face.score,
    )


class HaarDetector:
    """Viola–Jones frontal faces: no network at all, but it misses many tilted or hidden ones.

    Parameters
    ----------
    min_neighbors : int
        How many overlapping windows make a face.
    rotated_min_neighbors : int
        The same for the second look at the picture turned by a quarter; more, for most
        pictures without an upright face have no face at all.

    References
    ----------
    Viola, Jones: Rapid Object Detection using a Boosted Cascade of Simple Features, CVPR 2001.
    Cascade: `haarcascade_frontalface_alt2.xml` by Rainer Lienhart, Intel licence.
    """

    name = "haar"
    _cascade = "haarcascade_frontalface_alt2.xml"

    def __init__(self, min_neighbors: int = 3, rotated_min_neighbors: int = 6) -> None:
        if not hasattr(cv2, "CascadeClassifier"):
            raise ModelError(
                "this OpenCV has no CascadeClassifier; "
                "run: python -m pip install opencv-contrib-python-headless"
            )
        self.min_neighbors = min_neighbors
        self.rotated_min_neighbors = rotated_min_neighbors
        self._path = str(resource("cascades", self._cascade))
        self._local = threading.local()

    def detect(self, image: BgrImage, *, thorough: bool = True) -> Detection:
        """Find faces; see `FaceDetector.detect`. Its one further look is always worth it."""
        return _from_its_bright_side(image, self._detect)

    def look_again(self, image: BgrImage, found: Detection) -> Detection:
        """Return what was found: a cascade has no maps."""
        return found

    def _detect(self, image: BgrImage) -> Detection:
        faces = self._look(image, self.min_neighbors)
        best_score = max((face.score for face in faces), default=0.0)
        faces = faces or _look_sideways(
            image, lambda turned: self._look(turned, self.rotated_min_neighbors)
        )
        return Detection(faces, best_score)

    def _look(self, image: BgrImage, min_neighbors: int) -> list[Face]:
        cascade = getattr(self._local, "cascade", None)
        if cascade is None:
            cascade = self._local.cascade = cv2.CascadeClassifier(self._path)
        grey = cv2.equalizeHist(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY))
        boxes, _, weights = cascade.detectMultiScale3(
            grey, 1.1, min_neighbors, 0, (24, 24), outputRejectLevels=True
        )
        return _largest_first(
            Face(
                bbox=(float(x), float(y), float(w), float(h)),
                landmarks=(),
                # The last stage's sum: about 1 for a weak window, 4 and more for a clear face.
                score=float(np.clip(weight / 5.0, 0.0, 1.0)),
            )
            for (x, y, w, h), weight in zip(boxes, np.ravel(weights), strict=True)
        )


def _largest_first(faces: Iterable[Face]) -> list[Face]:
    return sorted(faces, key=lambda face: (-face.area, face.bbox))


DETECTORS: dict[str, type[YuNetDetector] | type[HaarDetector]] = {
    "yunet": YuNetDetector,
    "haar": HaarDetector,
}


def make_detector(name: str) -> FaceDetector:
    """Create a face detector by its name, one of `DETECTORS`.

    Raises
    ------
    ValueError
        If there is no detector of that name.
    """
    if name not in DETECTORS:
        raise ValueError(f"detector must be one of {', '.join(DETECTORS)}, not {name!r}")
    return DETECTORS[name]()
