"""Files that are whole or not there: written beside their place, and moved into it at the end."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from classicselfie.errors import OutputError, TargetError


def refuse_targets(paths: Iterable[Path], *, force: bool = False) -> None:
    """Complain about files that must not or cannot be written, before the work begins.

    Parameters
    ----------
    paths : iterable of Path
    force : bool
        Whether files that exist may be replaced.

    Raises
    ------
    TargetError
        If a file exists already, or its place cannot be written to.
    """
    for path in paths:
        exists, problem = _look(path, force)
        if problem is not None:
            raise TargetError(f"{path} cannot be written: {problem}")
        if exists and not force:
            raise TargetError(
                f"{path} exists already; choose another name, or --force to replace it"
            )


def _look(path: Path, force: bool) -> tuple[bool, str | None]:
    """Tell whether something has this name, and what is in the way of writing it."""
    try:
        there = path.parent.resolve().is_dir()
    except (OSError, ValueError, RuntimeError):  # no working folder, NUL, links in a circle
        there = False
    if not there:
        return False, f"the folder {path.parent} does not exist"
    try:
        path.lstat()
    except FileNotFoundError:
        exists = False
    except (OSError, ValueError) as error:  # a name that is too long, or holds NUL
        return False, getattr(error, "strerror", None) or str(error)
    else:
        exists = True
    if path.is_dir():
        return exists, "it is a folder"
    if force and path.exists() and not path.is_file():
        return exists, "it is no regular file"
    if not os.access(path.parent, os.W_OK):
        return exists, f"the folder {path.parent} must not be written to"
    return exists, None


def write_files(files: Mapping[Path, bytes], *, force: bool = False) -> None:
    """Write files that belong together: all of them whole, or none.

    Parameters
    ----------
    files : mapping of Path to bytes
    force : bool
        Whether files that exist may be replaced.

    Raises
    ------
    TargetError
        As `refuse_targets`.
    OutputError
        If they cannot be written, for instance for want of space; what was there is as it was.
    """
    refuse_targets(files, force=force)
    try:
        with replacing(*files, force=force) as parts:
            for part, data in zip(parts, files.values(), strict=True):
                part.write_bytes(data)
    except FileExistsError as error:  # it has come to lie there meanwhile
        raise TargetError(f"{error.filename2 or error.filename} exists already") from error
    except OSError as error:
        names = " and ".join(map(str, files))
        raise OutputError(f"{names} cannot be written: {error.strerror or error}") from error


@contextmanager
def replacing(*paths: Path, force: bool = True) -> Iterator[list[Path]]:
    """Write files beside their places; they are moved there when all are whole and on the disk.

    Parameters
    ----------
    *paths : Path
    force : bool
        Whether files that exist are replaced.

    Yields
    ------
    list of Path
        An empty file for each; they are removed if the block fails or is interrupted.

    Raises
    ------
    OSError
        If that fails; a `FileExistsError` where a name is taken.
    """
    places = [path.resolve() for path in paths]  # a link stays, and what it points to is replaced
    parts = [place.with_name(f".{secrets.token_hex(8)}.part") for place in places]
    try:
        for part in parts:
            part.open("xb").close()
        yield parts
        for place, part in zip(places, parts, strict=True):
            with part.open("rb+") as stream:
                os.fsync(stream.fileno())
            if force and place.exists():
                shutil.copymode(place, part)
        for place, part in zip(places, parts, strict=True):
            if force:
                part.replace(place)
            else:
                settle(part, place)
    finally:
        for part in parts:
            part.unlink(missing_ok=True)


def sha256_of(stream: BinaryIO) -> str:
    """Hash a file from where it stands to its end, a part at a time."""
    digest = hashlib.sha256()
    while block := stream.read(2**20):
        digest.update(block)
    return digest.hexdigest()


def settle(part: Path, place: Path) -> None:
    """Give a whole file its name; raises `FileExistsError` if that is taken."""
    try:
        os.link(part, place)  # unlike a rename, it never replaces
    except FileExistsError:
        raise
    except OSError:  # a file system without links: claim the name, then fill it
        place.open("xb").close()
        part.replace(place)
