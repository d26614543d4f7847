"""`classicselfie scan`: find, judge, write down, sort, tell."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic
from typing import IO, Any

from classicselfie.console import say_json
from classicselfie.detector import SelfieDetector
from classicselfie.errors import MissingExtraError, ScanError
from classicselfie.names import is_url, path_of, text_of
from classicselfie.progress import progress_bar
from classicselfie.scan.cluster import Cluster
from classicselfie.scan.companions import Companions, is_photo
from classicselfie.scan.corrections import Corrections
from classicselfie.scan.judge import Result, Runner, Task
from classicselfie.scan.results import Known, Move, Results, Row, own_files, rehearsal
from classicselfie.scan.sorting import Sorter, Way
from classicselfie.scan.sources import Filter, Item, find_photos, refuse_missing
from classicselfie.scan.workers import Workers
from classicselfie.workers.pool import count_processes

# What kill -9 costs at most; the photos of it are judged again.
_COMMIT_SECONDS = 1.0
_COMMIT_PHOTOS = 1000
_PILES = {
    "selfie": "look like a selfie",
    "maybe": "may be one",
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
    piles : Counter of str
        The same with those apart whose confidence is "maybe".
    resumed : int
        How many of them an earlier run had done.
    corrected : int
        How many of them have the label that a person gave them.
    unmet : int
        Photos of the corrections that were not met.
    sorted : int
        Photos that lie where they were sorted to.
    unsorted : int
        Photos that were to be sorted and stay where they are: members of archives and symbolic
        links that cannot be moved or linked, photos that are gone or changed meanwhile or lie in a
        folder that must not be written to.
    companions : int
        Files that were moved with their photos.
    other_files : int
        Files that were to be sorted and stay because they are no photos.
    is_rehearsal : bool
        Whether all this only would have happened.
    seconds : float
    """

    labels: Counter[str] = field(default_factory=Counter)
    piles: Counter[str] = field(default_factory=Counter)
    resumed: int = 0
    corrected: int = 0
    unmet: int = 0
    sorted: int = 0
    unsorted: int = 0
    companions: int = 0
    other_files: int = 0
    is_rehearsal: bool = False
    seconds: float = 0.0

    @property
    def photos(self) -> int:
        """How many photos there were."""
        return self.labels.total()

    def __str__(self) -> str:
        """Return a few readable lines."""
        judged = self.photos - self.resumed
        counts = ", ".join(f"{self.piles[pile]:,} {words}" for pile, words in _PILES.items())
        rate = judged / self.seconds if self.seconds else 0.0
        lines = [
            f"{self.photos:,} photos: {counts}",
            f"judged {judged:,} in {self.seconds:,.1f} s ({rate:,.1f} photos/s)",
        ]
        if self.resumed:
            lines[1] += f", {self.resumed:,} were done before"
        if self.corrected or self.unmet:
            line = f"kept what people said of {self.corrected:,}"
            if self.unmet:
                line += f"; {self.unmet:,} photos of the corrections were not met"
            lines.append(line)
        if self.sorted or self.unsorted or self.companions or self.other_files:
            sort, leave = ("would sort", "leave") if self.is_rehearsal else ("sorted", "left")
            parts = [f"{sort} {self.sorted:,} into folders"]
            if self.companions:
                parts.append(f"{self.companions:,} companions with them")
            parts.append(f"{leave} {self.unsorted:,} in place")
            if self.other_files:
                parts.append(f"{self.other_files:,} other files as they are")
            lines.append(", ".join(parts))
        return "\n".join(lines)


