"""Where the photos of a scan come from: folders, globs, lists, archives and URLs, one by one."""

from __future__ import annotations

import codecs
import glob
import io
import os
import stat
import tarfile
import zipfile
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import partial
from itertools import accumulate, chain
from pathlib import Path, PurePath, PurePosixPath
from typing import IO, Any, BinaryIO, cast

from classicselfie.errors import MissingExtraError, PhotoError, ScanError
from classicselfie.names import is_url, text_of
from classicselfie.photo import MAX_BYTES, open_path
from classicselfie.tables import marked_encoding

# A member is unpacked into memory, several at a time.
MAX_MEMBER_BYTES = 128 * 2**20
# No honest photo unpacks to this much more than it takes; overlapping members of a bomb do.
MAX_UNPACKED_RATIO = 200
MIN_UNPACKED_BYTES = 2**30
MAX_HEADER_BYTES = 2**20
_ENCRYPTED = 1  # a bit of a .zip member's flags
# What network drives, Windows and macOS keep for themselves, in lower case.
_SYSTEM_FOLDERS = frozenset(
    (
        *("@eadir", "@tmp", "@recycle", "@recently-snapshot", "@sharebin", "#recycle", "#snapshot"),
        *("~snapshot", "$recycle.bin", "recycler", "system volume information", "lost+found"),
        "__macosx",
    )
)
_TAR_ENDINGS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")


@dataclass(frozen=True)
class Item:
    """One photo to judge."""

    name: str  # in the results, in UTF-8: its path as given, `archive/member`, or its URL
    path: str  # absolute, or a URL; of a member that of its archive
    place: str  # where it lies below the folder that was given, with /; where it is sorted to
    data: bytes | None = None  # the content of a member of an archive
    problem: str = ""  # why there is nothing to judge; empty where there is

    @property
    def is_file(self) -> bool:
        """Whether it is a file of its own, that can be moved and linked."""
        return self.data is None and not self.problem and not is_url(self.path)


@contextmanager
def open_item(item: Item) -> Iterator[BinaryIO]:
    """Open a photo; a context manager. Raises `PhotoError` if that cannot be."""
    if item.data is not None:
        yield io.BytesIO(item.data)
    elif is_url(item.path):
        try:
            with _fsspec().open(item.path, "rb") as remote:
                # In one go: what is read twice would be fetched twice.
                data = remote.read(MAX_BYTES + 1)
        except Exception as error:  # every store has errors of its own
            raise PhotoError(f"the file cannot be read: {_one_line(error)}") from error
        if len(data) > MAX_BYTES:
            raise PhotoError(f"the file is larger than {MAX_BYTES >> 20} MB")
        yield io.BytesIO(data)
    else:
        with open_path(item.path) as stream:
            yield stream


def refuse_missing(paths: Sequence[str]) -> None:
    """Raise `ScanError` where a path is not there, or a pattern fits nothing."""
    for path in paths:
        if path == "-" or is_url(path) or os.path.lexists(path):
            continue
        if next(_matches(path), None) is None:
            raise ScanError(f"there is no file or folder {path}")


class Filter:
    """What is passed over: hidden names, systems' own folders, the scan's own files, patterns.

    Parameters
    ----------
    without : collection of Path
        Files and folders that the scan itself writes.
    exclude : sequence of str
        Shell patterns for names, and for paths below the folder that was given, with /.
    """

    def __init__(self, without: Collection[Path] = (), exclude: Sequence[str] = ()) -> None:
        self._without = {os.path.realpath(path) for path in without}
        self._exclude = [pattern.rstrip("/") for pattern in exclude]

    def is_in_own(self, path: Path) -> bool:
        """Tell whether a path is one of the scan's own or lies in one."""
        return any(str(own) in self._without for own in (path, *path.parents))

    def excludes(self, name: str, place: str) -> bool:
        """Tell of a name, and its path below the folder that was given, whether a pattern fits."""
        return any(fnmatch(text, pattern) for pattern in self._exclude for text in (name, place))

    def excludes_any(self, parts: Sequence[str]) -> bool:
        """Tell the same of a path or of a folder on the way to it."""
        return any(map(self.excludes, parts, accumulate(parts, os.path.join)))

    def passes_over(self, name: str, place: str, path: str) -> bool:
        """Tell of what was met in a folder, also by its absolute path."""
        return _is_reserved(name) or path in self._without or self.excludes(name, place)

    def passes_over_any(self, parts: Sequence[str]) -> bool:
        """Tell of what was met in an archive or at a URL, or of a folder on the way to it."""
        return any(map(_is_reserved, parts)) or self.excludes_any(parts)


