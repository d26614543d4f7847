"""`classicselfie scan --watch`: a real process, and files as cameras and uploads bring them."""

from __future__ import annotations

import csv
import os
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from commands import call
from scanning import COMMAND, MAKE_SELFIES, rows_of

pytest.importorskip("watchdog", reason="the extra watch is not installed")
pytest.importorskip("tqdm", reason="the extra scan is not installed")

LIMIT_S = 300


@pytest.fixture
def uploads(tmp_path: Path) -> Path:
    folder = tmp_path / "uploads"
    folder.mkdir()
    return folder


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start a scan that watches; what is still running at the end is killed."""
    running = []

    def start(*arguments: object) -> subprocess.Popen[bytes]:
        command = [*COMMAND, "--watch", "--jobs", "1", *MAKE_SELFIES, *map(str, arguments)]
        process = subprocess.Popen(
            command,
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        running.append(process)
        return process

    yield start
    for process in running:
        if process.poll() is None:
            process.kill()
        process.communicate()


def wait_until(is_so: Callable[[], object], process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + LIMIT_S
    while time.monotonic() < end:
        assert process.poll() is None, process.communicate()[1].decode()
        with suppress(sqlite3.OperationalError, FileNotFoundError):  # not made yet
            if is_so():
                return
        time.sleep(0.1)
    raise AssertionError("it did not come to be")


def stop(process: subprocess.Popen[bytes], how: signal.Signals = signal.SIGINT) -> str:
    process.send_signal(how)
    _, errors = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 130, errors.decode()
    assert b"Traceback" not in errors
    return errors.decode()


def test_what_comes_is_judged_when_it_is_whole(
    uploads: Path, tmp_path: Path, person_jpeg: bytes, watch: Callable[..., subprocess.Popen[bytes]]
) -> None:
    (uploads / "before.jpg").write_bytes(person_jpeg)
    os.utime(uploads / "before.jpg", (0, 0))
    table = tmp_path / "r.sqlite"
    process = watch("uploads", "--to", table, "--exclude", "*.part")
    wait_until(lambda: "uploads/before.jpg" in rows_of(table), process)

    # One comes in many pieces, as over a slow line.
    pieces = iter(range(0, len(person_jpeg), 20))

    def write_on() -> None:
        place = next(pieces)
        slow.write(person_jpeg[place : place + 20])
        slow.flush()

    with (uploads / "slow.jpg").open("wb") as slow:
        write_on()
        # Meanwhile others come: renamed when whole, moved in, with a folder, and gone again.
        (uploads / "camera.jpg.part").write_bytes(person_jpeg)
        (uploads / "camera.jpg.part").rename(uploads / "camera.jpg")
        (tmp_path / "moved.jpg").write_bytes(person_jpeg)
        os.utime(tmp_path / "moved.jpg", (0, 0))
        (tmp_path / "moved.jpg").rename(uploads / "moved.jpg")
        (tmp_path / "trip" / "day").mkdir(parents=True)
        (tmp_path / "trip" / "day" / "far.jpg").write_bytes(person_jpeg)
        (tmp_path / "trip").rename(uploads / "trip")
        (uploads / "gone.jpg").write_bytes(person_jpeg)
        (uploads / "gone.jpg").unlink()
        (uploads / ".hidden.jpg").write_bytes(person_jpeg)
        expected = {"before", "camera", "moved", "trip/day/far"}
        wait_until(lambda: write_on() or len(rows_of(table)) >= len(expected), process)
        assert set(rows_of(table)) == {f"uploads/{name}.jpg" for name in expected}
        for _ in range(len(person_jpeg) // 20 + 1):
            with suppress(StopIteration):
                write_on()
    wait_until(lambda: "uploads/slow.jpg" in rows_of(table), process)
    assert {row["label"] for row in rows_of(table).values()} == {"selfie"}

    # A photo that is replaced is judged again; one that is torn stays torn and harms nothing.
    (uploads / "before.jpg").write_bytes(b"no photo any more")
    wait_until(lambda: rows_of(table)["uploads/before.jpg"]["label"] == "unknown", process)
    told = stop(process)
    assert told.startswith("classicselfie: stopped after 6 photos; ")
    assert told.count("\n") == 1


def test_a_stopped_watch_goes_on_where_it_was(
    uploads: Path, tmp_path: Path, person_jpeg: bytes, watch: Callable[..., subprocess.Popen[bytes]]
) -> None:
    """Into any file of results, and into folders: companions come along, nothing comes twice."""
    table, out = tmp_path / "r.csv", tmp_path / "sorted"
    arguments = ("uploads", "--to", table, "--move-to", out)
    process = watch(*arguments)
    (uploads / "a.jpg").write_bytes(person_jpeg)
    (uploads / "a.mov").write_bytes(b"a film")
    wait_until((out / "selfie" / "a.mov").exists, process)
    stop(process, signal.SIGTERM)
    assert not any(uploads.iterdir())
    (uploads / "b.jpg").write_bytes(person_jpeg + b"b")
    process = watch(*arguments)
    wait_until((out / "selfie" / "b.jpg").exists, process)
    (uploads / "a.jpg").write_bytes(person_jpeg + b"another of that name")
    wait_until((out / "selfie" / "a (2).jpg").exists, process)
    stop(process)
    assert not (tmp_path / "r.csv.unfinished").exists()
    with table.open(newline="", encoding="utf-8") as stream:
        rows = {row["path"]: row["sorted_to"] for row in csv.DictReader(stream)}
    assert rows["uploads/b.jpg"] == str(out / "selfie" / "b.jpg")
    assert rows["uploads/a.jpg"] == str(out / "selfie" / "a (2).jpg")
    assert len(list((out / "selfie").iterdir())) == 4


def test_without_a_file_lines_are_printed_as_photos_come(
    uploads: Path, person_jpeg: bytes, watch: Callable[..., subprocess.Popen[bytes]]
) -> None:
    process = watch("uploads", "--quiet")
    (uploads / "a.jpg").write_bytes(person_jpeg)
    assert process.stdout is not None
    assert b'"path": "uploads/a.jpg"' in process.stdout.readline()
    shutil.rmtree(uploads)
    _, errors = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 4
    assert errors.decode() == "classicselfie: the folder uploads has gone\n"


def test_what_changes_unseen_is_waited_for(
    uploads: Path, person_jpeg: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A system may keep quiet about a change: files that are not whole are looked at as well."""
    from classicselfie.scan import watch
    from classicselfie.scan.sources import Filter

    monkeypatch.setattr(watch, "_STALLED_SECONDS", 2.0)
    quiet = watch.Watch([str(uploads)])  # not begun: no event comes
    found = quiet.photos(Filter(), lambda _: False)
    photo = uploads / "a.jpg"
    photo.write_bytes(b"")
    for place in range(0, 7 * 1000, 1000):
        with photo.open("ab") as stream:
            stream.write(person_jpeg[place : place + 1000])
        assert next(found) is None
    item = next(each for each in found if each is not None)
    assert (item.name, item.place) == (str(photo), "a.jpg")


def test_what_cannot_be_watched_is_one_line(uploads: Path, person_path: Path) -> None:
    for arguments, words in (
        ([person_path], "is not one"),
        ([uploads, "--dry-run", "--copy-to", uploads / "out"], "neither with --dry-run nor"),
        ([uploads, "--backend", "dask", "--scheduler", "tcp://127.0.0.1:1"], "--backend dask"),
    ):
        done = call("scan", "--watch", *arguments)
        assert done.returncode == 2
        assert words in done.stderr
        assert done.stderr.count("\n") == 1
