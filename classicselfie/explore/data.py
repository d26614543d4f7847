"""Judged photos to the data of the page."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import quote

from classicselfie.explore.layout import ASPECT, Layout
from classicselfie.explore.photos import TILE
from classicselfie.explore.tiles import MAP_SIDE, MAP_TILE, SHEET_SIDE
from classicselfie.reasons import TITLES

Row = dict[str, Any]

TYPICAL = 12
ODD = 6
"""Photos of a cluster that are shown at once; of one that holds no more, all are typical."""


def describe_cluster(rows: Sequence[Row]) -> str:
    """Say in a line what the photos of a cluster have in common.

    Parameters
    ----------
    rows : sequence of dict
        `Seen.row` of each.

    Returns
    -------
    str
    """
    piles = Counter(row["pile"] for row in rows)
    faces = median(row["faces"] for row in rows)
    if faces < 1:
        people = "usually no face in sight"
    else:
        height = median(row["face"] for row in rows if row["faces"])
        count = "one face" if faces < 2 else f"{faces:.0f} faces"
        people = f"usually {count}, {height:.0%} of the picture's height"
    (signal, _), *_ = Counter(row["top"] for row in rows).most_common(1)
    selfies, maybe = (piles[pile] / len(rows) for pile in ("selfie", "maybe"))
    return (
        f"{selfies:.0%} look like selfies, {maybe:.0%} may be ones; {people}; "
        f"most often told by the {TITLES.get(signal, signal)}"
    )


def page_data(
    rows: Sequence[Row],
    layout: Layout,
    unreadable: Sequence[tuple[str, str]],
    *,
    folder: str,
    model: str,
) -> str:
    """Write the page's data as a classic script: pages opened from disk may not fetch.

    Parameters
    ----------
    rows : sequence of dict
        From the most to the least selfie-like: `Seen.row`, and `name`, `url` and `tile` (width
        and height).
    layout : Layout
        Of the same photos.
    unreadable : sequence of (str, str)
        Names and why.
    folder, model : str
        Names for the page's head.

    Returns
    -------
    str
        ASCII, so that no file name can break out of it.
    """
    of_photo = {
        int(place): number for number, members in enumerate(layout.clusters) for place in members
    }
    sentences: dict[str, int] = {}
    photos = [
        row
        | {
            "reasons": [
                (sentences.setdefault(sentence, len(sentences)), share)
                for sentence, share in row["reasons"]
            ],
            "cluster": of_photo[place],
            "x": round(float(layout.points[place, 0]), 4),
            "y": round(float(layout.points[place, 1]), 4),
        }
        for place, row in enumerate(rows)
    ]
    data = {
        "folder": folder,
        "model": model,
        "tile": {"size": TILE, "side": SHEET_SIDE},
        "mapTile": {"size": MAP_TILE, "side": MAP_SIDE},
        "map": {"width": ASPECT, "height": 1, "spacing": round(layout.spacing, 5)},
        "signals": TITLES,
        "clusters": [
            {
                "photos": len(members),
                "about": describe_cluster([rows[place] for place in members]),
                "typical": members[:TYPICAL].tolist(),
                "odd": members[TYPICAL:][::-1][:ODD].tolist(),
            }
            for members in layout.clusters
        ],
        "unreadable": unreadable,
        "sentences": list(sentences),
        "photos": photos,
    }
    return f"window.gallery = {json.dumps(data, separators=(',', ':'))};\n"


def link(photo: Path, page_folder: Path) -> str:
    """Return the address of a photo, as seen from a page in `page_folder`."""
    try:
        relative = Path(os.path.relpath(photo, page_folder))
    except ValueError:  # on another drive
        return photo.resolve().as_uri()
    return quote(os.fsencode(relative.as_posix()))
