"""The results of a scan: a SQLite table that survives kill -9, and the files made of it."""

from __future__ import annotations

import csv
import json
import re
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from classicselfie.errors import LostScanError, MissingExtraError, ScanError
from classicselfie.files import replacing

Row = dict[str, Any]
Value = str | int | float | None

# Column, its type in SQLite; JSON texts are objects in JSON Lines.
COLUMNS = {
    "path": "TEXT PRIMARY KEY",
    "label": "TEXT NOT NULL",
    "probability": "REAL",
    "front_camera": "INTEGER",
    "reasons": "TEXT NOT NULL",
    "faces": "TEXT NOT NULL",
    "width": "INTEGER",
    "height": "INTEGER",
    "stage": "TEXT NOT NULL",
    "timings_ms": "TEXT NOT NULL",
    "model": "TEXT NOT NULL",
    "threshold": "REAL NOT NULL",
    "weights": "TEXT NOT NULL",
    "sha256": "TEXT",
    "bytes": "INTEGER",
    "mtime_ns": "INTEGER",
    "sorted_to": "TEXT",
    "detail": "TEXT",
    "confidence": "TEXT",
    "summary": "TEXT",
    "machine_label": "TEXT",
}
# Columns that files of these versions lack, the last ones.
_LACKING = {
    1: ("detail", "confidence", "summary", "machine_label"),
    2: ("confidence", "summary", "machine_label"),
    3: ("machine_label",),
}
_NEW = _LACKING[1]
_JSON = ("reasons", "faces", "timings_ms")
_LINE_KEYS = COLUMNS.keys() - {"width", "height"} | {"size"}
_TABLES = ("photos", "passed")
_SCHEMA = f"({', '.join(f'{name} {kind}' for name, kind in COLUMNS.items())}) WITHOUT ROWID"
_PLACES = ", ".join("?" * len(COLUMNS))
# Files of version 1 may lack it.
_MOVING = """
CREATE TABLE IF NOT EXISTS moving
(path TEXT PRIMARY KEY, source TEXT NOT NULL, sorted_to TEXT NOT NULL) WITHOUT ROWID
"""
_VERSION = 4
_MAX_INTEGER = 2**63 - 1
# What SQLite puts beside a table, in each of its modes.
_BESIDE = ("-journal", "-wal", "-shm")
# A spreadsheet takes such a text for a formula.
_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
# The csv module of Python 3.10 reads no NUL; this is no character, and so in no name.
_NUL = "\uffff"
_ROWS_PER_GROUP = 10_000
_SQLITE = (".sqlite", ".sqlite3", ".db")


@dataclass(frozen=True)
class Known:
    """What an earlier run found out about a photo."""

    label: str
    confidence: str | None
    threshold: float
    weights: str
    sha256: str | None
    bytes: int | None
    mtime_ns: int | None
    sorted_to: str | None
    summary: str | None
    machine_label: str | None


@dataclass(frozen=True)
class Move:
    """A file on its way to another place."""

    path: str  # its name in the results
    # Where it comes from and where it goes, absolute, as `text_of` writes them.
    source: str
    place: str


