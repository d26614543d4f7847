"""Features to a place on the map and a cluster; the same on every run.

References
----------
van der Maaten, Hinton: Visualizing data using t-SNE, JMLR 9 (2008). Kobak, Berens: The art of
using t-SNE for single-cell transcriptomics, Nature Communications 10 (2019): start from PCA.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]

_COMPONENTS = 50
_PERPLEXITY = 30.0
_MAX_CLUSTERS = 12
ASPECT = 1.5  # the map's width by its height; a page that is taller than wide turns it
_FILLED = 0.55  # of the map, by photos side by side; more would tear neighbours apart
_ROUNDS = 60
_PHOTOS_A_CLUSTER = 12
_SEED = 0


@dataclass(frozen=True, eq=False)
class Layout:
    """Where photos lie.

    Attributes
    ----------
    points : ndarray of float32, shape (n, 2)
        On the map, x to the right from 0 to `ASPECT` and y downwards from 0 to 1.
    spacing : float
        From a photo to the one beside it, in a throng.
    clusters : list of ndarray of int64
        Each cluster's photos, the most typical first and the oddest last; the cluster whose
        photos come first on average is the first.
    """

    points: Floats
    spacing: float
    clusters: list[Integers]


def lay_out(features: Floats, names: Sequence[str]) -> Layout:
    """Place photos on a map, and gather those that look alike.

    Parameters
    ----------
    features : ndarray of float32, shape (n, f)
        Standardised.
    names : sequence of str
        Of the features, "group.name". Each group weighs the same: hundreds of outline numbers
        would otherwise drown the one that tells how near the face is.

    Returns
    -------
    Layout
    """
    from sklearn.decomposition import PCA
    from threadpoolctl import threadpool_limits

    groups = [name.partition(".")[0] for name in names]
    weights = np.array([1 / np.sqrt(groups.count(group)) for group in groups], np.float32)
    x = features * weights
    distinct = len(np.unique(x, axis=0))
    with threadpool_limits(1):  # sums of several threads differ in the last bits
        pca = PCA(max(1, min(_COMPONENTS, distinct - 1, x.shape[1])), svd_solver="covariance_eigh")
        components = pca.fit_transform(x) if distinct > 1 else np.zeros((len(x), 1), np.float32)
        points, spacing = _spread(_neighbourhoods(components, distinct))
        return Layout(points, spacing, _clusters(components, distinct))


def _neighbourhoods(components: Floats, distinct: int) -> Floats:
    """Place photos so that neighbours stay neighbours; 0 to `ASPECT` and 0 to 1."""
    if distinct < 5:  # too few for neighbourhoods
        places = np.zeros((len(components), 2), np.float32)
        places[:, : components.shape[1]] = components[:, :2]
    else:
        from sklearn.manifold import TSNE

        perplexity = min(_PERPLEXITY, (len(components) - 1) / 3)
        tsne = TSNE(perplexity=perplexity, init="pca", random_state=_SEED, n_jobs=1)
        places = tsne.fit_transform(components)
    return _fill(places)


def _fill(places: npt.NDArray[np.floating[Any]]) -> Floats:
    """Stretch places to the whole map."""
    low, high = places.min(axis=0), places.max(axis=0)
    points: Floats = ((places - low) / np.maximum(high - low, 1e-9)).astype(np.float32)
    return points * np.array([ASPECT, 1], np.float32)


def _spread(points: Floats) -> tuple[Floats, float]:
    """Push photos apart until hardly any covers another; neighbourhoods stay.

    Returns the points, and how far one is from the next.
    """
    from scipy.spatial import cKDTree

    spacing = min(0.25, float(np.sqrt(_FILLED * ASPECT / len(points))))
    x = points.astype(np.float64)
    # Copies of one photo lie on one point, which has no direction to be pushed in.
    x += np.random.default_rng(_SEED).uniform(-0.05, 0.05, x.shape) * spacing
    for _ in range(_ROUNDS):
        first, second = cKDTree(x).query_pairs(spacing, output_type="ndarray").T
        if not len(first):
            break
        between = x[second] - x[first]
        distance = np.maximum(np.hypot(*between.T), 1e-9)
        push = between * (0.4 * (spacing - distance) / distance)[:, None]
        # A photo in a throng would be flung away by the sum of all pushes.
        crowd = np.bincount(np.concatenate([first, second]), minlength=len(x))
        calm = 1 / np.maximum(1, crowd / 4)[:, None]
        moves = np.zeros_like(x)
        np.add.at(moves, first, -push)
        np.add.at(moves, second, push)
        x += moves * calm
    out = _fill(x)
    if len(out) < 2:
        return out, spacing
    nearest = cKDTree(out).query(out, k=2)[0][:, 1]
    return out, min(spacing, float(np.median(nearest)))


def _clusters(components: Floats, distinct: int) -> list[Integers]:
    from sklearn.cluster import KMeans

    count = min(_MAX_CLUSTERS, distinct, 1 + len(components) // _PHOTOS_A_CLUSTER)
    k_means = KMeans(count, n_init=4, random_state=_SEED)
    distances = k_means.fit_transform(components)
    out = []
    for cluster in range(count):
        members = np.flatnonzero(k_means.labels_ == cluster)
        out.append(members[np.argsort(distances[members, cluster], kind="stable")])
    return sorted(out, key=lambda members: float(members.mean()))
