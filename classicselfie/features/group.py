"""A feature group: numbers that belong together, and what each of them measures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np

from classicselfie.features.sampling import Floats
from classicselfie.features.scene import Scene

Values: TypeAlias = Mapping[str, float]
"""Features of a photo by their whole names, "group.part"."""


@dataclass(frozen=True, eq=False)
class FeatureGroup:
    """Features that belong together: one computation, one prefix, one part of the sum.

    Attributes
    ----------
    name : str
        The features are called "name.part".
    title : str
        What it is called to people, where the sum is shown part by part.
    documentation : mapping of str to str
        What each part measures, in the order of the vector.
    measure : callable
        Gives the parts of a scene by their names, in the same order; groups of which a loop makes
        both names and numbers give an array, in the order of the names.
    needs_face : bool
        Whether there is nothing to measure without a face.
    without_maps : bool
        Whether YuNet's maps tell the same, so that it is measured only where there are none.
    """

    name: str
    title: str
    documentation: Mapping[str, str]
    measure: Callable[[Scene], dict[str, float] | Floats]
    needs_face: bool = False
    without_maps: bool = False

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """Names of the features within the group."""
        return tuple(self.documentation)

    def compute(self, scene: Scene) -> Floats:
        """Measure a scene.

        Parameters
        ----------
        scene : Scene

        Returns
        -------
        ndarray of float64, shape (len(parts),)
            In the order of `parts`.

        Raises
        ------
        RuntimeError
            If the group measures other parts than it names.
        """
        values = self.measure(scene)
        if isinstance(values, dict):
            if tuple(values) != self.parts:
                different = sorted(values.keys() ^ self.parts) or "their order"
                raise RuntimeError(
                    f"the group {self.name} names other parts than it gives: {different}"
                )
            return np.fromiter(values.values(), np.float64, len(values))
        if values.shape != (len(self.parts),):
            raise RuntimeError(
                f"the group {self.name} names {len(self.parts)} parts and gives {values.shape}"
            )
        return values
