"""The gallery's views as PNGs, for people who want a picture to send."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from classicselfie.explore.data import ODD, TYPICAL, Row, describe_cluster
from classicselfie.explore.layout import ASPECT, Layout
from classicselfie.explore.photos import TILE
from classicselfie.images import BgrImage
from classicselfie.wording import percent

ReadTile = Callable[[int], BgrImage]
"""From a photo's place in the order to its tile."""

PAGE, INK, SOFT, LINE, SELFIE = "#ffffff", "#222222", "#595959", "#dddddd", "#0072b2"
_MARGIN, _GAP, _TITLE = 40, 6, 34
_COLUMNS, _ROWS = 16, 10
_MAP_HEIGHT = 1800


def write_pngs(rows: Sequence[Row], read: ReadTile, layout: Layout, folder: Path) -> None:
    """Write `continuum.png`, `top.png`, `bottom.png`, `quality.png`, `map.png`, `clusters.png`.

    Parameters
    ----------
    rows : sequence of dict
        From the most to the least selfie-like, as for the page.
    read : callable
    layout : Layout
        Of the same photos.
    folder : Path
        Made here.
    """
    folder.mkdir()
    room = _COLUMNS * _ROWS
    places = list(range(len(rows)))
    rated = sorted(
        (place for place in places if rows[place]["quality"] is not None),
        key=lambda place: -float(rows[place]["quality"]),
    )
    half = min(room, -(-len(rows) // 2))
    sheets = {
        "continuum": ("From most to least selfie-like", _spread(places, room), _percent),
        "top": ("Most selfie-like", places[:half], _percent),
        "bottom": ("Least selfie-like, from the least", places[half:][::-1][:room], _percent),
        "quality": ("From best photographed to most to improve", _spread(rated, room), _points),
    }
    for name, (title, chosen, caption) in sheets.items():
        if chosen:
            head = f"{title}: {len(chosen)} of {len(rows)} photos"
            cells = [(rows[place], read(place), caption(rows[place])) for place in chosen]
            _sheet(head, cells).save(folder / f"{name}.png")
    _map(rows, read, layout).save(folder / "map.png")
    _clusters(rows, read, layout).save(folder / "clusters.png")


def _spread(places: Sequence[int], room: int) -> list[int]:
    """Choose evenly, both ends among them."""
    if len(places) <= room:
        return list(places)
    return [places[round(i)] for i in np.linspace(0, len(places) - 1, room)]


def _percent(row: Row) -> str:
    return percent(row["probability"]) if row["faces"] else "no face"


def _points(row: Row) -> str:
    return f"{row['quality']:.1f}"


def _page(width: int, height: int, title: str) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    page = Image.new("RGB", (width, height), PAGE)
    draw = ImageDraw.Draw(page)
    draw.text((_MARGIN, _MARGIN), title, INK, ImageFont.load_default(_TITLE))
    return page, draw


def _tile(image: BgrImage, size: float) -> Image.Image:
    picture = Image.fromarray(np.ascontiguousarray(image[..., ::-1]))
    scale = size / TILE
    return picture.resize(
        (max(1, round(picture.width * scale)), max(1, round(picture.height * scale))),
        Image.Resampling.LANCZOS,
    )


def _put(page: Image.Image, row: Row, tile: Image.Image, middle: tuple[float, float]) -> None:
    """Paste a tile around `middle`; what looks like a selfie gets a blue frame."""
    x, y = middle
    left, top = round(x - tile.width / 2), round(y - tile.height / 2)
    if row["pile"] == "selfie":
        width = max(1, round(max(tile.size) / 24))
        box = (left - width, top - width, left + tile.width + width, top + tile.height + width)
        page.paste(SELFIE, box)
    page.paste(tile, (left, top))


def _sheet(title: str, cells: Sequence[tuple[Row, BgrImage, str]]) -> Image.Image:
    side, caption = 100, 22
    pitch_x, pitch_y = side + 2 * _GAP, side + caption + 2 * _GAP
    above = _MARGIN + 2 * _TITLE
    lines = -(-len(cells) // _COLUMNS)
    page, draw = _page(2 * _MARGIN + _COLUMNS * pitch_x, above + lines * pitch_y + _MARGIN, title)
    font = ImageFont.load_default(15)
    for index, (row, tile, text) in enumerate(cells):
        x = _MARGIN + (index % _COLUMNS + 0.5) * pitch_x
        y = above + index // _COLUMNS * pitch_y + side / 2
        _put(page, row, _tile(tile, side - 8), (x, y))
        draw.text((x, y + side / 2 + 2), text, SOFT, font, anchor="ma")
    return page


def _map(rows: Sequence[Row], read: ReadTile, layout: Layout) -> Image.Image:
    side = float(np.clip(layout.spacing * _MAP_HEIGHT, 10, TILE))
    edge, above = _MARGIN + side / 2, _MARGIN + 2 * _TITLE
    page, _ = _page(
        round(2 * edge + ASPECT * _MAP_HEIGHT),
        round(above + 2 * edge + _MAP_HEIGHT),
        f"{len(rows)} photos; alike lie together, framed blue what looks like a selfie",
    )
    for place in reversed(range(len(rows))):
        x, y = layout.points[place].tolist()
        tile = _tile(read(place), side)
        middle = (edge + x * _MAP_HEIGHT, above + edge + y * _MAP_HEIGHT)
        _put(page, rows[place], tile, middle)
    return page


def _clusters(rows: Sequence[Row], read: ReadTile, layout: Layout) -> Image.Image:
    side, between = 100, 40
    pitch, height = side + 2 * _GAP, side + 80
    above = _MARGIN + 2 * _TITLE
    page, draw = _page(
        2 * _MARGIN + (TYPICAL + ODD) * pitch + between,
        above + len(layout.clusters) * height + _MARGIN,
        "Clusters: typical photos, and at the right odd ones",
    )
    font = ImageFont.load_default(20)
    for number, members in enumerate(layout.clusters, start=1):
        y = above + (number - 1) * height
        about = describe_cluster([rows[place] for place in members])
        draw.line((_MARGIN, y, page.width - _MARGIN, y), LINE)
        draw.text((_MARGIN, y + 10), f"{number}: {len(members)} photos. {about}", INK, font)
        typical, odd = members[:TYPICAL], members[TYPICAL:][::-1][:ODD]
        for column, place in enumerate([*typical, *odd]):
            shift = between if column >= TYPICAL else 0
            x = _MARGIN + shift + (column + 0.5) * pitch
            _put(page, rows[place], _tile(read(place), side - 8), (x, y + 44 + side / 2))
    return page
