"""Features to a place on the map and a cluster; the same on every run.

References
----------
van der Maaten, Hinton: Visualizing data using t-SNE, JMLR 9 (2008). Kobak, Berens: The art of
using t-SNE for single-cell transcriptomics, Nature Communications 10 (2019): start from PCA.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]

_COMPONENTS = 50
_PERPLEXITY = 30.0
_MAX_CLUSTERS = 12
_PHOTOS_A_CLUSTER = 12
_SEED = 0


@dataclass(frozen=True, eq=False)
class Layout:
    """Where photos lie.

    Attributes
    ----------
    points : ndarray of float32, shape (n, 2)
        On the map, x to the right and y downwards, each from 0 to 1.
    clusters : list of ndarray of int64
        Each cluster's photos, the most typical first and the oddest last.
    """

    points: Floats
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
    if distinct < 2:
        return Layout(np.full((len(x), 2), 0.5, np.float32), [np.arange(len(x))])
    with threadpool_limits(1):  # sums of several threads differ in the last bits
        pca = PCA(min(_COMPONENTS, distinct - 1, x.shape[1]), svd_solver="covariance_eigh")
        components = pca.fit_transform(x)
        return Layout(_map(components, distinct), _clusters(components, distinct))


def _map(components: Floats, distinct: int) -> Floats:
    if distinct < 5:  # too few for neighbourhoods
        places = np.zeros((len(components), 2), np.float32)
        places[:, : components.shape[1]] = components[:, :2]
    else:
        from sklearn.manifold import TSNE

        perplexity = min(_PERPLEXITY, (len(components) - 1) / 3)
        tsne = TSNE(perplexity=perplexity, init="pca", random_state=_SEED, n_jobs=1)
        places = tsne.fit_transform(components)
    low, high = places.min(axis=0), places.max(axis=0)
    points: Floats = ((places - low) / np.maximum(high - low, 1e-9)).astype(np.float32)
    return points


def _clusters(components: Floats, distinct: int) -> list[Integers]:
    from sklearn.cluster import KMeans

    count = min(_MAX_CLUSTERS, distinct, 1 + len(components) // _PHOTOS_A_CLUSTER)
    k_means = KMeans(count, n_init=4, random_state=_SEED)
    distances = k_means.fit_transform(components)
    out = []
    for cluster in range(count):
        members = np.flatnonzero(k_means.labels_ == cluster)
        out.append(members[np.argsort(distances[members, cluster], kind="stable")])
    return out
