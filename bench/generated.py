"""The parts of documents that scripts write, between two comments.

<!-- generated: NAME -->
…
<!-- end -->
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]


def filled(path: Path, parts: Mapping[str, str]) -> str:
    """Return a document's text with the named parts replaced; `KeyError` where one is missing."""
    text = path.read_text(encoding="utf-8")
    for name, content in parts.items():
        marks = re.compile(
            rf"(?P<begin><!-- generated: {re.escape(name)} -->\n).*?(?P<end><!-- end -->)",
            re.DOTALL,
        )
        if not marks.search(text):
            raise KeyError(f"{path.name} has no place for {name!r}")
        text = marks.sub(lambda found, new=content: f"{found['begin']}{new}{found['end']}", text)
    return text


def write(documents: Mapping[Path, str]) -> None:
    """Write the documents whose text has changed, and say which."""
    for path, text in documents.items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(f"wrote {path.relative_to(ROOT)}")