class Results:
    """One row a photo, by its path; a context manager.

    Parameters
    ----------
    output : Path
        .sqlite holds the table itself. For .csv, .jsonl and .parquet the table is a file beside
        it, `OUTPUT.unfinished`, of which `finish` makes the output in one step. Rows that the
        output has already are kept, or replaced when their photo is judged again.

    Raises
    ------
    ScanError
        If the output cannot be used, or another scan is writing to it; `LostScanError` later on.
    """

    def __init__(self, output: Path) -> None:
        self.output = output
        self._format = _format_of(output)
        self.journal = _journal_of(output) if self._format else output
        with self._told(ScanError), ExitStack() as undo:
            self._database = sqlite3.connect(self.journal, timeout=0, isolation_level=None)
            undo.callback(self._database.close)
            # What is about to be moved must be on the disk, in whichever mode the table is.
            self._database.execute("PRAGMA synchronous = FULL")
            self._lock()
            if self.journal.stat().st_size == 0:  # nobody else's: it is locked
                undo.callback(self.journal.unlink, missing_ok=True)
            self._set_up()
            undo.pop_all()

    def __enter__(self) -> Results:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the table; what was not committed is not in it."""
        self._database.close()

    def known(self, path: str, only: str | None = None) -> Known | None:
        """Look up a photo; with `only`, also among those that were passed over."""
        fields = ", ".join(Known.__annotations__)
        with self._told():
            query = f"SELECT {fields} FROM photos WHERE path = ?"
            found = self._database.execute(query, (path,)).fetchone()
            if found is None and only is not None:
                query = (
                    f"SELECT {fields} FROM passed "
                    "WHERE path = ? AND label != ? AND confidence IS NOT ?"
                )
                found = self._database.execute(query, (path, only, only)).fetchone()
        return None if found is None else Known(*found)

    def add(self, rows: Iterable[Row], only: str | None) -> None:
        """Write rows in the place of those of the same paths.

        With `only`, the other rows are kept apart: for the next run, not for the eye.
        """
        with self._told():
            for row in rows:
                is_wanted = only in (None, row["label"], row["confidence"])
                table, other = _TABLES if is_wanted else _TABLES[::-1]
                values = tuple(_to_table(row).values())
                self._database.execute(f"INSERT OR REPLACE INTO {table} VALUES ({_PLACES})", values)
                self._database.execute(f"DELETE FROM {other} WHERE path = ?", (row["path"],))

    def update(self, path: str, **facts: Value) -> None:
        """Change some columns of a photo that is judged already."""
        changes = ", ".join(f"{name} = ?" for name in facts)
        with self._told():
            for table in _TABLES:
                query = f"UPDATE {table} SET {changes} WHERE path = ?"
                self._database.execute(query, (*map(_storable, facts.values()), path))

    def human_label(self, path: str) -> str | None:
        """Look up what a person said about a photo, whatever an earlier `only` did with it."""
        with self._told():
            for table in _TABLES:
                query = f"SELECT label FROM {table} WHERE path = ? AND machine_label IS NOT NULL"
                if found := self._database.execute(query, (path,)).fetchone():
                    return str(found[0])
        return None

    def correct(self, path: str, label: str, only: str | None) -> None:
        """Give a photo that is judged already the label that a person gave it."""
        change = "machine_label = coalesce(machine_label, label), label = ?, confidence = 'clear'"
        table, other = _TABLES if only in (None, label) else _TABLES[::-1]
        with self._told():
            for each in _TABLES:
                query = f"UPDATE {each} SET {change} WHERE path = ?"
                self._database.execute(query, (label, path))
            move = f"INSERT OR REPLACE INTO {table} SELECT * FROM {other} WHERE path = ?"
            self._database.execute(move, (path,))
            self._database.execute(f"DELETE FROM {other} WHERE path = ?", (path,))

    def commit(self, moves: Iterable[Move] = ()) -> None:
        """Put everything so far safely on the disk, and what will be moved next."""
        with self._told():
            self._database.execute("DELETE FROM moving")
            self._database.executemany(
                "INSERT OR REPLACE INTO moving VALUES (?, ?, ?)",
                ((move.path, move.source, move.place) for move in moves),
            )
            self._database.execute("COMMIT")
            self._begin()

    def moves(self) -> list[Move]:
        """List what a run that was killed was about to move."""
        with self._told():
            rows = self._database.execute("SELECT path, source, sorted_to FROM moving")
            return [Move(*row) for row in rows.fetchall()]

    def finish(self) -> None:
        """Commit; make the output of the table, if it is another file, in one step."""
        self.commit()
        if self._format is None:
            return
        rows = self._database.execute("SELECT * FROM photos ORDER BY path")
        with self._told(), replacing(self.output) as (part,):
            self._format.write(part, (dict(zip(COLUMNS, row, strict=True)) for row in rows))
        with self._told():
            self._database.execute("ROLLBACK")
            self._database.close()
            self.journal.unlink()

    def _lock(self) -> None:
        try:
            self._begin()
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise ScanError(f"another scan is writing to {self.output}") from error
            raise
        # From here on only the moment between two transactions may be another's.
        self._database.execute("PRAGMA busy_timeout = 60000")

    def _begin(self) -> None:
        # Held all the time: it keeps other scans out, lets readers in, and dies with us.
        self._database.execute("BEGIN IMMEDIATE")

    def _set_up(self) -> None:
        (version,) = self._database.execute("PRAGMA user_version").fetchone()
        if version == _VERSION:
            return
        is_new = (
            version == 0 and not self._database.execute("SELECT * FROM sqlite_master").fetchone()
        )
        if not is_new and version not in _LACKING:
            raise ScanError(f"{self.journal} is no file of results of this version")
        for table in _TABLES:
            if is_new:
                self._database.execute(f"CREATE TABLE {table} {_SCHEMA}")
            for name in _LACKING.get(version, ()):
                self._database.execute(f"ALTER TABLE {table} ADD COLUMN {name} {COLUMNS[name]}")
        self._database.execute(_MOVING)
        self._database.execute(f"PRAGMA user_version = {_VERSION}")
        if is_new and self._format is not None and self.output.exists():
            try:
                for known in self._format.read(self.output):
                    row = dict.fromkeys(_NEW) | known
                    if row.keys() != COLUMNS.keys():
                        raise ValueError("it has other columns")
                    self._database.execute(
                        f"INSERT OR REPLACE INTO photos VALUES ({_PLACES})",
                        tuple(row[name] for name in COLUMNS),
                    )
            except (KeyError, ValueError, TypeError, csv.Error, sqlite3.IntegrityError) as error:
                raise ScanError(
                    f"{self.output} is no file of results of this version: {error!r}"
                ) from error
        self.commit()

    @contextmanager
    def _told(self, kind: type[ScanError] = LostScanError) -> Iterator[None]:
        """Turn what a full disk, a foreign file or a lock raises into one line."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise kind(f"{self.output} cannot be written: {error}") from error