def scan(
    paths: Sequence[str | os.PathLike[str]],
    *,
    to: str | os.PathLike[str] | None = None,
    resume: bool = False,
    only: str | None = None,
    corrections: str | os.PathLike[str] | None = None,
    sort_to: str | os.PathLike[str] | None = None,
    way: Way = "copy",
    companions: bool = True,
    dry_run: bool = False,
    exclude: Sequence[str] = (),
    detector: SelfieDetector | None = None,
    n_jobs: int = -1,
    timeout: float = 60.0,
    scheduler: str | None = None,
    stdin: IO[bytes] | None = None,
    null: bool = False,
    watch: bool = False,
) -> Summary:
    """Judge collections of photos; see `docs/scan.md`.

    Parameters
    ----------
    paths : sequence of path
        Files, folders, archives, patterns, fsspec URLs; - for the list on `stdin`.
    to : path, optional
        File of results: .sqlite, .csv, .jsonl or .parquet. By default JSON Lines are printed.
    resume : bool
        Skip the photos that `to` has already, of the same content, weights and threshold.
    only : {"selfie", "maybe", "not_selfie", "unknown"}, optional
        The label whose photos are written and sorted.
    corrections : path, optional
        A CSV of photos and their labels, which count more than the detector's.
    sort_to : path, optional
        Folder into which photos are sorted by label.
    way : {"copy", "move", "link"}
        How they are sorted.
    companions : bool
        Whether videos, sidecars and raw files move with the photo whose name they bear.
    dry_run : bool
        Judge, and print as JSON Lines what would be sorted where; nothing is written.
    exclude : sequence of str
        Shell patterns for names, or for paths below a folder, that are passed over.
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
    watch : bool
        Go on with what comes into the folders, until Ctrl-C; what `to` has already is skipped.

    Returns
    -------
    Summary

    Raises
    ------
    ScanError
        If the paths, the corrections, the results, the folder or the cluster cannot be used.
    LostScanError
        If one of them fails on the way.
    ManifestError
        If the corrections are no CSV.
    TypeError
        If `paths` is a single path.
    MissingExtraError
        If the extra "scan", "watch", "parquet" or "dask" is needed and not installed.
    KeyboardInterrupt
        On Ctrl-C, with a sentence; what was done is in `to`, from where `resume` goes on.
    """
    MissingExtraError.unless_installed("watch" if watch else "scan")
    if isinstance(paths, (str, bytes, os.PathLike)):
        raise TypeError(f"expected a list of paths, not {paths!r}; write [{paths!r}]")
    names = [os.fspath(path) for path in paths]
    if dry_run and sort_to is None:
        raise ScanError("--dry-run needs --copy-to, --move-to or --link-to DIR")
    if to is None and (resume or (sort_to is not None and way == "move" and not dry_run)):
        what = "--resume" if resume else "--move-to"
        raise ScanError(f"{what} needs --to FILE, where it is written down what was done")
    if watch and (dry_run or scheduler is not None):
        raise ScanError("--watch works neither with --dry-run nor with --backend dask")
    refuse_missing(names)
    said = None if corrections is None else Corrections(Path(corrections))
    detector = detector or SelfieDetector()
    with ExitStack() as stack:
        sorter = None if sort_to is None else Sorter(Path(sort_to), way, dry_run)
        if sorter:
            _refuse_own_folder(names, sorter.folder)
        output = None if to is None else Path(to)
        opened = None if output is None else rehearsal(output) if dry_run else Results(output)
        results = None if opened is None else stack.enter_context(opened)
        own = own_files(output) if output else []
        own += [said.file] if said else []
        own += [sorter.folder] if sorter else []
        leave = Filter(own, exclude)
        run = _Scan(
            detector,
            results=results,
            corrections=said,
            sorter=sorter,
            companions=Companions(leave.passes_over) if way == "move" and companions else None,
            resume=resume or watch,
            only=only,
            dry_run=dry_run,
            watch=watch,
        )
        if scheduler is None:
            runner: Runner = Workers(detector, count_processes(n_jobs), timeout)
        else:
            runner = Cluster(detector, scheduler, timeout)
        run.show_progress(stack, names, leave)
        run.finish_moves()
        found: Iterator[Item | None] = find_photos(names, stdin=stdin, null=null, leave=leave)
        if watch:
            from classicselfie.scan.watch import Watch

            found = stack.enter_context(Watch(names)).photos(leave, run.is_busy)
        return run.run(found, runner)


