"""What the pages of `explore` and `serve` share: the answers of the people who look at them."""

from __future__ import annotations

from pathlib import Path

CORRECTIONS = Path(__file__).with_name("corrections.js")
"""A classic script, for pages that are opened from disk may load no modules."""
