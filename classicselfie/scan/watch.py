"""Folders into which photos come: each is handed out when it is whole."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

from classicselfie.errors import LostScanError, ScanError
from classicselfie.scan.sources import Filter, Item, find_photos, find_within

_TICK_SECONDS = 0.5
# How long a file must stay as it is: one that was closed or moved in, and one that is still open,
# as far as is known. An upload may stall, and macOS and Windows never tell of closing.
_SETTLED_SECONDS = 1.0
_STALLED_SECONDS = 10.0
_Facts = tuple[int, int]


@dataclass
class _Arrival:
    """A file that may still grow."""

    is_open: bool
    facts: _Facts | None = None
    since: float = field(default_factory=time.monotonic)


class Watch(FileSystemEventHandler):
    """What lies in folders, and then what comes into them; a context manager.

    Raises
    ------
    ScanError
        If one is no folder, or the system does not let it be watched.
    """

    def __init__(self, folders: Sequence[str]) -> None:
        for folder in folders:
            if not Path(folder).is_dir():
                raise ScanError(f"--watch needs folders, and {folder} is not one")
        self._folders = {os.path.realpath(folder): folder for folder in folders}
        self._events: SimpleQueue[FileSystemEvent] = SimpleQueue()
        self._pending: dict[str, _Arrival] = {}
        self._observer = Observer()

    def __enter__(self) -> Watch:
        """Begin to watch; return itself."""
        try:
            for real in self._folders:
                self._observer.schedule(self, real, recursive=True)
            self._observer.start()
        except OSError as error:  # the system's limit of watches, above all
            told = " and ".join(self._folders.values())
            raise ScanError(f"{told} cannot be watched: {error.strerror}") from error
        return self

    def __exit__(self, *_: object) -> None:
        """Watch no longer."""
        self._observer.stop()

    def dispatch(self, event: FileSystemEvent) -> None:
        """Note what happened; called in a thread."""
        self._events.put(event)

    def photos(self, leave: Filter, is_busy: Callable[[str], bool]) -> Iterator[Item | None]:
        """Hand out photos, without end.

        Parameters
        ----------
        leave : Filter
            What is passed over.
        is_busy : callable
            Tells of a path whether what lay there before is still being judged.

        Yields
        ------
        Item or None
            None every now and then, so that whoever waits can do something else.

        Raises
        ------
        LostScanError
            If a folder has gone.
        """
        for item in find_photos(list(self._folders.values()), leave=leave):
            facts = _facts_of(item.path)
            if facts and time.time() - facts[1] / 1e9 < _STALLED_SECONDS:
                self._pending.setdefault(item.path, _Arrival(is_open=True))
            else:
                yield item
        while True:
            self._listen()
            for path in self._take_whole(is_busy):
                real = next(real for real in self._folders if Path(path).is_relative_to(real))
                yield from find_within(self._folders[real], path, leave)
            yield None
            for real, folder in self._folders.items():
                if not Path(real).is_dir():
                    raise LostScanError(f"the folder {folder} has gone")

    def _listen(self) -> None:
        """Take in what happened, for a moment."""
        end = time.monotonic() + _TICK_SECONDS
        while (left := end - time.monotonic()) > 0:
            try:
                self._take_in(self._events.get(timeout=left))
            except Empty:
                return

    def _take_in(self, event: FileSystemEvent) -> None:
        kind = event.event_type
        path = os.fsdecode(event.dest_path if kind == "moved" else event.src_path)
        if event.is_directory:
            # What came with a folder is told nowhere else.
            for folder, _, names in os.walk(path) if kind in ("created", "moved") else ():
                for name in names:
                    inner = str(Path(folder, name))
                    self._pending.setdefault(inner, _Arrival(is_open=False))
        elif kind in ("created", "modified", "closed", "moved"):
            self._pending[path] = _Arrival(is_open=kind == "modified")
        elif kind in ("opened", "closed_no_write") and path in self._pending:
            self._pending[path].is_open = kind == "opened"

    def _take_whole(self, is_busy: Callable[[str], bool]) -> list[str]:
        """Take out what has settled, companions together: they are moved with their photo."""
        now = time.monotonic()
        unsettled = set()
        for path, arrival in list(self._pending.items()):
            facts = _facts_of(path)
            if facts is None:  # it has gone again
                del self._pending[path]
                continue
            if facts != arrival.facts:
                arrival.facts, arrival.since = facts, now
            patience = _STALLED_SECONDS if arrival.is_open else _SETTLED_SECONDS
            if now - arrival.since < patience or is_busy(path):
                unsettled.add(_family(path))
        whole = [path for path in self._pending if _family(path) not in unsettled]
        for path in whole:
            del self._pending[path]
        return whole


def _facts_of(path: str) -> _Facts | None:
    """Tell a file's size and time; None where there is none."""
    try:
        facts = Path(path).lstat()
    except (OSError, ValueError):
        return None
    return (facts.st_size, facts.st_mtime_ns) if stat.S_ISREG(facts.st_mode) else None


def _family(path: str) -> tuple[str, str]:
    """Name what a photo and its companions have in common: IMG_1.jpg, IMG_1.MOV, IMG_1.jpg.xmp."""
    folder, name = os.path.split(path)
    return folder, name.partition(".")[0]
