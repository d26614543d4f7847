"""`classicselfie scan`: find, judge, write down, sort, tell."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from time import monotonic
from typing import IO, Any

from classicselfie.console import say
from classicselfie.detector import SelfieDetector
from classicselfie.errors import MissingExtraError, ScanError
from classicselfie.names import is_url, path_of, text_of
from classicselfie.scan.cluster import Cluster
from classicselfie.scan.judge import Result, Runner, Task, weights_digest
from classicselfie.scan.results import Known, Results, Row
from classicselfie.scan.sorting import Sorter, Way
from classicselfie.scan.sources import Item, find_photos, refuse_missing
from classicselfie.scan.workers import Workers

# What kill -9 costs at most; the photos of it are judged again.
_COMMIT_SECONDS = 1.0
_COMMIT_PHOTOS = 1000
_LABELS = {
    "selfie": "look like a selfie",
    "not_selfie": "do not",
    "unknown": "could not be judged",
}


@dataclass
class Summary:
    """What a scan did.

    Attributes
    ----------
    labels : Counter of str
        Photos per label, those of earlier runs included.
    resumed : int
        How many of them an earlier run had done.
    sorted : int
        Photos that lie where they were sorted to.
    unsorted : int
        Photos that were to be sorted and stay where they are: members of archives and symbolic
        links that cannot be moved or linked, photos that are gone or changed meanwhile.
    seconds : float
    """

    labels: Counter[str] = field(default_factory=Counter)
    resumed: int = 0
    sorted: int = 0
    unsorted: int = 0
    seconds: float = 0.0

    @property
    def photos(self) -> int:
        """How many photos there were."""
        return self.labels.total()

    def __str__(self) -> str:
        """Return a few readable lines."""
        judged = self.photos - self.resumed
        counts = ", ".join(f"{self.labels[label]:,} {words}" for label, words in _LABELS.items())
        rate = judged / self.seconds if self.seconds else 0.0
        lines = [
            f"{self.photos:,} photos: {counts}",
            f"judged {judged:,} in {self.seconds:,.1f} s ({rate:,.1f} photos/s)",
        ]
        if self.resumed:
            lines[1] += f", {self.resumed:,} were done before"
        if self.sorted or self.unsorted:
            lines.append(f"sorted {self.sorted:,} into folders, left {self.unsorted:,} in place")
        return "\n".join(lines)


def scan(
    paths: Sequence[str | os.PathLike[str]],
    *,
    to: Path | None = None,
    resume: bool = False,
    only: str | None = None,
    sort_to: Path | None = None,
    way: Way = "copy",
    detector: SelfieDetector | None = None,
    n_jobs: int = -1,
    timeout: float = 60.0,
    scheduler: str | None = None,
    stdin: IO[bytes] | None = None,
    null: bool = False,
) -> Summary:
    """Judge collections of photos; see `docs/scan.md`.

    Parameters
    ----------
    paths : sequence of path
        Files, folders, archives, patterns, fsspec URLs; - for the list on `stdin`.
    to : Path, optional
        File of results: .sqlite, .csv, .jsonl or .parquet. By default JSON Lines are printed.
    resume : bool
        Skip the photos that `to` has already, of the same content, weights and threshold.
    only : {"selfie", "not_selfie", "unknown"}, optional
        The label whose photos are written and sorted.
    sort_to : Path, optional
        Folder into which photos are sorted by label.
    way : {"copy", "move", "link"}
        How they are sorted.
    detector : SelfieDetector, optional
    n_jobs : int
        Processes; -1 for one per core.
    timeout : float
        Seconds after which a photo is given up.
    scheduler : str, optional
        Address of a Dask scheduler, whose workers judge the photos then.
    stdin : binary file, optional
        A list of paths.
    null : bool
        The paths on `stdin` end with NUL instead of a line's end.

    Returns
    -------
    Summary

    Raises
    ------
    ScanError
        If the paths, the results, the folder or the cluster cannot be used.
    MissingExtraError
        If the extra "scan", "parquet" or "dask" is needed and not installed.
    KeyboardInterrupt
        On Ctrl-C, with a sentence; what was done is in `to`, from where `resume` goes on.
    """
    for package in ("joblib", "tqdm"):
        if find_spec(package) is None:
            raise MissingExtraError(package, "scan")
    names = [os.fspath(path) for path in paths]
    if to is None and (resume or (sort_to is not None and way == "move")):
        what = "--resume" if resume else "--move-to"
        raise ScanError(f"{what} needs --to FILE, where it is written down what was done")
    refuse_missing(names)
    detector = detector or SelfieDetector()
    with ExitStack() as stack:
        sorter = None if sort_to is None else Sorter(sort_to, way)
        if sorter:
            _refuse_own_folder(names, sorter.folder)
        run = _Scan(
            detector,
            results=None if to is None else stack.enter_context(Results(to)),
            sorter=sorter,
            resume=resume,
            only=only,
        )
        if scheduler is None:
            runner: Runner = Workers(detector, _processes(n_jobs), timeout)
        else:
            runner = Cluster(detector, scheduler, timeout)
        items = find_photos(names, stdin=stdin, null=null, without=run.own_files())
        run.show_progress(stack, names)
        return run.run(items, runner)


class _Scan:
    """One run."""

    def __init__(
        self,
        detector: SelfieDetector,
        *,
        results: Results | None,
        sorter: Sorter | None,
        resume: bool,
        only: str | None,
    ) -> None:
        self._threshold = detector.threshold
        self._weights = weights_digest(detector)
        self._results, self._sorter, self._resume, self._only = results, sorter, resume, only
        self._summary = Summary()
        self._pending: list[_Done] = []
        self._known: dict[str, Known] = {}  # of the photos under way
        self._committed = monotonic()

    def own_files(self) -> list[Path]:
        """List what must not be taken for photos."""
        own = self._results.own_files() if self._results else []
        return [*own, self._sorter.folder] if self._sorter else own

    def show_progress(self, stack: ExitStack, names: Sequence[str]) -> None:
        """Show a bar on a terminal; its end is known when all photos are counted."""
        from tqdm import tqdm

        self._bar = stack.enter_context(
            tqdm(unit="photo", disable=None, dynamic_ncols=True, smoothing=0.05)
        )
        if self._bar.disable or any(name == "-" or is_url(name) for name in names):
            return

        def count() -> None:
            found = find_photos(names, without=self.own_files(), unpack=False)
            total = sum(1 for _ in found)
            self._bar.total = total

        threading.Thread(target=count, daemon=True).start()

    def run(self, items: Iterator[Item], runner: Runner) -> Summary:
        begun = monotonic()
        try:
            # Closing ends the workers, whatever happens.
            with closing(runner.run(self._tasks(items))) as found:  # type: ignore[type-var]
                for task, result in found:
                    self._take(task.item, result)
            self._flush()
        except KeyboardInterrupt:
            self._flush()
            raise KeyboardInterrupt(self._told_interrupted()) from None
        if self._results:
            self._results.finish()
        self._summary.seconds = monotonic() - begun
        return self._summary

    def _tasks(self, items: Iterator[Item]) -> Iterator[Task]:
        """Hand out what is not done yet; every name once."""
        with closing(sqlite3.connect("", isolation_level=None)) as seen:  # a file, not memory
            seen.execute("PRAGMA journal_mode = OFF")
            seen.execute("CREATE TABLE seen (name TEXT PRIMARY KEY) WITHOUT ROWID")
            for item in items:
                if not seen.execute("INSERT OR IGNORE INTO seen VALUES (?)", (item.name,)).rowcount:
                    continue
                known = self._results.known(item.name, self._only) if self._results else None
                if known is not None:
                    if self._is_done(item, known):
                        self._take_known(item, known)
                        continue
                    self._known[item.name] = known
                fits = known is not None and self._resume and self._fits(known)
                yield Task(item, known.sha256 if known and fits else None)

    def _fits(self, known: Known) -> bool:
        return (known.weights, known.threshold) == (self._weights, self._threshold)

    def _is_done(self, item: Item, known: Known) -> bool:
        """Tell by size and time alone that a file is as it was when it was judged."""
        if not (self._resume and self._fits(known) and known.sha256 and item.is_file):
            return False
        if self._was_moved(item, known):
            return True
        try:
            facts = Path(item.path).stat()
        except OSError:
            return False
        return (facts.st_size, facts.st_mtime_ns) == (known.bytes, known.mtime_ns)

    def _was_moved(self, item: Item, known: Known) -> bool:
        """Tell of a photo of a list that it lies where an earlier run has moved it."""
        if known.sorted_to is None or os.path.lexists(item.path):
            return False
        return os.path.lexists(path_of(known.sorted_to))

    def _take(self, item: Item, result: Result) -> None:
        known = self._known.pop(item.name, None)
        if result.answer is None:
            assert known is not None
            assert self._results is not None
            self._results.update(item.name, bytes=result.bytes, mtime_ns=result.mtime_ns)
            self._take_known(item, known)
            return
        row = {
            **result.answer,
            "path": item.name,
            "threshold": self._threshold,
            "weights": self._weights,
            "sha256": result.sha256,
            "bytes": result.bytes,
            "mtime_ns": result.mtime_ns,
            "sorted_to": known.sorted_to if known else None,
        }
        self._done(_Done(item, row["label"], result.sha256, known, row))

    def _take_known(self, item: Item, known: Known) -> None:
        self._summary.resumed += 1
        self._done(_Done(item, known.label, known.sha256, known))

    def _done(self, done: _Done) -> None:
        self._pending.append(done)
        self._summary.labels[done.label] += 1
        self._bar.update()
        self._bar.set_postfix(self._summary.labels, refresh=False)
        late = monotonic() - self._committed > _COMMIT_SECONDS
        if late or len(self._pending) >= _COMMIT_PHOTOS or self._results is None:
            self._flush()

    def _flush(self) -> None:
        """Write down what is done and where it shall go, safely; then sort it."""
        done, self._pending = self._pending, []
        for photo in done:
            self._plan(photo)
        if self._results:
            self._results.add([photo.row for photo in done if photo.row], self._only)
            for photo in done:
                if photo.row is None and photo.place is not None:
                    self._write_place(photo)
            self._results.commit()
        else:
            for photo in done:
                if photo.row and self._only in (None, photo.label):
                    say(json.dumps(photo.row))
        for photo in done:
            self._sort(photo)
        self._committed = monotonic()

    def _plan(self, photo: _Done) -> None:
        if self._sorter is None or self._only not in (None, photo.label):
            return
        if photo.row is None and photo.known and self._was_moved(photo.item, photo.known):
            self._summary.sorted += 1
            return
        if not self._sorter.takes(photo.item):
            self._summary.unsorted += 1
            return
        planned = photo.known.sorted_to if photo.known else None
        photo.place = self._sorter.plan(photo.item, photo.label, photo.sha256, planned)
        if photo.row is not None:
            photo.row["sorted_to"] = text_of(str(photo.place))

    def _write_place(self, photo: _Done) -> None:
        if self._results:
            place = None if photo.place is None else text_of(str(photo.place))
            self._results.update(photo.item.name, sorted_to=place)

    def _sort(self, photo: _Done) -> None:
        while self._sorter and photo.place is not None:
            try:
                if self._sorter.place(photo.item, photo.place, photo.sha256):
                    self._summary.sorted += 1
                    return
                photo.place = None
                self._summary.unsorted += 1
            except FileExistsError:  # somebody else's file has come to lie there meanwhile
                photo.place = self._sorter.plan(photo.item, photo.label, photo.sha256, None)
            self._write_place(photo)
            if self._results:
                self._results.commit()

    def _told_interrupted(self) -> str:
        self._bar.close()
        told = f"; --resume goes on from {self._results.journal}" if self._results else ""
        return f"interrupted after {self._summary.photos:,} photos{told}"


@dataclass
class _Done:
    """A photo whose label is known, on its way to the results and to its folder."""

    item: Item
    label: str
    sha256: str | None
    known: Known | None
    row: Row | None = None
    place: Path | None = None


def _processes(n_jobs: int) -> int:
    from joblib import effective_n_jobs

    count: Any = effective_n_jobs(n_jobs)  # knows containers' limits
    return int(count)


def _refuse_own_folder(names: Sequence[str], folder: Path) -> None:
    """Photos that were sorted already must not be sorted once more."""
    real = folder.resolve()
    for name in names:
        if name != "-" and not is_url(name) and Path(name).resolve().is_relative_to(real):
            raise ScanError(f"{name} lies in {folder}, into which photos are sorted")