@dataclass
class _Scan:
    """One run."""

    detector: SelfieDetector
    results: Results | None
    corrections: Corrections | None
    sorter: Sorter | None
    companions: Companions | None
    resume: bool
    only: str | None
    dry_run: bool
    watch: bool
    pending: list[_Done] = field(default_factory=list, init=False)
    waiting: list[_Done] = field(
        default_factory=list, init=False
    )  # their companions are not judged yet
    moves: deque[_Done] = field(default_factory=deque, init=False)  # written down and not done
    claimed: set[str] = field(default_factory=set, init=False)  # companions among these
    under_way: dict[str, tuple[Item, Known | None]] = field(default_factory=dict, init=False)
    committed: float = field(default_factory=monotonic, init=False)

    def __post_init__(self) -> None:
        self.summary = Summary(is_rehearsal=self.dry_run)
        self.threshold, self.weights = self.detector.threshold, self.detector.model.digest

    def finish_moves(self) -> None:
        """Finish what a run that was killed had written down and perhaps not done."""
        if not self.results or not self.sorter or self.sorter.way != "move" or self.dry_run:
            return
        for move in self.results.moves():
            known = self.results.known(move.path)
            source, place = path_of(move.source), Path(path_of(move.place))
            item = Item(move.path, source, Path(source).name)
            try:
                is_there = self.sorter.place(item, place, known.sha256 if known else None)
            except FileExistsError:  # somebody else's file has come to lie there meanwhile
                is_there = False
            self.results.update(move.path, sorted_to=move.place if is_there else None)
        self.results.commit()

    def show_progress(self, stack: ExitStack, names: Sequence[str], leave: Filter) -> None:
        """Show a bar on a terminal; its end is known when all photos are counted."""
        self._bar = stack.enter_context(
            progress_bar(unit="photo", dynamic_ncols=True, smoothing=0.05)
        )
        if self._bar.disable or self.watch or any(name == "-" or is_url(name) for name in names):
            return

        def count() -> None:
            found = find_photos(names, leave=leave, unpack=False)
            total = sum(1 for _ in found)
            self._bar.total = total

        threading.Thread(target=count, daemon=True).start()

    def is_busy(self, path: str) -> bool:
        """Tell whether what lies at an absolute path, or in an archive there, is being judged."""
        return any(item.path == path for item, _ in self.under_way.values())

    def run(self, items: Iterator[Item | None], runner: Runner) -> Summary:
        """Judge what comes, to the end; None among it lets what is done be written down."""
        begun = monotonic()
        try:
            # Closing ends the workers, whatever happens.
            with closing(runner.run(self._tasks(items))) as found:  # type: ignore[type-var]
                for task, result in found:
                    self._take(task.item, result)
            self._flush()
        except KeyboardInterrupt:
            self._flush()
            if self.watch and self.results:
                self.results.finish()
            raise KeyboardInterrupt(self._told_interrupted()) from None
        if self.results and not self.dry_run:
            self.results.finish()
        self.summary.seconds = monotonic() - begun
        self.summary.unmet = self.corrections.unmet if self.corrections else 0
        return self.summary

    def _tasks(self, items: Iterator[Item | None]) -> Iterator[Task | None]:
        """Hand out what is not done yet; every name once."""
        with closing(sqlite3.connect("", isolation_level=None)) as seen:  # a file, not memory
            seen.execute("PRAGMA journal_mode = OFF")
            seen.execute("CREATE TABLE seen (name TEXT PRIMARY KEY) WITHOUT ROWID")
            for found in items:
                if found is None:
                    if self.pending or self.waiting:
                        self._flush()
                    seen.execute("DELETE FROM seen")  # it may come again, and be another photo
                    yield None
                    continue
                # Companions first: what moves with a photo has a row before the photo moves.
                for item in (*self._companions_of(found), found):
                    insert = "INSERT OR IGNORE INTO seen VALUES (?)"
                    if (
                        item.name in self.under_way
                        or not seen.execute(insert, (item.name,)).rowcount
                    ):
                        continue
                    known = self.results.known(item.name, self.only) if self.results else None
                    if known is not None and self._is_done(item, known):
                        self._take_known(item, known)
                        continue
                    self.under_way[item.name] = item, known
                    fits = known is not None and self.resume and self._fits(known)
                    yield Task(item, known.sha256 if known and fits else None)

    def _companions_of(self, item: Item) -> list[Item]:
        return self.companions.of(item) if self.companions else []

    def _fits(self, known: Known) -> bool:
        is_whole = known.summary is not None  # not of an earlier version
        return is_whole and (known.weights, known.threshold) == (self.weights, self.threshold)

    def _is_done(self, item: Item, known: Known) -> bool:
        """Tell by size and time alone that a file is as it was when it was judged."""
        if self._was_moved(item, known):
            return True
        if not (self.resume and self._fits(known) and known.sha256 and item.is_file):
            return False
        try:
            facts = Path(item.path).stat()
        except OSError:
            return False
        return (facts.st_size, facts.st_mtime_ns) == (known.bytes, known.mtime_ns)

    def _was_moved(self, item: Item, known: Known) -> bool:
        """Tell of a photo of a list that it lies where it has been moved."""
        if not item.is_file or known.sorted_to is None or os.path.lexists(item.path):
            return False
        return os.path.lexists(path_of(known.sorted_to))

    def _take(self, item: Item, result: Result) -> None:
        _, known = self.under_way.pop(item.name)
        if result.answer is None:
            assert known is not None
            assert self.results is not None
            self.results.update(item.name, bytes=result.bytes, mtime_ns=result.mtime_ns)
            self._take_known(item, known)
            return
        row = {
            **_valid(result.answer),
            "path": item.name,
            "threshold": self.threshold,
            "weights": self.weights,
            "sha256": result.sha256,
            "bytes": result.bytes,
            "mtime_ns": result.mtime_ns,
            "sorted_to": known.sorted_to if known else None,
            "machine_label": None,
        }
        if (label := self._human_label(item)) is not None:
            row |= {"machine_label": row["label"], "label": label, "confidence": "clear"}
            self.summary.corrected += 1
        self._done(_Done(item, row["label"], row["confidence"], result.sha256, known, row))

    def _human_label(self, item: Item) -> str | None:
        """Look up what a person says about a photo, or has said in an earlier run."""
        label = self.corrections.label_of(item.name) if self.corrections else None
        if label is None and self.results:
            return self.results.human_label(item.name)
        return label

    def _take_known(self, item: Item, known: Known) -> None:
        self.summary.resumed += 1
        if self.results and (label := self._human_label(item)) is not None:
            self.results.correct(item.name, label, self.only)
            known = replace(known, label=label, confidence="clear")
            self.summary.corrected += 1
        self._done(_Done(item, known.label, known.confidence, known.sha256, known))

    def _done(self, done: _Done) -> None:
        self.pending.append(done)
        self.summary.labels[done.label] += 1
        self.summary.piles[done.pile] += 1
        self._bar.update()
        self._bar.set_postfix(self.summary.piles, refresh=False)
        late = monotonic() - self.committed > _COMMIT_SECONDS
        if late or len(self.pending) >= _COMMIT_PHOTOS or self.results is None:
            self._flush()

    def _flush(self) -> None:
        """Write down what is done and where it shall go, safely; then sort it."""
        done, self.pending = self.pending, []
        if self.results:
            self.results.add([photo.row for photo in done if photo.row], self.only)
        photos, self.waiting = [*self.waiting, *done], []
        for photo in photos:
            self.moves.extend(self._plan(photo))
        if self.dry_run:
            self._tell_moves()
        elif self.results:
            for move in self.moves:
                self._write_place(move)
            self.results.commit(map(_written, self.moves))
        else:
            for photo in done:
                if photo.row and self._wants(photo):
                    say_json(photo.row)
        while self.moves:
            self._sort(self.moves[0])
            self.moves.popleft()
        if not self.dry_run:  # otherwise they lie there still
            self.claimed.clear()
        self.committed = monotonic()

    def _wants(self, photo: _Done) -> bool:
        return self.only in (None, photo.label, photo.confidence)

    def _plan(self, photo: _Done) -> list[_Done]:
        """Choose where a photo and its companions go; none where it stays."""
        item, known = photo.item, photo.known
        if self.sorter is None or not self._wants(photo):
            return []
        may_be_photo = photo.label != "unknown" or is_photo(item.place)
        if photo.row is None and known and self._was_moved(item, known):
            self.summary.sorted += may_be_photo
            self.summary.companions += not may_be_photo
            return []
        if not self.sorter.takes(item):
            self.summary.unsorted += 1
            return []
        if not may_be_photo or (self.companions and self.companions.is_one(item)):
            self.summary.other_files += 1
            return []
        companions = self._companions_of(item)
        if any(companion.name in self.under_way for companion in companions):
            self.waiting.append(photo)
            return []
        moves = [photo]
        for companion in companions:
            row = self.results.known(companion.name, self.only) if self.results else None
            if companion.name in self.claimed or (self.results and row is None):
                continue  # it goes with another photo of its name, or has only just come
            self.claimed.add(companion.name)
            moves.append(
                _Done(companion, row.label, row.confidence, row.sha256, row, leader=photo)
                if row
                else _Done(companion, "unknown", None, None, None, leader=photo)
            )
        places = self.sorter.plan(
            item,
            photo.pile,
            photo.sha256,
            known.sorted_to if known else None,
            [(move.item, move.known.sorted_to if move.known else None) for move in moves[1:]],
        )
        for move, place in zip(moves, places, strict=True):
            move.place = place
        if photo.row is not None:
            photo.row["sorted_to"] = text_of(str(photo.place))
        return moves

    def _write_place(self, move: _Done) -> None:
        if self.results:
            place = None if move.place is None else text_of(str(move.place))
            self.results.update(move.item.name, sorted_to=place)

    def _sort(self, move: _Done) -> None:
        """Put a file where it was planned; if that cannot be, write down that it has stayed."""
        assert self.sorter is not None
        if move.leader and move.leader.place is None:
            move.place = None
        while move.place is not None:
            try:
                if self.sorter.place(move.item, move.place, move.sha256):
                    self._count(move)
                    return
                move.place = None
            except FileExistsError:  # somebody else's file has come to lie there meanwhile
                if move.leader:
                    move.place = None
                    break
                [move.place] = self.sorter.plan(move.item, move.pile, move.sha256, None)
                self._write_place(move)
                if self.results:
                    self.results.commit(map(_written, self.moves))
        self._write_place(move)
        self.summary.unsorted += move.leader is None

    def _tell_moves(self) -> None:
        """Print what would be moved, copied or linked, instead of doing it."""
        for move in self.moves:
            plan = {"path": move.item.name, "label": move.label, "sorted_to": _written(move).place}
            say_json(plan)
            self._count(move)
        self.moves.clear()

    def _count(self, move: _Done) -> None:
        if move.leader is None:
            self.summary.sorted += 1
            return
        self.summary.companions += 1
        # It was counted among those that stay, unless nobody had asked for such.
        self.summary.other_files -= self._wants(move)

    def _told_interrupted(self) -> str:
        self._bar.close()
        did, told = "stopped" if self.watch else "interrupted", ""
        if self.results and self.watch:
            told = f"; {self.results.output} has them, and the same command goes on from there"
        elif self.results and not self.dry_run:
            told = f"; --resume goes on from {self.results.journal}"
        return f"{did} after {self.summary.photos:,} photos{told}"


