"""The gallery's folder: never somebody else's files, and never half a gallery."""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from classicselfie.errors import GalleryError, OutputError, TargetError
from classicselfie.web import CORRECTIONS

MARK = '<meta name="generator" content="classicselfie explore">'
_OURS = re.compile(
    r"index\.html|gallery\.(?:css|js)|(?:corrections|data)\.js|(?:tiles|map)/\d+\.jpg|png/\w+\.png"
)


def refuse_foreign(folder: Path, *, force: bool) -> None:
    """Refuse a folder that a gallery must not replace.

    Parameters
    ----------
    folder : Path
        Not there, empty, or a gallery of ours and nothing else.
    force : bool
        Whether such a gallery may be replaced.

    Raises
    ------
    GalleryError
        If it is anything else.
    TargetError
        If it is a gallery that must stay.
    """
    if not folder.parent.is_dir():
        raise GalleryError(f"the folder {folder.parent} of the gallery does not exist")
    if not folder.exists():
        return
    if not folder.is_dir():
        raise GalleryError(f"{folder} is a file; give a folder for the gallery")
    files = [path for path in folder.rglob("*") if not path.is_dir() or path.is_symlink()]
    for path in files:
        if not _OURS.fullmatch(path.relative_to(folder).as_posix()):
            raise GalleryError(
                f"{folder} holds files that are no gallery's ({path.name!a}); "
                "give a new or empty folder"
            )
    page = folder / "index.html"
    if files and not (page.is_file() and MARK.encode() in page.read_bytes()):
        raise GalleryError(f"{folder} is not a gallery; give a new or empty folder")
    if files and not force:
        raise TargetError(
            f"{folder} exists already; choose another name, or --force to replace this gallery"
        )


@contextmanager
def replacing(folder: Path, *, force: bool) -> Iterator[Path]:
    """Fill a new folder that takes the place of `folder` only when it is whole.

    Parameters
    ----------
    folder : Path
    force : bool
        Whether an older gallery may be replaced.

    Yields
    ------
    Path
        An empty folder beside `folder`; removed if filling it fails or is interrupted.

    Raises
    ------
    OutputError
        If it cannot be written.
    GalleryError, TargetError
        If `folder` became one meanwhile that must stay, see `refuse_foreign`.
    """
    folder = folder.resolve()  # a link stays, and what it points to is replaced
    # On the same file system, so that it can be renamed; named before it is made, so that an
    # interruption at any moment finds it.
    work = folder.with_name(f".{folder.name[:40]}-{secrets.token_hex(8)}")
    try:
        try:
            work.mkdir(mode=0o700)
            new = work / "new"
            new.mkdir()
            yield new
            refuse_foreign(folder, force=force)
            if folder.exists():
                folder.rename(work / "old")
            new.rename(folder)
        finally:
            if (work / "old").exists() and not folder.exists():
                (work / "old").rename(folder)  # the new one could not take its place
            if work.exists():
                shutil.rmtree(work)
    except OSError as error:
        raise OutputError(
            f"the gallery {folder} cannot be written: {error.strerror or error}"
        ) from error


def copy_page(target: Path) -> None:
    """Copy the page's own files."""
    for path in (*sorted((Path(__file__).parent / "page").iterdir()), CORRECTIONS):
        (target / path.name).write_bytes(path.read_bytes())