def _is_reserved(name: str) -> bool:
    return name.startswith(".") or _is_system_folder(name)


def _is_system_folder(name: str) -> bool:
    return name.lower() in _SYSTEM_FOLDERS


def find_photos(
    paths: Sequence[str],
    *,
    stdin: IO[bytes] | None = None,
    null: bool = False,
    leave: Filter | None = None,
    unpack: bool = True,
) -> Iterator[Item]:
    """Find photos lazily; nothing is kept of those that were handed out.

    Parameters
    ----------
    paths : sequence of str
        Files, folders, archives, patterns, fsspec URLs; - for the list on `stdin`.
    stdin : binary file, optional
    null : bool
        The paths on `stdin` end with NUL instead of a line's end.
    leave : Filter, optional
        What is passed over.
    unpack : bool
        Read the members of archives; otherwise they are only counted (those of a .tar as one).

    Yields
    ------
    Item

    Raises
    ------
    ScanError
        If a URL cannot be listed, or the list on `stdin` is no text.
    """
    leave = leave or Filter()
    finder = _Finder(leave, unpack)
    for path in paths:
        if path == "-":
            for listed in _read_list(cast(IO[bytes], stdin), b"\0" if null else b"\n"):
                if not leave.excludes_any(Path(listed).parts):
                    yield from finder.named(listed)
        elif is_url(path):
            yield from _remote(path, leave)
        elif os.path.lexists(path):
            yield from finder.named(path)
        else:
            for match in _matches(path):
                # What the pattern itself spells out is meant.
                met = [part for part in Path(match).parts if part not in Path(path).parts]
                if not any(map(_is_system_folder, met)) and not leave.excludes_any(met):
                    yield from finder.named(match)


def find_within(folder: str, path: str, leave: Filter) -> Iterator[Item]:
    """Find what an absolute path below a folder holds, as `find_photos` finds it in the folder."""
    real = os.path.realpath(folder)
    place = PurePath(path).relative_to(real)
    ways = accumulate(place.parts, os.path.join)
    for part, way in zip(place.parts, ways, strict=True):
        if leave.passes_over(part, way, str(Path(real, way))):
            return
    # Path.is_file raises where it may not look.
    if os.path.isfile(path) and not os.path.islink(path):  # noqa: PTH113, PTH114
        name = f"{Path(folder)}{os.sep}{place}"
        yield from _Finder(leave, unpack=True).file(name, path, place.as_posix())


def _matches(pattern: str) -> Iterator[str]:
    if "**" not in pattern:
        yield from glob.iglob(pattern)  # noqa: PTH207  lazy, and takes any pattern
        return
    # pathlib's ** follows no links, which may lead in circles.
    parts = Path(pattern).parts
    start = next(place for place, part in enumerate(parts) if glob.has_magic(part))
    base, rest = Path(*parts[:start]), parts[start:]
    for match in base.glob("/".join((*rest, "*") if rest[-1] == "**" else rest)):
        if not any(map(_is_reserved, match.relative_to(base).parts)) and not match.is_dir():
            yield str(match)


