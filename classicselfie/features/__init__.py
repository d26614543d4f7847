"""Photo, faces and skin to one named feature vector.

In the order in which a picture passes: `sampling` (exact means over boxes and grids), `scene` (what
the groups share), `group` (what a group is), the groups by family (`geometry`, `skin`,
`sharpness`, `light`, `texture`, `colour`, `outlines`, `maps`), and `vector`. A photo and its mirror
image give the same numbers, and so do OpenCV 4 and 5.
"""

from classicselfie.features.group import FeatureGroup
from classicselfie.features.scene import SIMILAR_FACE, Scene
from classicselfie.features.vector import (
    FEATURE_INDEX,
    FEATURE_NAMES,
    FEATURE_VERSION,
    GROUPS,
    NamedFeatures,
    Vector,
    extract_features,
    measured_groups,
)

__all__ = [
    "FEATURE_INDEX",
    "FEATURE_NAMES",
    "FEATURE_VERSION",
    "GROUPS",
    "SIMILAR_FACE",
    "FeatureGroup",
    "NamedFeatures",
    "Scene",
    "Vector",
    "extract_features",
    "measured_groups",
]
