"""Photographic quality: what a photographer can change, and nothing of the person."""

from classicselfie.quality.score import QualityScore, score_quality

__all__ = ["QualityScore", "score_quality"]
