"""CSV tables as spreadsheets write them: any common encoding and separator."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from classicselfie.errors import ManifestError

_SEPARATORS = (",", ";", "\t")
# Longest first: the mark of UTF-32 begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def marked_encoding(head: bytes) -> str | None:
    """Read the encoding off a byte order mark; None where there is none."""
    return next((name for mark, name in _MARKS if head.startswith(mark)), None)


@dataclass(frozen=True)
class TableRow:
    """One row of a table."""

    line: int  # of the file on which it ends, from 1
    fields: dict[str, str]  # its texts without the blanks around them, by column

    def __getitem__(self, column: str) -> str:
        """Give the text in a column; empty where there is none."""
        return self.fields.get(column, "")


def read_table(path: Path, needed: Sequence[str]) -> list[TableRow]:
    """Read a CSV with a line of column names.

    Parameters
    ----------
    path : Path
        In UTF-8 or UTF-16, with or without a byte order mark (or UTF-32 with one), separated
        by commas, semicolons or tabs.
    needed : sequence of str
        The columns without which the table is of no use.

    Returns
    -------
    list of TableRow
        Empty lines are passed over.

    Raises
    ------
    ManifestError
        If the file cannot be read, or a column is missing.
    """
    try:
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        raise ManifestError(f"{path} cannot be read: {error}") from error
    # With newline="" quoted line breaks stay as they are, and lines may end as on any system.
    lines = list(io.StringIO(_decode(path, data), newline=""))
    skipped = 0
    separator = ""
    if lines and lines[0].lower().startswith("sep="):  # a hint for spreadsheets
        separator, skipped = lines[0][4:5], 1
    header, *_ = lines[skipped:] or [""]
    try:
        if separator not in _SEPARATORS:
            separator = max(_SEPARATORS, key=lambda each: len(_names(header, each) & set(needed)))
        missing = set(needed) - _names(header, separator)
        if missing:
            raise ManifestError(f"{path}: column {min(missing)!r} is missing")
        reader = _reader(lines[skipped:], separator)
        columns = [column.strip().lower() for column in next(reader)]
        return [
            TableRow(
                skipped + reader.line_num,
                dict(zip(columns, (text.strip() for text in texts), strict=False)),
            )
            for texts in reader
            if any(text.strip() for text in texts)
        ]
    except csv.Error as error:
        raise ManifestError(f"{path} is no CSV file: {error}") from error


def _reader(lines: Sequence[str], separator: str) -> Any:
    return csv.reader(lines, delimiter=separator, skipinitialspace=True)


def _names(header: str, separator: str) -> set[str]:
    return {name.strip().lower() for name in next(_reader([header], separator), [])}


def _decode(path: Path, data: bytes) -> str:
    encoding = marked_encoding(data)
    if encoding is None:
        # A letter of the first column's name beside a zero: UTF-16 that lacks its mark.
        zeros = (data[:1] == b"\0", data[1:2] == b"\0")
        encoding = {(True, False): "utf-16-be", (False, True): "utf-16-le"}.get(zeros, "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ManifestError(
            f"{path} is neither UTF-8 nor UTF-16 text (line {line}); "
            "save it as CSV in UTF-8 and try again"
        ) from error
    if "\0" in text.partition("\n")[0]:
        raise ManifestError(f"{path} is no text; save it as CSV in UTF-8 and try again")
    return text.replace("\0", "")  # cameras fill up their names with zeros
