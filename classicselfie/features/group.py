"""A feature group: numbers that belong together, and all that is said about them."""

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
    """Features that belong together: one computation, one prefix, one reason to a person.

    Attributes
    ----------
    name : str
        The features are called "name.part".
    title : str
        What it is called to people, as in "decided by the size of the face".
    documentation : mapping of str to str
        What each part measures, in the order of the vector.
    measure : callable
        Gives the parts of a scene by their names, in the same order; groups of which a loop makes
        both names and numbers give an array, in the order of the names.
    words : callable, optional
        Of the photo's features and whether they support a selfie: the sentence of a reason.
        None for groups that only statistics understand.
    needs_face : bool
        Whether the group says nothing but that where no face was found.
    """

    name: str
    title: str
    documentation: Mapping[str, str]
    measure: Callable[[Scene], dict[str, float] | Floats]
    words: Callable[[Values, bool], str] | None = None
    needs_face: bool = False

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

    def sentence(self, values: Values, supports: bool) -> str | None:
        """Put the group's part in the verdict into words.

        Parameters
        ----------
        values : mapping of str to float
            All features of the photo, by "group.part".
        supports : bool
            Whether the group speaks for a selfie.

        Returns
        -------
        str or None
            None where only statistics know it.
        """
        return None if self.words is None else self.words(values, supports)


def whose(supports: bool) -> str:
    """Whose pictures look like that."""
    return "selfies" if supports else "pictures taken by somebody else"


def faceless(values: Values) -> bool:
    """Tell whether no face was found."""
    return values.get("face.found", 1.0) == 0.0


def like(what: str) -> Callable[[Values, bool], str]:
    """Make the words of a group about which there is no more to say than whom it is like."""
    return lambda values, supports: f"{what} as in {whose(supports)}"
