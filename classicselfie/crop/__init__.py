"""The best crop of a photo of people."""

from classicselfie.crop.search import Crop, find_crop

__all__ = ["Crop", "find_crop"]
