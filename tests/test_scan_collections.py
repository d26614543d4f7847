"""Collections as people have them: companions, systems' folders, odd names, read-only drives."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tarfile
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import encode
from faulty_detectors import HANGS, ChangingDetector, FaultyDetector
from scanning import COMMAND, MAKE_SELFIES, contents, kill_when, many, rows_of, run, running

from classicselfie import SelfieDetector
from classicselfie.benchmark.drawing import draw_person, draw_scene
from classicselfie.errors import ScanError
from classicselfie.scan import scan
from classicselfie.scan.companions import belongs_to, renamed
from classicselfie.scan.results import Results
from classicselfie.scan.sorting import Sorter
from classicselfie.scan.sources import Filter, find_photos

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def selfie() -> bytes:
    return encode(draw_person(96, 128), ".jpg")


@pytest.fixture(scope="session")
def scenery() -> bytes:
    return encode(draw_scene(128, 96), ".jpg")


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content + name.encode())  # all of different content
    return folder


def tree(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def names(*paths: object, stdin: bytes = b"", null: bool = False, **leave: object) -> list[str]:
    found = find_photos(
        list(map(str, paths)), stdin=io.BytesIO(stdin), null=null, leave=Filter(**leave)
    )
    return sorted(item.name for item in found)


# What moves, and what moves with it


@pytest.fixture
def phone(tmp_path: Path, selfie: bytes, scenery: bytes) -> Path:
    """Photos with what phones and programs put beside them, and files that are no photos."""
    return write(
        tmp_path / "phone",
        {
            "IMG_1.JPG": selfie,
            "IMG_1.MOV": b"\0\0\0\x14ftypqt  ",
            "IMG_1.AAE": b"<plist>",
            "IMG_1.JPG.xmp": b"<x:xmpmeta>",
            "IMG_1.MOV.json": b"{}",
            "trip/IMG_2.jpg": scenery,
            "trip/IMG_2.mp4": b"\0\0\0\x14ftypmp42",
            "trip/IMG_2.jpg.supplemental-metadata.json": b"{}",
            "trip/IMG_2(1).jpg": scenery,
            "trip/IMG_2.jpg(1).json": b"{}",
            "trip/IMG_20.mov": b"of no photo",
            "trip/damaged.jpg": b"\xff\xd8\xff no jpeg",
            "notes.txt": b"notes",
            "catalogue.lrcat": b"SQLite format 3\0",
            "metadata.json": b"{}",
        },
    )


STAYS = {"trip/IMG_20.mov", "notes.txt", "catalogue.lrcat", "metadata.json"}


def test_companions_move_with_their_photos_and_other_files_stay(
    phone: Path, tmp_path: Path
) -> None:
    before = tree(phone)
    output, out = tmp_path / "r.sqlite", tmp_path / "out"
    done = subprocess.run(
        [*COMMAND, phone, "--to", output, "--move-to", out, *MAKE_SELFIES],
        capture_output=True,
        text=True,
        check=True,
    )
    assert tree(phone) == STAYS
    assert tree(out) == {
        *(f"selfie/IMG_1.{end}" for end in ("JPG", "MOV", "AAE", "JPG.xmp", "MOV.json")),
        *(f"not_selfie/{name}" for name in before if name.startswith("trip/IMG_2.")),
        "not_selfie/trip/IMG_2(1).jpg",
        "unknown/trip/damaged.jpg",
    }
    assert "sorted 4 into folders, 7 companions with them, left 0 in place, 4 other files" in (
        done.stderr
    )
    rows = rows_of(output)
    assert len(rows) == len(before)
    for name, row in rows.items():
        stays = str(Path(name).relative_to(phone)) in STAYS
        assert Path(name).exists() == stays
        assert (row["sorted_to"] is None) == stays
        assert stays or Path(row["sorted_to"]).read_bytes().endswith(
            str(Path(name).relative_to(phone)).encode()
        )
    again = run(phone, "--to", output, "--resume", "--move-to", out, *MAKE_SELFIES)
    assert again == ""
    assert tree(phone) == STAYS


def test_companions_stay_where_that_is_asked(phone: Path, tmp_path: Path) -> None:
    arguments = ("--to", tmp_path / "r.csv", "--move-to", tmp_path / "out", *MAKE_SELFIES)
    run(phone, *arguments, "--leave-companions")
    assert {Path(name).suffix for name in tree(tmp_path / "out")} == {".JPG", ".jpg"}
    assert len(tree(phone)) == 11
    error = run(phone, "--copy-to", tmp_path / "x", "--leave-companions", code=2)
    assert error == "classicselfie: --leave-companions needs --move-to DIR\n"


@pytest.mark.parametrize("what", ["pattern", "list"])
def test_companions_need_not_be_named(phone: Path, tmp_path: Path, what: str) -> None:
    paths, stdin = [f"{phone}/*.JPG"], b""
    if what == "list":
        paths, stdin = ["-"], os.fsencode(phone / "IMG_1.JPG")
    for _ in range(2):  # a list may name again what was moved
        if what == "pattern" and not (phone / "IMG_1.JPG").exists():
            break
        run(*paths, "--to", tmp_path / "r.jsonl", "--move-to", tmp_path / "out", *MAKE_SELFIES,
            "--only", "selfie", stdin=stdin)  # fmt: skip
        assert len(tree(tmp_path / "out")) == 5
        assert not any(name.startswith("IMG_1") for name in tree(phone))
        (line,) = (tmp_path / "r.jsonl").read_text().splitlines()
        assert Path(json.loads(line)["sorted_to"]).is_file()


def test_copies_and_links_are_made_of_photos_only(phone: Path, tmp_path: Path) -> None:
    before = tree(phone)
    run(phone, "--copy-to", tmp_path / "copies", *MAKE_SELFIES)
    run(phone, "--link-to", tmp_path / "links", *MAKE_SELFIES)
    photos = {name for name in before if name.lower().endswith(".jpg")}
    for folder in ("copies", "links"):
        found = {name.partition("/")[2] for name in tree(tmp_path / folder)}
        assert found == photos
    assert tree(phone) == before


def test_a_photo_that_gets_another_name_keeps_its_companions(selfie: bytes, tmp_path: Path) -> None:
    for folder in ("x", "y"):
        write(tmp_path / folder, {"a.jpg": selfie, "a.mov": b"", "a.jpg.xmp": b"", "b.jpg": selfie})
    # Here a companion's name alone is taken.
    write(tmp_path / "out", {"selfie/b.aae": b"was here before"})
    write(tmp_path / "x", {"b.aae": b"new"})
    run(tmp_path / "x", "--to", tmp_path / "r.sqlite", "--move-to", tmp_path / "out", *MAKE_SELFIES)
    run(tmp_path / "y", "--to", tmp_path / "r.sqlite", "--move-to", tmp_path / "out", *MAKE_SELFIES)
    assert tree(tmp_path / "out") == {
        *("selfie/a.jpg", "selfie/a.mov", "selfie/a.jpg.xmp"),
        *("selfie/a (2).jpg", "selfie/a (2).mov", "selfie/a (2).jpg.xmp"),
        *("selfie/b.aae", "selfie/b (2).jpg", "selfie/b (2).aae", "selfie/b.jpg"),
    }
    assert (tmp_path / "out/selfie/b (2).aae").read_bytes().startswith(b"new")


def test_two_photos_of_one_stem_share_their_companions(selfie: bytes, tmp_path: Path) -> None:
    folder = write(tmp_path / "p", {"a.jpg": selfie, "a.jpeg": selfie, "a.mov": b"", "a.nef": b""})
    run(folder, "--to", tmp_path / "r.sqlite", "--move-to", tmp_path / "out", *MAKE_SELFIES)
    assert tree(tmp_path / "out") == {f"selfie/a.{end}" for end in ("jpg", "jpeg", "mov", "nef")}
    assert tree(folder) == set()
    assert all(Path(row["sorted_to"]).is_file() for row in rows_of(tmp_path / "r.sqlite").values())


def test_a_judged_raw_file_goes_where_its_photo_goes(
    selfie: bytes, scenery: bytes, tmp_path: Path
) -> None:
    # By its content each is a picture; with a photo of its name beside it, it is that photo's.
    folder = write(tmp_path / "p", {"a.jpg": selfie, "a.dng": scenery, "alone.dng": scenery})
    output, out = tmp_path / "r.sqlite", tmp_path / "out"
    detector = SelfieDetector(threshold=0.0)
    scan([folder], to=output, sort_to=out, way="move", detector=detector, n_jobs=1)
    assert tree(out) == {"selfie/a.jpg", "selfie/a.dng", "not_selfie/alone.dng"}
    assert {row["sorted_to"] for row in rows_of(output).values()} == {
        str(out / name) for name in tree(out)
    }


def test_a_photo_waits_for_its_companions_to_be_judged(selfie: bytes, tmp_path: Path) -> None:
    folder = write(tmp_path / "p", {"a.jpg": selfie})
    (folder / "a.mov").write_bytes(HANGS)
    summary = scan([folder], to=tmp_path / "r.sqlite", sort_to=tmp_path / "out", way="move",
        detector=FaultyDetector(), timeout=4, n_jobs=2)  # fmt: skip
    assert {Path(name).name for name in tree(tmp_path / "out")} == {"a.jpg", "a.mov"}
    assert (summary.sorted, summary.companions, summary.other_files) == (1, 1, 0)


@pytest.mark.parametrize(
    ("companion", "photo"),
    [
        ("IMG_1.mov", "IMG_1.HEIC"),
        ("IMG_1.AAE", "IMG_1.JPG"),
        ("IMG_1.jpg.json", "IMG_1.JPG"),
        ("IMG_1.CR2.xmp", "IMG_1.JPG"),
        ("a.b.jpg.suppl.json", "a.b.jpg"),
        ("IMG_1.jpg.supplemental-metadata(3).json", "IMG_1(3).jpg"),
    ],
)
def test_names_that_belong_together(companion: str, photo: str) -> None:
    assert belongs_to(companion, photo)
    assert renamed(companion, photo, photo) == companion
    becomes = Path(photo).stem + " (2).jpg"
    assert belongs_to(renamed(companion, photo, becomes), becomes)


@pytest.mark.parametrize(
    ("other", "photo"),
    [
        ("IMG_10.mov", "IMG_1.JPG"),
        ("IMG_1.png.json", "IMG_1.jpg"),
        ("IMG_1.jpg(1).json", "IMG_1.jpg"),
        ("IMG_1.sqlite", "IMG_1.jpg"),
        ("IMG_1.zip", "IMG_1.jpg"),
        ("IMG_1.png", "IMG_1.jpg"),
        ("IMG_1json", "IMG_1.jpg"),
    ],
)
def test_names_that_do_not_belong_together(other: str, photo: str) -> None:
    assert not belongs_to(other, photo)


def test_a_dry_run_tells_and_writes_nothing(phone: Path, tmp_path: Path) -> None:
    before, out, output = tree(phone), tmp_path / "out", tmp_path / "r.sqlite"
    dry = (phone, "--move-to", out, "--dry-run", *MAKE_SELFIES)
    told = {row["path"]: row for row in map(json.loads, run(*dry).splitlines())}
    assert [path.name for path in tmp_path.iterdir()] == ["phone"]
    assert tree(phone) == before
    run(*dry, "--to", output)
    assert [path.name for path in tmp_path.iterdir()] == ["phone"]
    run(phone, "--to", output, *MAKE_SELFIES)
    judged = output.read_bytes()
    lines = run(*dry, "--to", output, "--resume").splitlines()
    assert {row["path"]: row for row in map(json.loads, lines)} == told
    assert (output.read_bytes(), tree(phone)) == (judged, before)
    run(phone, "--to", output, "--move-to", out, *MAKE_SELFIES)
    moved = {name: row["sorted_to"] for name, row in rows_of(output).items() if row["sorted_to"]}
    assert {path: row["sorted_to"] for path, row in told.items()} == moved
    error = run(phone, "--dry-run", code=2)
    assert error == "classicselfie: --dry-run needs --copy-to, --move-to or --link-to DIR\n"


def test_an_interrupted_dry_run_promises_nothing(selfie: bytes, tmp_path: Path) -> None:
    """The rows that it has made are gone: there is nothing from which --resume could go on."""
    folder = many(tmp_path / "p", 600, selfie)  # more than one process does until the first lines
    command = [*COMMAND, "--jobs", "1", folder, "--to", tmp_path / "r.sqlite", *MAKE_SELFIES]
    with subprocess.Popen(
        [*command, "--move-to", tmp_path / "out", "--dry-run"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        assert process.stdout
        process.stdout.readline()
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert re.fullmatch(rb"classicselfie: interrupted after [\d,]+ photos\n", errors)
    assert [path.name for path in tmp_path.iterdir()] == ["p"]


def test_long_fields_are_read_and_the_program_s_own_limit_stays(
    selfie: bytes, tmp_path: Path
) -> None:
    folder, output = many(tmp_path / "p", 2, selfie), tmp_path / "r.csv"
    scan([folder / "0000.jpg"], to=output, n_jobs=1)
    with output.open(newline="", encoding="utf-8") as stream:
        header, row = csv.reader(stream)
    with output.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([header, [*row[:-1], "x" * 200_000]])
    limit = csv.field_size_limit()
    scan([folder / "0001.jpg"], to=output, n_jobs=1)
    assert "x" * 200_000 in output.read_text(encoding="utf-8")
    assert csv.field_size_limit() == limit


# What must not get lost


def test_the_results_own_files_are_no_photos(selfie: bytes, tmp_path: Path) -> None:
    # In WAL mode the rows lie in -wal until the end: moved away with the photos, they are lost.
    folder = many(tmp_path / "p", 400, selfie)
    output = folder / "r.sqlite"
    output.symlink_to(folder / "table.sqlite")
    with sqlite3.connect(output) as database:
        database.execute("PRAGMA journal_mode = WAL")
    database.close()
    with running(folder, "--to", output, "--move-to", tmp_path / "out", jobs=1) as process:
        kill_when(process, output, 1)
    beside = {path.name for path in folder.iterdir() if not path.name.endswith(".jpg")}
    assert beside >= {"r.sqlite", "table.sqlite", "table.sqlite-wal", "table.sqlite-shm"}
    run(folder, "--to", output, "--resume", "--move-to", tmp_path / "out")
    rows = rows_of(output)
    assert len(rows) == 400
    assert all(Path(row["sorted_to"]).is_file() for row in rows.values())
    assert len(contents(tmp_path / "out")) == 400


def test_kills_at_any_moment_lose_nothing(tmp_path: Path) -> None:
    script = ROOT / "bench" / "kill_scan.py"
    command = [sys.executable, script, tmp_path / "k", "--photos", "60", "--kills", "3"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "3 kills" in done.stdout


@pytest.mark.parametrize("moved", ["nothing", "photo", "linked"])
def test_the_next_move_finishes_what_was_begun(selfie: bytes, tmp_path: Path, moved: str) -> None:
    """A pattern no longer fits a photo that went; its companion must not be forgotten."""
    folder = write(tmp_path / "p", {"a.jpg": selfie, "a.mov": b"video"})
    output, out = tmp_path / "r.sqlite", tmp_path / "out"
    run(f"{folder}/*", "--to", output, *MAKE_SELFIES)
    with sqlite3.connect(output) as database:  # as it is between writing down and moving
        for name in ("a.jpg", "a.mov"):
            values = (str(folder / name), str(folder / name), str(out / "selfie" / name))
            database.execute("INSERT INTO moving VALUES (?, ?, ?)", values)
            database.execute("UPDATE photos SET sorted_to = ? WHERE path = ?", values[:0:-1])
    database.close()
    if moved != "nothing":
        (out / "selfie").mkdir(parents=True)
        os.link(folder / "a.jpg", out / "selfie" / "a.jpg")
    if moved == "photo":
        (folder / "a.jpg").unlink()
    write(tmp_path / "q", {"other.jpg": selfie})
    run(f"{tmp_path}/q/*.jpg", "--to", output, "--move-to", out, *MAKE_SELFIES)
    assert tree(folder) == set()
    assert tree(out) == {"selfie/a.jpg", "selfie/a.mov", "selfie/other.jpg"}
    assert all(Path(row["sorted_to"]).is_file() for row in rows_of(output).values())
    with Results(output) as results:
        assert results.moves() == []


@contextmanager
def flagged(path: Path, flag: str) -> Iterator[None]:
    """Set a flag of the file system, which binds even root; skip where there are none."""
    if shutil.which("chattr") is None:
        pytest.skip("there is no chattr here")
    if subprocess.run(["chattr", f"+{flag}", path], capture_output=True, check=False).returncode:
        pytest.skip("flags of files cannot be set here: another file system, or not root")
    try:
        yield
    finally:
        subprocess.run(["chattr", f"-{flag}", path], check=True)


def test_a_photo_that_has_gone_to_its_place_is_there(selfie: bytes, tmp_path: Path) -> None:
    """Ctrl-C may come between a move and the note that it was made."""
    write(tmp_path, {"a.jpg": selfie, "gone.jpg": selfie})
    sorter = Sorter(tmp_path / "out", "move")
    photo, gone = find_photos([str(tmp_path / "a.jpg"), str(tmp_path / "gone.jpg")])
    [place] = sorter.plan(photo, "selfie", None, None)
    assert sorter.place(photo, place, None)
    assert sorter.place(photo, place, None)
    (tmp_path / "gone.jpg").unlink()
    [place] = sorter.plan(gone, "selfie", None, None)
    assert not sorter.place(gone, place, None)


@pytest.mark.parametrize("flag", ["i", "a"])
def test_a_move_out_of_a_read_only_folder_leaves_the_photo_there_alone(
    selfie: bytes, tmp_path: Path, flag: str
) -> None:
    folder = write(tmp_path / "p", {"locked/a.jpg": selfie, "locked/a.mov": b"", "b.jpg": selfie})
    with flagged(folder / "locked", flag):
        summary = scan(
            [folder], to=tmp_path / "r.sqlite", sort_to=tmp_path / "out", way="move", n_jobs=1
        )
    assert (summary.sorted, summary.unsorted, summary.other_files) == (1, 1, 1)
    assert tree(folder) == {"locked/a.jpg", "locked/a.mov"}
    assert {Path(name).name for name in tree(tmp_path / "out")} == {"b.jpg"}
    rows = rows_of(tmp_path / "r.sqlite")
    assert {Path(name).name for name, row in rows.items() if row["sorted_to"]} == {"b.jpg"}


def test_a_photo_that_cannot_be_removed_is_not_at_two_places(selfie: bytes, tmp_path: Path) -> None:
    folder = write(tmp_path / "p", {"a.jpg": selfie, "b.jpg": selfie})
    with flagged(folder / "a.jpg", "i"):
        run(folder, "--to", tmp_path / "r.sqlite", "--move-to", tmp_path / "out", *MAKE_SELFIES)
    assert (tree(folder), tree(tmp_path / "out")) == ({"a.jpg"}, {"selfie/b.jpg"})


def test_a_photo_that_changed_is_not_copied(selfie: bytes, tmp_path: Path) -> None:
    folder = many(tmp_path / "p", 2, selfie)
    detector = ChangingDetector()  # changes 0001.jpg as soon as it has judged it
    summary = scan([folder], sort_to=tmp_path / "out", detector=detector, n_jobs=1)
    assert (summary.sorted, summary.unsorted) == (1, 1)
    assert {Path(name).name for name in tree(tmp_path / "out")} == {"0000.jpg"}


@pytest.mark.parametrize("touched", ["time", "size"])
def test_resuming_trusts_neither_size_nor_time_alone(
    selfie: bytes, scenery: bytes, tmp_path: Path, touched: str
) -> None:
    longest = max(len(selfie), len(scenery))
    photo = tmp_path / "a.jpg"
    photo.write_bytes(selfie.ljust(longest))
    run(photo, "--to", tmp_path / "r.sqlite", *MAKE_SELFIES)
    before = photo.stat()
    photo.write_bytes(scenery.ljust(longest + (touched == "size")))
    if touched == "size":
        os.utime(photo, ns=(before.st_atime_ns, before.st_mtime_ns))
    else:
        assert photo.stat().st_size == before.st_size
        os.utime(photo, ns=(before.st_atime_ns, before.st_mtime_ns + 1_000_000_000))
    run(photo, "--to", tmp_path / "r.sqlite", "--resume", *MAKE_SELFIES)
    (row,) = rows_of(tmp_path / "r.sqlite").values()
    assert row["label"] == "not_selfie"


def test_a_full_disk_is_one_line_and_loses_nothing(selfie: bytes, tmp_path: Path) -> None:
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("only root may mount a small disk")
    folder = many(tmp_path / "p", 60, selfie)
    before = contents(folder)
    (tmp_path / "disk").mkdir()
    command = " ".join(map(str, [*COMMAND, folder, "--to", "disk/r.sqlite", "--move-to", "out"]))
    script = (
        "mount -t tmpfs -o size=40k none disk || exit 77\n"
        f"{command}; code=$?\n"
        "mount -o remount,size=4m disk\n"
        f"{command} --resume || exit 78\n"
        "cp disk/r.sqlite .; exit $code"
    )
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 77:
        pytest.skip("no disk can be mounted here")
    assert done.returncode == 4, done.stderr
    first = done.stderr.splitlines()[0]
    assert first == "classicselfie: disk/r.sqlite cannot be written: database or disk is full"
    assert contents(tmp_path / "out") == before
    assert contents(folder) == Counter()
    assert len(rows_of(tmp_path / "r.sqlite")) == 60


# What is found, and what is passed over


def test_what_systems_keep_for_themselves_is_passed_over(tmp_path: Path) -> None:
    kept = ("@eaDir", "#recycle", "$RECYCLE.BIN", "$Recycle.Bin", "lost+found", "@Recycle",
            "System Volume Information", "trip/@eaDir/a.jpg")  # fmt: skip
    folder = write(tmp_path / "p", {f"{name}/x.jpg": b"" for name in kept} | {"trip/a.jpg": b""})
    with zipfile.ZipFile(folder / "z.zip", "w") as archive:
        for name in ("@eaDir/b.jpg", "__MACOSX/b.jpg", "b.jpg"):
            archive.writestr(name, b"")
    found = [f"{folder}/trip/a.jpg", f"{folder}/z.zip/b.jpg"]
    assert names(folder) == found
    assert names(f"{folder}/*") == found
    assert names(f"{folder}/**") == [*found]
    # What is named is meant.
    assert names(folder / "@eaDir") == [f"{folder}/@eaDir/x.jpg"]
    assert names(f"{folder}/@eaDir/*.jpg") == [f"{folder}/@eaDir/x.jpg"]


def test_patterns_exclude_what_is_met_anywhere(tmp_path: Path) -> None:
    folder = write(
        tmp_path / "raw", {"a.jpg": b"", "b.gif": b"", "2019/raw/c.jpg": b"", "2019/d.jpg": b""}
    )
    with zipfile.ZipFile(folder / "z.zip", "w") as archive:
        archive.writestr("e.gif", b"")
        archive.writestr("raw/e.jpg", b"")
        archive.writestr("e.jpg", b"")
    exclude = ["*.gif", "2019/raw/", "raw"]
    found = [f"{folder}/{name}" for name in ("2019/d.jpg", "a.jpg", "z.zip/e.jpg")]
    assert names(folder, exclude=exclude) == found
    assert names(f"{folder}/*", exclude=exclude) == found
    assert names(f"{folder}/b.gif", exclude=exclude) == [f"{folder}/b.gif"]  # named, and meant
    listed = "\n".join(f"{folder}/{name}" for name in tree(folder)).encode()
    only = [f"{folder}/2019/d.jpg", f"{folder}/2019/raw/c.jpg", f"{folder}/a.jpg"]
    assert names("-", stdin=listed, exclude=["*.gif", "*.zip"]) == only
    lines = run(folder, "--exclude", "*.gif", "--exclude", "raw").splitlines()
    assert sorted(json.loads(line)["path"] for line in lines) == found


def test_an_excluded_companion_stays(selfie: bytes, tmp_path: Path) -> None:
    folder = write(tmp_path / "p", {"a.jpg": selfie, "a.mov": b"", "a.xmp": b""})
    run(folder, "--to", tmp_path / "r.sqlite", "--move-to", tmp_path / "out", "--exclude", "*.mov")
    assert tree(folder) == {"a.mov"}


def sentences(lines: str) -> dict[str, str]:
    rows = map(json.loads, lines.splitlines())
    return {row["path"]: row["reasons"][0]["sentence"] for row in rows if row["label"] == "unknown"}


def test_listed_names_that_no_file_can_have_are_a_row_each(selfie: bytes, tmp_path: Path) -> None:
    write(tmp_path, {"tree/a.jpg": selfie, "tree/b.jpg": selfie})
    odd = ["tree\0x/b.jpg", "tree/a\0.jpg", "x" * 300 + ".jpg", "y" * 5000 + "/a.json", "tree/gone"]
    odd += [f"{'z' * 300}.zip", "tree/a.jpg/b.jpg", "a\0.zip"]
    stdin = "\n".join(["tree/a.jpg", *odd, "tree/b.jpg"]).encode()
    for arguments in ((), ("--to", "r.csv", "--move-to", "out")):
        lines = run("-", *arguments, stdin=stdin, cwd=tmp_path)
        if arguments:
            with (tmp_path / "r.csv").open(newline="", encoding="utf-8") as stream:
                rows = list(csv.DictReader(stream))
            assert {row["path"] for row in rows if row["label"] == "unknown"} == set(odd)
            assert len(rows) == len(odd) + 2
            assert len(tree(tmp_path / "out")) == 2
        else:
            assert sentences(lines).keys() == set(odd)
            assert len(lines.splitlines()) == len(odd) + 2
    run("-", "--to", "r.csv", "--resume", stdin=stdin, cwd=tmp_path)


def test_a_folder_that_nobody_may_look_into_is_a_row(selfie: bytes, tmp_path: Path) -> None:
    write(tmp_path, {"p/secret/a.jpg": selfie, "p/b.jpg": selfie, "list/c.jpg": selfie})
    ordinary = []
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("root may look everywhere, and there is no setpriv")
        ordinary = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]
    for folder in ("p/secret", "list"):
        (tmp_path / folder).chmod(0)
    listed = b"list/c.jpg\nlist/c.mov\nlist/c.zip\nlist\n"
    move = ["--to", "r.sqlite", "--move-to", "out"]
    done = subprocess.run(
        [*ordinary, *COMMAND, "p", "-", "--jobs", "1", *MAKE_SELFIES, *move],
        input=listed,
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    for folder in ("p/secret", "list"):
        (tmp_path / folder).chmod(0o755)
    assert done.returncode == 0, done.stderr.decode()
    rows = rows_of(tmp_path / "r.sqlite")
    unknown = {name for name, row in rows.items() if row["label"] == "unknown"}
    assert unknown == {"p/secret", *listed.decode().split()}
    assert len(rows) == 6
    assert tree(tmp_path / "out") == {"selfie/b.jpg"}


def test_a_file_time_after_2262_is_judged_and_resumed(selfie: bytes, tmp_path: Path) -> None:
    folder = many(tmp_path / "p", 2, selfie)
    future = 2**63 + 10**15
    try:
        os.utime(folder / "0000.jpg", ns=(future, future))
    except (OSError, OverflowError):
        pytest.skip("this file system knows no such time")
    if (folder / "0000.jpg").stat().st_mtime_ns < 2**63:
        pytest.skip("this file system knows no such time")
    for ending in ("sqlite", "csv"):
        run(folder, "--to", tmp_path / f"r.{ending}", *MAKE_SELFIES)
        summary = scan([folder], to=tmp_path / f"r.{ending}", resume=True, n_jobs=1)
        assert summary.photos == 2
    rows = rows_of(tmp_path / "r.sqlite")
    assert [row["mtime_ns"] is None for _, row in sorted(rows.items())] == [True, False]
    done = subprocess.run(
        [*COMMAND, folder, "--to", tmp_path / "r.sqlite", "--resume", "--jobs", "1"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "judged 0 in" in done.stderr  # by its content


def test_links_separators_and_ciphers_in_archives_are_rows(selfie: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(selfie)
    with tarfile.open(tmp_path / "links.tar", "w") as tar:
        tar.add(tmp_path / "a.jpg", "a.jpg")
        linked = tarfile.TarInfo("again.jpg")
        linked.type, linked.linkname = tarfile.LNKTYPE, "a.jpg"
        tar.addfile(linked)
    with zipfile.ZipFile(tmp_path / "windows.zip", "w") as archive:
        archive.writestr("..\\escape.jpg", selfie)
        archive.writestr("trip\\a.jpg", selfie)
        archive.writestr("@eaDir\\a.jpg", selfie)
    with zipfile.ZipFile(tmp_path / "secret.zip", "w") as archive:
        archive.writestr("a.jpg", selfie)
        archive.writestr("b.jpg", selfie, zipfile.ZIP_BZIP2)
    data = bytearray((tmp_path / "secret.zip").read_bytes())
    for match in re.finditer(rb"PK\x03\x04|PK\x01\x02", bytes(data)):
        data[match.start() + (6 if match[0].endswith(b"\x04") else 8)] |= 1  # encrypted
    (tmp_path / "secret.zip").write_bytes(data)
    archives = ("links.tar", "windows.zip", "secret.zip")
    lines = run(*archives, "--copy-to", "out", *MAKE_SELFIES, cwd=tmp_path)
    assert sentences(lines) == {
        "links.tar/again.jpg": "it is a hard link to a.jpg, which is judged under that name",
        "secret.zip/a.jpg": "it is encrypted",
        "secret.zip/b.jpg": "it is encrypted",
    }
    # Nothing leaves the folder.
    assert tree(tmp_path / "out") == {
        "selfie/links.tar/a.jpg",
        "selfie/windows.zip/escape.jpg",
        "selfie/windows.zip/trip/a.jpg",
    }


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
)
def test_lists_are_read_in_every_encoding_of_unicode(tmp_path: Path, encoding: str) -> None:
    listed = [str(tmp_path / name) for name in ("a.jpg", "ä 漢字.jpg", "🙂.jpg")]
    long = listed + [str(tmp_path / f"é{number:06}.jpg") for number in range(5000)]
    for wanted in (listed, long):
        text = "\r\n".join(wanted).encode(encoding)
        assert names("-", stdin=text) == sorted(wanted)
    if not encoding.endswith("e"):  # without a mark, NUL may as well end one letter's name
        text = "\0".join(listed).encode(encoding)
        assert names("-", stdin=text, null=True) == sorted(listed)


def test_bytes_that_are_no_utf8_are_names_even_behind_a_mark(tmp_path: Path) -> None:
    listed = os.fsencode(tmp_path) + b"/caf\xe9.jpg"
    assert names("-", stdin=listed) == names("-", stdin=b"\xef\xbb\xbf" + listed)


def test_a_list_that_is_cut_off_is_one_line(tmp_path: Path) -> None:
    error = run("-", stdin="a.jpg".encode("utf-16")[:-1], cwd=tmp_path, code=2)
    assert error == ("classicselfie: the list of paths is no whole UTF-16 text; save it as UTF-8\n")


@pytest.mark.parametrize("name", ["list_with_nul_folder.txt", "list_with_long_name.txt"])
def test_the_lists_that_once_ended_a_scan(
    cases_dir: Path, selfie: bytes, tmp_path: Path, name: str
) -> None:
    listed = (cases_dir / name).read_bytes()
    possible = [
        line for line in listed.decode().splitlines() if "\0" not in line and len(line) < 200
    ]
    write(tmp_path, dict.fromkeys(possible, selfie))
    lines = run("-", stdin=listed, cwd=tmp_path).splitlines()
    labels = {row["path"]: row["label"] for row in map(json.loads, lines)}
    assert labels.keys() == set(listed.decode().splitlines())
    assert len(lines) == len(labels)
    assert {path for path, label in labels.items() if label != "unknown"} == set(possible)


# What is written


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_names_that_spreadsheets_would_run_are_harmless(
    selfie: bytes, tmp_path: Path, ending: str
) -> None:
    odd = ["=1+1.jpg", "+a.jpg", "-b.jpg", "@c.jpg", "'=d.jpg", "'e.jpg", "\tf.jpg", "＝g.jpg"]
    write(tmp_path, dict.fromkeys(odd, selfie))
    listed = "\n".join(odd).encode()
    output = tmp_path / f"r.{ending}"
    for resume in ((), ("--resume",)):
        run("-", "--to", output, *resume, stdin=listed, cwd=tmp_path)
        if ending == "jsonl":
            lines = output.read_text().splitlines()
            assert {json.loads(line)["path"] for line in lines} == set(odd)
            continue
        with output.open(newline="", encoding="utf-8") as stream:
            written = [row["path"] for row in csv.DictReader(stream)]
        assert not any(name[0] in "=+-@\t＝" for name in written)
        documented = re.search(
            r're\.sub\(r"(.+?)", "", text\)', (ROOT / "docs/scan.md").read_text()
        )
        assert documented is not None
        assert {re.sub(documented[1], "", name) for name in written} == set(odd)
        assert len(written) == len(odd)
    summary = scan([tmp_path / name for name in odd], to=tmp_path / "s.csv", n_jobs=1)
    assert summary.labels["unknown"] == 0


def test_lone_surrogates_never_reach_json(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    folder = os.fsencode(tmp_path / "p")
    try:
        Path(os.fsdecode(folder + b"/caf\xe9.zip")).write_bytes(b"no archive")
    except OSError:
        pytest.skip("this file system wants names in UTF-8")
    with tarfile.open(tmp_path / "p" / "links.tar", "w") as tar:
        linked = tarfile.TarInfo("again.jpg")
        linked.type, linked.linkname = tarfile.LNKTYPE, os.fsdecode(b"caf\xe9.jpg")
        tar.addfile(linked)
    listed = folder + b"/gone\xff.jpg\n" + folder
    for output in ("r.jsonl", "r.csv", "r.sqlite"):
        run("-", "--to", tmp_path / output, stdin=listed)
    lines = (tmp_path / "r.jsonl").read_text(encoding="utf-8").splitlines()
    lines += run("-", stdin=listed).splitlines()
    with (tmp_path / "r.csv").open(newline="", encoding="utf-8") as stream:
        lines += [row["reasons"] for row in csv.DictReader(stream)]
    lines += [row["reasons"] for row in rows_of(tmp_path / "r.sqlite").values()]
    assert len(lines) == 4 * 3
    for line in lines:
        json.dumps(json.loads(line), ensure_ascii=False).encode()  # fails where there is one


def test_paths_may_be_text(selfie: bytes, tmp_path: Path) -> None:
    many(tmp_path / "p", 1, selfie)
    to, out = str(tmp_path / "r.sqlite"), str(tmp_path / "out")
    assert scan([str(tmp_path / "p")], to=to, sort_to=out, n_jobs=1).sorted == 1
    assert len(rows_of(Path(to))) == len(tree(Path(out))) == 1
    with pytest.raises(TypeError, match="expected a list of paths"):
        scan(str(tmp_path / "p"))  # each letter would be a path


def test_results_that_are_there_survive_a_refusal(selfie: bytes, tmp_path: Path) -> None:
    folder = many(tmp_path / "p", 1, selfie)
    run(folder, "--to", tmp_path / "r.csv")
    text = (tmp_path / "r.csv").read_bytes()
    with pytest.raises(ScanError, match="there is no file or folder"):
        scan([tmp_path / "gone"], to=tmp_path / "r.csv")
    assert (tmp_path / "r.csv").read_bytes() == text


def test_interrupted_moves_are_finished_before_the_end(selfie: bytes, tmp_path: Path) -> None:
    folder = many(tmp_path / "p", 300, selfie)
    for number in range(300):
        (folder / f"{number:04}.mov").write_bytes(b"%d" % number)
    output, out = tmp_path / "r.sqlite", tmp_path / "out"
    with running(folder, "--to", output, "--move-to", out, jobs=1) as process:
        while process.poll() is None and not list(out.glob("*/*")):
            pass
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 130
    rows = rows_of(output)
    moved = {name for name, row in rows.items() if row["sorted_to"]}
    assert moved
    assert all(Path(rows[name]["sorted_to"]).is_file() for name in moved)
    assert not any(Path(name).exists() for name in moved)
    digests = {hashlib.sha256(path.read_bytes()).hexdigest() for path in out.rglob("*.*")}
    assert digests == {rows[name]["sha256"] for name in moved}
