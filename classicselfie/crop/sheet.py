"""Before and after: the photo with the crop's frame beside the crop."""

from __future__ import annotations

from PIL import Image, ImageDraw, ImageFont, ImageOps

from classicselfie.crop.search import Crop
from classicselfie.photo import PhotoSource, open_photo

_HEIGHT = 720  # pixels of either picture
_MARGIN = 24
_TEXT = 28
_PAPER, _INK, _FRAME = "#ffffff", "#222222", "#d55e00"


def draw_sheet(source: PhotoSource, crop: Crop) -> Image.Image:
    """Draw a photo and its crop side by side, with their scores.

    Parameters
    ----------
    source : what `find_crop` was given
    crop : Crop

    Returns
    -------
    PIL.Image.Image
    """
    with open_photo(source) as file:
        whole = file.cut((0, 0, *file.size))
    before, zoom = _fitted(whole)
    draw = ImageDraw.Draw(before)
    left, top, right, bottom = (zoom * edge for edge in crop.box)
    draw.rectangle((left, top, right - 1, bottom - 1), outline=_FRAME, width=4)
    after, _ = _fitted(crop.image)
    size = (before.width + after.width + 3 * _MARGIN, _HEIGHT + 2 * _MARGIN + 2 * _TEXT)
    sheet = Image.new("RGB", size, _PAPER)
    draw = ImageDraw.Draw(sheet)
    score = "no face found" if crop.after is None else f"{crop.after.score:.1f} points"
    x = _MARGIN
    for picture, text in (
        (before, f"before: {crop.before.score:.1f} points"),
        (after, f"after: {score}"),
    ):
        sheet.paste(picture, (x, _MARGIN + (_HEIGHT - picture.height) // 2))
        draw.text((x, _HEIGHT + 2 * _MARGIN), text, fill=_INK, font=ImageFont.load_default(_TEXT))
        x += picture.width + _MARGIN
    return sheet


def _fitted(image: Image.Image) -> tuple[Image.Image, float]:
    """Scale to the sheet's height, or less where that would be too wide."""
    box = (3 * _HEIGHT // 2, _HEIGHT)
    shown = ImageOps.contain(image.convert("RGB"), box, Image.Resampling.LANCZOS)
    return shown, shown.width / image.width
