"""A part of the picture at full resolution."""

from __future__ import annotations

from PIL import Image

TRANSPOSITIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def stored_box(
    box: tuple[int, int, int, int], size: tuple[int, int], orientation: int
) -> tuple[int, int, int, int]:
    """Find where a box of the upright picture lies in the stored one."""
    (left, top, right, bottom), (width, height) = box, size
    if orientation in (2, 3, 6, 7):
        left, right = width - right, width - left
    if orientation in (3, 4, 7, 8):
        top, bottom = height - bottom, height - top
    return (top, left, bottom, right) if orientation >= 5 else (left, top, right, bottom)


def plain_copy(image: Image.Image) -> Image.Image:
    """Reduce to grey or RGB, keeping the colour profile where the colour space stays."""
    profile = image.info.get("icc_profile")
    if "transparency" in image.info or "a" in image.mode.lower():
        opaque = image.convert("RGBA")
        plain = Image.new("RGB", image.size, "white")
        plain.paste(opaque, mask=opaque.getchannel("A"))
        profile = None if image.mode in ("1", "L", "LA", "La") else profile  # it is of grey
    elif image.mode in ("L", "RGB"):
        plain = image.copy()
    else:
        plain = image.convert("L" if image.mode == "1" else "RGB")
        profile = profile if image.mode == "P" else None
    plain.info = {"icc_profile": profile} if profile else {}
    return plain