@dataclass(frozen=True)
class _Finder:
    leave: Filter
    unpack: bool

    def named(self, given: str) -> Iterator[Item]:
        """Find what a path names; it may be hidden or a symbolic link."""
        path = str(Path(given))  # ./a//b is a/b: one name, one row
        place = Path(path).name
        if "\0" in path:  # no system has such names: a list that was cut up wrongly
            yield Item(text_of(path), path, place, problem="its name holds a NUL character")
            return
        # Its folder is resolved, itself it is not: a link that the scan made is its own too.
        if self.leave.is_in_own(Path(os.path.realpath(Path(path).parent)) / place):
            return
        if os.path.isdir(path):  # noqa: PTH112  Path.is_dir raises where it may not look
            yield from self._folder(path, os.path.realpath(path), "")
        else:
            yield from self.file(path, str(Path(path).absolute()), place)

    def _folder(self, name: str, path: str, place: str) -> Iterator[Item]:
        folders = [(name, path, place)]
        while folders:
            name, path, place = folders.pop()
            try:
                with os.scandir(path) as entries:
                    for entry in entries:
                        inner = f"{name}{os.sep}{entry.name}", entry.path, place + entry.name
                        if self.leave.passes_over(entry.name, inner[2], entry.path):
                            continue
                        if entry.is_symlink():
                            continue
                        if entry.is_dir():
                            folders.append((*inner[:2], inner[2] + "/"))
                        elif entry.is_file():
                            yield from self.file(*inner)
            except OSError as error:
                problem = f"the folder cannot be read: {error.strerror}"
                yield Item(text_of(name), path, place, problem=problem)

    def file(self, name: str, path: str, place: str) -> Iterator[Item]:
        """Find what a file holds: itself, or the members of an archive."""
        lower = path.lower()
        if lower.endswith(".zip"):
            yield from self._archive(name, path, place, _zip_members)
        elif lower.endswith(_TAR_ENDINGS) and self.unpack:
            yield from self._archive(name, path, place, _tar_members)
        else:
            yield Item(text_of(name), path, place)

    def _archive(
        self, name: str, path: str, place: str, members: Callable[[str], Iterator[_Member]]
    ) -> Iterator[Item]:
        try:
            left = max(MIN_UNPACKED_BYTES, MAX_UNPACKED_RATIO * Path(path).stat().st_size)
            if not stat.S_ISREG(Path(path).stat().st_mode):
                raise ValueError("it is no regular file")
            for member in members(path):
                left -= member.size  # of one that is passed over as well: a .tar unpacks it
                if left < 0:
                    raise ValueError("it unpacks to far more than photos do")
                # Archives made by Windows may hold its separators.
                whole = PurePosixPath(member.name.replace("\\", "/")).parts
                safe = [part for part in whole if part.strip("./")]
                if not safe or self.leave.passes_over_any(safe):
                    continue
                inner = text_of(f"{name}/{member.name}"), path, "/".join([place, *safe])
                yield _read_member(inner, member) if self.unpack else Item(*inner)
        except Exception as error:  # damaged archives raise nearly anything, as pictures do
            problem = f"the archive cannot be read further: {_one_line(error)}"
            yield Item(text_of(name), path, place, problem=problem)


@dataclass(frozen=True)
class _Member:
    name: str
    size: int
    open: Callable[[], IO[bytes] | None]
    problem: str = ""


class _TarInfo(tarfile.TarInfo):
    """Headers that are read into memory must be small."""

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        if not self.isreg() and self.size > MAX_HEADER_BYTES:
            raise tarfile.ReadError("a header is too large")
        return cast(tarfile.TarInfo, cast(Any, super())._proc_member(archive))


def _zip_members(path: str) -> Iterator[_Member]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if not info.is_dir():
                # zipfile unpacks each block of other ways whole, whatever its size.
                is_usual = info.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
                problem = "" if is_usual else "it is packed in a way that is not read"
                if info.flag_bits & _ENCRYPTED:
                    problem = "it is encrypted"
                opens = partial(archive.open, info)
                yield _Member(info.filename, info.file_size, opens, problem)


