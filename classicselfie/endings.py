"""What the ends of file names tell. Whether a file is read as a picture, its first bytes decide."""

from __future__ import annotations

PHOTO_ENDINGS = (
    ".jpg",
    ".jpeg",
    ".jpe",
    ".png",
    ".webp",
    ".tif",
    ".tiff",
    ".bmp",
    ".gif",
    ".avif",
    ".heic",
    ".heif",
)
"""Formats that are read, in lower case."""