@dataclass
class _Done:
    """A photo whose label is known, on its way to the results and to its folder."""

    item: Item
    label: str
    confidence: str | None
    sha256: str | None
    known: Known | None
    row: Row | None = None
    place: Path | None = None
    leader: _Done | None = None  # the photo that it is a companion of

    @property
    def pile(self) -> str:
        """The folder that it goes to."""
        return "maybe" if self.confidence == "maybe" else self.label


def _written(move: _Done) -> Move:
    """Write down a move for a later run."""
    return Move(move.item.name, text_of(move.item.path), text_of(str(move.place)))


def _valid(value: Any) -> Any:
    """Spell out what is no Unicode: a system's message may hold a file's name."""
    if isinstance(value, str):
        return value.encode(errors="backslashreplace").decode()
    if isinstance(value, dict):
        return {name: _valid(inner) for name, inner in value.items()}
    return [_valid(inner) for inner in value] if isinstance(value, list) else value


def _refuse_own_folder(names: Sequence[str], folder: Path) -> None:
    """Photos that were sorted already must not be sorted once more."""
    real = os.path.realpath(folder)
    for name in names:
        is_path = name != "-" and not is_url(name)
        if is_path and Path(os.path.realpath(name)).is_relative_to(real):
            raise ScanError(f"{name} lies in {folder}, into which photos are sorted")