def _tar_members(path: str) -> Iterator[_Member]:
    # Not "r|*": that unpacks each block whole, and 2 kB of bzip2 may be gigabytes.
    with tarfile.open(path, "r:*", tarinfo=_TarInfo) as archive:
        for info in archive:
            if info.isfile():
                yield _Member(info.name, info.size, partial(archive.extractfile, info))
            elif info.islnk():
                problem = f"it is a hard link to {info.linkname}, which is judged under that name"
                yield _Member(info.name, 0, partial(archive.extractfile, info), problem)
            cast(Any, archive).members = []  # it would remember every member


def _read_member(inner: tuple[str, str, str], member: _Member) -> Item:
    if member.size > MAX_MEMBER_BYTES:
        limit = MAX_MEMBER_BYTES >> 20
        return Item(*inner, problem=f"it is larger than {limit} MB, the limit in an archive")
    if member.problem:
        return Item(*inner, problem=member.problem)
    try:
        with cast(IO[bytes], member.open()) as stream:
            # What the archive tells of the size may be a lie.
            data = stream.read(member.size + 1)
        if len(data) != member.size:
            raise ValueError("its size is not the one that the archive tells")
    except tarfile.TarError:
        raise  # nothing behind it can be read either
    except Exception as error:  # encrypted, damaged, or packed in an unknown way
        return Item(*inner, problem=f"the file cannot be read: {_one_line(error)}")
    return Item(*inner, data=data)


def _read_list(stream: IO[bytes], end: bytes) -> Iterator[str]:
    """Read paths as they come, however long the list."""
    rest = b""
    for block in _blocks_of_list(stream, end):
        *whole, rest = (rest + block).split(end)
        yield from filter(None, (_decode(name, end) for name in whole))
    if last := _decode(rest, end):
        yield last


def _blocks_of_list(stream: IO[bytes], end: bytes) -> Iterator[bytes]:
    """Read a list whose names are any bytes, or text of which a byte order mark tells more."""
    read = getattr(stream, "read1", stream.read)
    head = b""
    while len(head) < 4 and (block := read(2**16)):
        head += block
    blocks = chain([head], iter(partial(read, 2**16), b""))
    encoding = _encoding_of(head, end)
    if encoding is None:
        yield from blocks
        return
    lenient = "surrogateescape" if "8" in encoding else "strict"
    try:
        yield from map(os.fsencode, codecs.iterdecode(blocks, encoding, lenient))
    except UnicodeError as error:
        raise ScanError(
            f"the list of paths is no whole {encoding.upper()} text; save it as UTF-8"
        ) from error


def _encoding_of(head: bytes, end: bytes) -> str | None:
    if (encoding := marked_encoding(head)) is not None:
        return encoding
    # Without a mark, as some editors write it: the first two letters are Latin ones.
    zeros = [byte == 0 for byte in head[:4]]
    if end != b"\0" and zeros == [False, True, False, True]:
        return "utf-16-le"
    if end != b"\0" and zeros == [True, False, True, False]:
        return "utf-16-be"
    return None


def _decode(name: bytes, end: bytes) -> str:
    if end == b"\n":
        name = name.removesuffix(b"\r")
    return os.fsdecode(name)


def _remote(url: str, leave: Filter) -> Iterator[Item]:
    fsspec = _fsspec()
    try:
        store, root = fsspec.core.url_to_fs(url)
        if store.isfile(root):
            yield Item(url, url, PurePosixPath(root).name)
            return
        if not store.exists(root):
            raise ScanError(f"there is no file or folder {url}")
        for folder, _, files in store.walk(root):
            for name in sorted(files):
                path = f"{folder.rstrip('/')}/{name}"
                place = path.removeprefix(root).lstrip("/")
                if not leave.passes_over_any(place.split("/")):
                    full = store.unstrip_protocol(path)
                    yield Item(full, full, place)
    except ScanError:
        raise
    except Exception as error:  # every store has errors of its own
        raise ScanError(f"{url} cannot be listed: {_one_line(error)}") from error


def _fsspec() -> Any:
    try:
        import fsspec
    except ImportError as error:
        raise MissingExtraError("fsspec", "dask") from error
    return fsspec


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__
