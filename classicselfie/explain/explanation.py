"""The exact reason of a verdict: the shares of the decision value, and what they stand on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from classicselfie.errors import MissingExtraError
from classicselfie.faces import Bbox, Face
from classicselfie.features import Scene
from classicselfie.features.outlines import hog_face_cells
from classicselfie.images import BgrImage, Mask, whole_pixels
from classicselfie.metadata import Evidence, Hints
from classicselfie.observations import segment_arm
from classicselfie.photo import Photo
from classicselfie.verdict import Verdict

Floats = npt.NDArray[np.float64]

BIAS = "bias"
METADATA = "metadata"
_SEGMENTS = 40  # of the occlusion map, about; and the faces
_COMPACTNESS = 20.0  # rather in one piece than of one colour


@dataclass(frozen=True, eq=False)
class Explanation:
    """Why a photo was judged as it was.

    Attributes
    ----------
    verdict : Verdict
        Of the decoded pixels, never of an embedded thumbnail.
    decision_value : float
        What the linear model gives, the metadata's log-odds included; above 0 leans to a selfie.
    contributions : mapping of str to float
        Signed share of the decision value per feature ("group.name"), of the bias ("bias") and
        of each metadata signal ("metadata.signal"). They add up to `decision_value`.
    threshold : float
        The decision value from which the photo is called a selfie; infinite where none is.
    hints : Hints
        What the metadata tells about the camera.
    evidence : tuple of Evidence
        What of it counted.
    distance_m : float or None
        Estimated distance of the largest face, where the file tells the focal length.
    photo : Photo
        The working picture that was judged.
    scene : Scene
        It with its faces, in pixels of `photo.image`.
    occlusion : ndarray of float64, shape of `photo.image` without the channels
        How much the decision value falls when the part that a pixel belongs to is hidden; above 0
        where the picture speaks for a selfie. All 0 where it was not asked for.
    """

    verdict: Verdict
    decision_value: float
    contributions: Mapping[str, float]
    threshold: float
    hints: Hints
    evidence: tuple[Evidence, ...]
    distance_m: float | None
    photo: Photo
    scene: Scene
    occlusion: Floats

    def __repr__(self) -> str:
        """Return one line: the verdict, the sum and its largest shares."""
        shares = " ".join(f"{name}={share:+.2f}" for name, share in [*self.groups.items()][:3])
        return (
            f"<Explanation of {self.verdict!r}: decision_value={self.decision_value:.3f} "
            f"threshold={self.threshold:.3f} {shares}>"
        )

    @cached_property
    def groups(self) -> dict[str, float]:
        """Shares summed per feature group, metadata signal and bias; strongest first."""
        sums: dict[str, float] = {}
        for name, share in self.contributions.items():
            group = name if name.startswith(METADATA) else name.partition(".")[0]
            sums[group] = sums.get(group, 0.0) + share
        return dict(sorted(sums.items(), key=lambda item: (-abs(item[1]), item[0])))

    @property
    def faces(self) -> tuple[Face, ...]:
        """Faces in pixels of the upright original, largest first."""
        return self.verdict.faces

    @property
    def skin(self) -> Mask:
        """Skin mask, at a quarter of the working size, seeded by the largest face."""
        return self.scene.skin

    @cached_property
    def arm(self) -> npt.NDArray[np.bool_]:
        """The part of `skin` that is told of as an arm; empty where there is none."""
        found = segment_arm(self.scene) if self.scene.faces else None
        return np.zeros(self.skin.shape, bool) if found is None else found[1]

    @cached_property
    def hog_face(self) -> Floats | None:
        """HOG cells of the face-centred window, shape (6, 6, 6); None without a face."""
        return None if self.scene.face is None else hog_face_cells(self.scene)

    def to_dict(self) -> dict[str, Any]:
        """Return verdict and sum as plain values for JSON."""
        return self.verdict.to_dict() | {
            "decision_value": self.decision_value,
            "contributions": dict(self.contributions),
            "distance_m": self.distance_m,
        }


def occlude(image: BgrImage, faces: Sequence[Bbox], decide: Callable[[BgrImage], float]) -> Floats:
    """Measure how much each part of a picture matters by hiding it.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width, 3)
        BGR.
    faces : sequence of tuple of float
        Boxes that are each hidden as a whole, largest first; the rest is cut into superpixels.
    decide : callable
        Gives the decision value of a picture, faces looked for anew.

    Returns
    -------
    ndarray of float64, shape (height, width)
        By how much the decision value falls when the part that a pixel belongs to is hidden.

    Raises
    ------
    MissingExtraError
        If scikit-image is not installed.

    Notes
    -----
    A part is hidden by a heavily blurred copy of itself, which has soft edges and the colours of
    the place; a grey square would add four edges that the features see. After Zeiler and Fergus,
    Visualizing and understanding convolutional networks, ECCV 2014. Parts as in Ribeiro et al.,
    "Why should I trust you?", KDD 2016: superpixels by SLIC, Achanta et al., PAMI 34 (2012).

    A face in pieces would mislead: with one of them blurred there still is a face, sharper or
    smoother than before, and every third piece raises the decision value of a sure selfie. It
    falls where the face is hidden as a whole: see docs/experiments.md.
    """
    try:
        from skimage.segmentation import slic
    except ImportError as error:
        raise MissingExtraError("scikit-image", "explain") from error

    height, width = image.shape[:2]
    parts = slic(image[..., ::-1], _SEGMENTS, compactness=_COMPACTNESS, start_label=0)
    for number, (x, y, w, h) in enumerate(faces, parts.max() + 1):
        parts[whole_pixels(y, y + h, height), whole_pixels(x, x + w, width)] = number
    side = min(height, width) / 3
    veil = cv2.GaussianBlur(image, (0, 0), side / 2).astype(np.float32)
    whole = decide(image)
    fall = np.zeros((height, width))
    for number in np.unique(parts):
        part = parts == number
        cover = cv2.GaussianBlur(part.astype(np.float32), (0, 0), side / 25)[..., None]
        hidden = np.rint(image * (1 - cover) + veil * cover).astype(np.uint8)
        fall[part] = whole - decide(hidden)
    return fall