def own_files(output: Path) -> list[Path]:
    """List what `Results` writes, which must not be taken for photos."""
    # SQLite puts its other files beside the one that a link points to.
    tables = {file for name in (output, _journal_of(output)) for file in (name, name.resolve())}
    return [*tables, *(file.with_name(file.name + end) for file in tables for end in _BESIDE)]


def _journal_of(output: Path) -> Path:
    return output.with_name(output.name + ".unfinished")


@contextmanager
def rehearsal(output: Path) -> Iterator[Results]:
    """Work on a copy of the results, of which nothing is kept; a context manager."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            for name in {output, _journal_of(output)}:
                real = name.resolve()
                for end in ("", *_BESIDE):
                    if (file := real.with_name(real.name + end)).is_file():
                        shutil.copyfile(file, Path(folder) / (name.name + end))
        except OSError as error:
            raise ScanError(f"{output} cannot be read: {error.strerror}") from error
        with Results(Path(folder) / output.name) as results:
            yield results


def _storable(value: Value) -> Value:
    """Leave out a number that no column holds: a file's time after the year 2262."""
    return None if isinstance(value, int) and abs(value) > _MAX_INTEGER else value


def _to_table(row: Row) -> dict[str, Value]:
    """Flatten a row of JSON Lines."""
    width, height = row["size"] or (None, None)
    flat = {**row, "width": width, "height": height}
    return {
        name: json.dumps(flat[name], separators=(",", ":"))
        if name in _JSON
        else _storable(flat[name])
        for name in COLUMNS
    }


def _from_table(row: dict[str, Any]) -> Row:
    """Undo `_to_table`."""
    out: Row = {}
    for name, value in row.items():
        if name in _JSON:
            out[name] = json.loads(value)
        elif name == "width":
            out["size"] = None if value is None else [value, row["height"]]
        elif name == "front_camera":
            out[name] = None if value is None else bool(value)
        elif name != "height":
            out[name] = value
    return out


@dataclass(frozen=True)
class _Format:
    write: Callable[[Path, Iterator[dict[str, Any]]], None]
    read: Callable[[Path], Iterator[dict[str, Any]]]


def _format_of(output: Path) -> _Format | None:
    """Tell the format by the ending; None for SQLite."""
    ending = output.suffix.lower()
    if not output.parent.is_dir():
        raise ScanError(f"the folder {output.parent} of the results does not exist")
    if ending in _SQLITE:
        return None
    if ending not in _FORMATS:
        raise ScanError(f"{output} must end in .sqlite, .csv, .jsonl or .parquet")
    if ending == ".parquet":
        MissingExtraError.unless_installed("parquet")
    return _FORMATS[ending]


def _write_csv(path: Path, rows: Iterator[dict[str, Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(COLUMNS))
        writer.writeheader()
        writer.writerows({name: _harmless(value) for name, value in row.items()} for row in rows)


def _harmless(value: Value) -> Value:
    """Put an apostrophe before what a spreadsheet would run as a formula."""
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value


def _original(text: str) -> str:
    """Undo `_harmless`."""
    text = text.replace(_NUL, "\0")
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


def _read_csv(path: Path) -> Iterator[dict[str, Any]]:
    kinds: dict[str, Callable[[str], Value]] = {"REAL": float, "INTEGER": int, "TEXT": _original}
    usual = csv.field_size_limit(min(sys.maxsize, 2**31 - 1))  # hundreds of faces are a long field
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            lines = (line.replace("\0", _NUL) for line in stream)
            for row in csv.DictReader(lines, strict=True):
                yield row | {
                    name: kinds[kind.split()[0]](row[name]) if row.get(name) else None
                    for name, kind in COLUMNS.items()
                }
    finally:
        csv.field_size_limit(usual)  # the whole program's


def _write_jsonl(path: Path, rows: Iterator[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8") as stream:
        stream.writelines(json.dumps(_from_table(row)) + "\n" for row in rows)


def _read_jsonl(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as stream:
        for line in stream:
            row = dict.fromkeys(_NEW) | json.loads(line)
            yield _to_table(row) | {name: row[name] for name in row.keys() - _LINE_KEYS}


def _write_parquet(path: Path, rows: Iterator[dict[str, Any]]) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    kinds = {"REAL": pa.float64(), "INTEGER": pa.int64(), "TEXT": pa.string()}
    schema = pa.schema([(name, kinds[kind.split()[0]]) for name, kind in COLUMNS.items()])
    with parquet.ParquetWriter(path, schema) as writer:
        while group := list(islice(rows, _ROWS_PER_GROUP)):
            writer.write_table(pa.Table.from_pylist(group, schema))


def _read_parquet(path: Path) -> Iterator[dict[str, Any]]:
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        for group in file.iter_batches(_ROWS_PER_GROUP):
            yield from group.to_pylist()


_FORMATS = {
    ".csv": _Format(_write_csv, _read_csv),
    ".jsonl": _Format(_write_jsonl, _read_jsonl),
    ".ndjson": _Format(_write_jsonl, _read_jsonl),
    ".parquet": _Format(_write_parquet, _read_parquet),
}
