"""Names of files as text: a name may hold any bytes, and text is read by terminals and parsers."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path
from urllib.parse import unquote_to_bytes

# Control characters, lone surrogates, ends of lines, and what turns the direction of writing.
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# Joiners belong to the spelling of many languages, and to emoji.
_JOINERS = "\u200c\u200d"


def is_url(path: str) -> bool:
    """Tell an fsspec URL from a path."""
    return "://" in path


def printable(text: str) -> str:
    r"""Write text so that a terminal shows it and does nothing else.

    Parameters
    ----------
    text : str
        A file's name or a line that holds one.

    Returns
    -------
    str
        Valid Unicode in one line: control characters, ends of lines and marks that turn the
        direction of writing become their Python escapes, bytes that are no UTF-8 become ``\xff``.

    Examples
    --------
    >>> print(printable("a\x1b[2Jb\n.jpg"), printable("caf\udce9.jpg"))
    a\x1b[2Jb\n.jpg caf\xe9.jpg
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_printable, text))


def _printable(letter: str) -> str:
    if unicodedata.category(letter) not in _UNSAFE or letter in _JOINERS:
        return letter
    if "\udc80" <= letter <= "\udcff":  # how Python keeps a byte that is no UTF-8
        return f"\\x{ord(letter) - 0xDC00:02x}"
    return letter.encode("unicode_escape").decode()


def text_of(path: str) -> str:
    """Write a path in UTF-8: as it is, or as its file: URL where its bytes are no UTF-8."""
    try:
        path.encode()
    except UnicodeEncodeError:
        try:
            return Path(path).absolute().as_uri()
        except UnicodeEncodeError:  # not even bytes: no file has such a name
            return printable(path)
    return path


def path_of(text: str) -> str:
    """Undo `text_of`."""
    if is_url(text):
        return os.fsdecode(unquote_to_bytes(text.removeprefix("file://")))
    return text
