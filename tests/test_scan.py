"""Whole collections: what is found, written down, resumed and sorted, whatever happens."""

from __future__ import annotations

import csv
import fcntl
import hashlib
import json
import os
import pty
import signal
import sqlite3
import struct
import subprocess
import sys
import tarfile
import termios
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from itertools import product
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest
from conftest import encode
from faulty_detectors import CRASHES, CRASHES_ONCE, HANGS, FaultyDetector
from scanning import (
    COMMAND,
    MAKE_SELFIES,
    contents,
    kill_when,
    many,
    rows_of,
    run,
    running,
    wait_for,
)

from classicselfie import SelfieDetector
from classicselfie.benchmark.drawing import draw_person, draw_scene
from classicselfie.errors import ScanError
from classicselfie.extras import install_command
from classicselfie.model import load_model
from classicselfie.scan import scan
from classicselfie.scan.judge import Task
from classicselfie.scan.sources import find_photos
from classicselfie.scan.workers import Workers


@pytest.fixture(scope="session")
def selfie() -> bytes:
    return encode(draw_person(240, 320), ".jpg")


@pytest.fixture(scope="session")
def scenery() -> bytes:
    return encode(draw_scene(320, 240), ".jpg")


@pytest.fixture
def library(tmp_path: Path, selfie: bytes, scenery: bytes) -> Path:
    """Eight photos in folders, all of different content, one of them damaged."""
    folder = tmp_path / "library"
    for number, place in enumerate(("a", "b", "2019/a", "2019/trip/a", "2020/b", "2020/c", "d")):
        path = folder / f"{place}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        # Decoders stop at a JPEG's end: what follows only makes the contents differ.
        path.write_bytes((selfie, scenery)[number % 2] + b"%d" % number)
    (folder / "2020" / "damaged.jpg").write_bytes(b"\xff\xd8\xff no jpeg")
    return folder


# What is found


def test_a_folder_is_one_json_line_a_photo(library: Path) -> None:
    lines = [json.loads(line) for line in run("library", cwd=library.parent).splitlines()]
    assert {line["path"] for line in lines} == {
        f"library/{place}.jpg"
        for place in ("a", "b", "d", "2019/a", "2019/trip/a", "2020/b", "2020/c", "2020/damaged")
    }
    one = next(line for line in lines if line["path"] == "library/a.jpg")
    assert one["sha256"] == hashlib.sha256((library / "a.jpg").read_bytes()).hexdigest()
    assert one["size"] == [240, 320]
    damaged = next(line for line in lines if "damaged" in line["path"])
    assert damaged["label"] == "unknown"


def test_hidden_files_links_and_own_results_are_passed_over(library: Path) -> None:
    (library / ".hidden.jpg").write_bytes(b"")
    (library / ".trash").mkdir()
    (library / ".trash" / "x.jpg").write_bytes(b"")
    (library / "link.jpg").symlink_to(library / "a.jpg")
    (library / "loop").symlink_to(library)
    os.mkfifo(library / "pipe.jpg")
    run("library", "--to", "library/r.sqlite", cwd=library.parent)
    assert len(rows_of(library / "r.sqlite")) == 8
    # What is named is meant.
    named = run(library / ".hidden.jpg", library / "link.jpg", library / "pipe.jpg").splitlines()
    labels = {Path(line["path"]).name: line["label"] for line in map(json.loads, named)}
    assert labels.keys() == {".hidden.jpg", "link.jpg", "pipe.jpg"}
    assert labels["link.jpg"] != "unknown" == labels["pipe.jpg"]


def test_patterns_and_lists(library: Path) -> None:
    def found(*paths: str, stdin: bytes = b"", null: bool = False) -> list[str]:
        import io

        items = find_photos([*paths], stdin=io.BytesIO(stdin), null=null)
        return sorted(os.path.relpath(item.name, library) for item in items)

    assert found(f"{library}/*.jpg") == ["a.jpg", "b.jpg", "d.jpg"]
    assert len(found(f"{library}/**")) == 8
    listed = os.fsencode(library)
    assert found("-", stdin=listed + b"/a.jpg\n\n" + listed + b"/2019") == [
        "2019/a.jpg",
        "2019/trip/a.jpg",
        "a.jpg",
    ]
    odd = library / "a\nb.jpg"
    odd.write_bytes(b"")
    assert found("-", stdin=bytes(odd) + b"\0" + listed + b"/b.jpg\0", null=True) == [
        "a\nb.jpg",
        "b.jpg",
    ]


def test_a_photo_named_twice_is_one_row(library: Path) -> None:
    stdin = b"library/a.jpg\n./library//a.jpg\nlibrary/gone.jpg\n"
    lines = run("-", "library", "./library/2019", stdin=stdin, cwd=library.parent).splitlines()
    names = Counter(json.loads(line)["path"] for line in lines)
    assert len(names) == 9
    assert set(names.values()) == {1}
    assert "library/gone.jpg" in names


def test_a_name_that_is_not_utf8_is_a_file_url(selfie: bytes, tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/caf\xe9.jpg"
    try:
        with open(path, "wb") as stream:
            stream.write(selfie)
    except OSError:
        pytest.skip("this file system wants names in UTF-8")
    run(tmp_path, "--to", tmp_path / "r.sqlite", "--copy-to", tmp_path / "out", *MAKE_SELFIES)
    (name,) = rows_of(tmp_path / "r.sqlite")
    assert name == f"{tmp_path.as_uri()}/caf%E9.jpg"
    (copy,) = (tmp_path / "out" / "selfie").iterdir()
    assert os.fsencode(copy.name) == b"caf\xe9.jpg"


def test_archives_give_their_members(selfie: bytes, scenery: bytes, tmp_path: Path) -> None:
    folder = tmp_path / "dumps"
    folder.mkdir()
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        archive.writestr("in/selfie.jpg", selfie)
        archive.writestr("../escape.jpg", scenery)
        archive.writestr("__MACOSX/in/selfie.jpg", b"resource fork")
    for ending, mode in (("tar", "w"), ("tar.gz", "w:gz")):
        (folder / "x.jpg").write_bytes(selfie)
        with tarfile.open(folder / f"b.{ending}", mode) as tar:
            tar.add(folder / "x.jpg", "x.jpg")
        (folder / "x.jpg").unlink()
    (folder / "broken.zip").write_bytes(b"PK no archive")
    run("dumps", "--to", "r.sqlite", "--copy-to", "out", *MAKE_SELFIES, cwd=tmp_path)
    labels = {name: row["label"] for name, row in rows_of(tmp_path / "r.sqlite").items()}
    assert labels == {
        "dumps/a.zip/in/selfie.jpg": "selfie",
        "dumps/a.zip/../escape.jpg": "not_selfie",
        "dumps/b.tar/x.jpg": "selfie",
        "dumps/b.tar.gz/x.jpg": "selfie",
        "dumps/broken.zip": "unknown",
    }
    out = tmp_path / "out"
    assert {str(path.relative_to(out)) for path in out.rglob("*.jpg")} == {
        "selfie/a.zip/in/selfie.jpg",
        "selfie/b.tar/x.jpg",
        "selfie/b.tar.gz/x.jpg",
        "not_selfie/a.zip/escape.jpg",
    }
    again = run("dumps", "--to", "r.sqlite", "--resume", "--move-to", "moved", cwd=tmp_path)
    assert again == ""
    assert contents(tmp_path / "moved") == Counter()  # nothing of an archive can be moved


def test_headers_and_packings_that_fill_the_memory_are_not_read(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "long.tar.gz", "w:gz", format=tarfile.GNU_FORMAT) as archive:
        archive.addfile(tarfile.TarInfo("a" * 3_000_000 + ".jpg"))
    with zipfile.ZipFile(tmp_path / "packed.zip", "w", zipfile.ZIP_BZIP2) as zipped:
        zipped.writestr("a.jpg", b"photo")
    tar, member = find_photos([str(tmp_path)])
    assert "a header is too large" in tar.problem
    assert member.problem == "it is packed in a way that is not read"


def test_links_of_a_pattern_lead_in_no_circles(selfie: bytes, tmp_path: Path) -> None:
    folder = many(tmp_path / "d", 2, selfie)
    (folder / "link").symlink_to(".")
    (folder / "other").symlink_to(".")
    names = [item.name for item in find_photos([f"{folder}/**/*.jpg"])]
    assert sorted(names) == [str(folder / "0000.jpg"), str(folder / "0001.jpg")]
    assert len(list(find_photos([f"{folder}/**"]))) == 2


def test_a_name_may_end_in_a_carriage_return(selfie: bytes, tmp_path: Path) -> None:
    path = tmp_path / "icon\r"
    path.write_bytes(selfie)
    (line,) = run("-", "-0", stdin=os.fsencode(path) + b"\0").splitlines()
    assert json.loads(line)["path"] == str(path)
    assert json.loads(line)["label"] != "unknown"


def test_bombs_are_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(8):
            archive.writestr(f"{number}.jpg", bytes(20 << 20))
        archive.writestr("z.jpg", bytes(200 << 20))
    monkeypatch.setattr("classicselfie.scan.sources.MIN_UNPACKED_BYTES", 100 << 20)
    items = list(find_photos([str(bomb)]))
    assert sum(len(item.data or b"") for item in items) <= 100 << 20
    assert items[-1].name == str(bomb)
    assert "far more" in items[-1].problem
    large = tmp_path / "large.zip"
    with zipfile.ZipFile(large, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("z.jpg", bytes(200 << 20))
    monkeypatch.undo()
    (item,) = find_photos([str(large)])
    assert "larger than 128 MB" in item.problem


# What is written


@pytest.mark.parametrize("ending", ["sqlite", "csv", "jsonl", "parquet"])
def test_a_second_run_adds_no_rows(library: Path, tmp_path: Path, ending: str) -> None:
    pytest.importorskip("pyarrow") if ending == "parquet" else None
    output = tmp_path / f"r.{ending}"
    first = scan([library], to=output, n_jobs=2)
    assert (first.photos, first.resumed) == (8, 0)
    before = read(output)
    assert len(before) == 8
    (library / "new.jpg").write_bytes((library / "a.jpg").read_bytes())
    (library / "a.jpg").write_bytes((library / "b.jpg").read_bytes())  # changed
    os.utime(library / "b.jpg")  # touched only
    second = scan([library], to=output, n_jobs=2, resume=True)
    assert (second.photos, second.resumed) == (9, 7)
    after = read(output)
    assert len(after) == 9
    key = str(library / "a.jpg")
    assert after[key]["sha256"] == after[str(library / "b.jpg")]["sha256"] != before[key]["sha256"]
    same = [name for name in before if name not in (key, str(library / "b.jpg"))]
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    assert [path.name for path in tmp_path.glob("r.*")] == [output.name]


def read(output: Path) -> dict[str, dict[str, object]]:
    if output.suffix == ".sqlite":
        return {name: dict(row) for name, row in rows_of(output).items()}
    if output.suffix == ".parquet":
        from pyarrow import parquet

        rows = parquet.read_table(output).to_pylist()
    else:
        with output.open(newline="", encoding="utf-8") as stream:
            rows = list(
                csv.DictReader(stream) if output.suffix == ".csv" else map(json.loads, stream)
            )
    named = {row["path"]: row for row in rows}
    assert len(named) == len(rows)
    return named


def test_other_weights_and_thresholds_are_judged_again(library: Path, tmp_path: Path) -> None:
    output = tmp_path / "r.sqlite"
    run(library, "--to", output, *MAKE_SELFIES)
    labels = Counter(row["label"] for row in rows_of(output).values())
    assert labels["selfie"] == 4
    run(library, "--to", output, "--resume", "--threshold", "1")
    labels = Counter(row["label"] for row in rows_of(output).values())
    assert labels == {"not_selfie": 7, "unknown": 1}
    run(library, "--to", output, "--resume", "--detector", "haar")
    models = {row["model"] for row in rows_of(output).values()}
    assert len(models) == 1
    assert "haar" in models.pop()


def test_only_filters_the_rows_and_still_resumes(library: Path, tmp_path: Path) -> None:
    output = tmp_path / "r.sqlite"
    wanted = [library, "--to", output, "--only", "selfie", *MAKE_SELFIES]
    run(*wanted)
    assert {row["label"] for row in rows_of(output).values()} == {"selfie"}
    assert len(rows_of(output)) == 4
    done = subprocess.run(
        [*COMMAND, *map(str, wanted), "--resume"], capture_output=True, text=True, check=True
    )
    assert "judged 0 in" in done.stderr
    run(library, "--to", output, "--resume", *MAKE_SELFIES)
    assert len(rows_of(output)) == 8


def test_two_scans_do_not_write_to_one_file(library: Path, tmp_path: Path) -> None:
    from classicselfie.scan.results import Results

    for name in ("r.sqlite", "r.csv"):
        with Results(tmp_path / name):
            error = run(library, "--to", tmp_path / name, code=2)
        assert error == f"classicselfie: another scan is writing to {tmp_path / name}\n"


def test_what_is_no_result_is_left_alone(library: Path, tmp_path: Path) -> None:
    for name, text in (("x.csv", "a,b\n1,2\n"), ("x.jsonl", "{}\n"), ("x.sqlite", "text" * 300)):
        (tmp_path / name).write_text(text)
        error = run(library, "--to", tmp_path / name, code=2)
        assert error.count("\n") == 1
        assert (tmp_path / name).read_text() == text
        assert not (tmp_path / f"{name}.unfinished").exists()


def test_wrong_usage_is_one_line(library: Path, tmp_path: Path) -> None:
    for arguments, words in (
        ([tmp_path / "gone"], "there is no file or folder"),
        ([library, "--to", tmp_path / "r.txt"], "must end in"),
        ([library, "--to", tmp_path / "no" / "r.csv"], "does not exist"),
        ([library, "--resume"], "--resume needs --to"),
        ([library, "--move-to", tmp_path / "out"], "--move-to needs --to"),
        ([library, "--copy-to", library], "into which photos are sorted"),
        ([library, "--backend", "dask"], "need each other"),
    ):
        error = run(*arguments, code=2)
        assert error.startswith("classicselfie: ")
        assert words in error
        assert error.count("\n") == 1


# What goes wrong


def test_crashes_and_hangs_cost_one_row_each(library: Path, selfie: bytes, tmp_path: Path) -> None:
    (library / "crashes.jpg").write_bytes(selfie + CRASHES)
    (library / "hangs.jpg").write_bytes(selfie + HANGS)
    once = CRASHES_ONCE + os.fsencode(tmp_path / "marker")
    (library / "crashes_once.jpg").write_bytes(selfie + once)
    output = tmp_path / "r.sqlite"
    scan([library], to=output, n_jobs=2, timeout=4, detector=FaultyDetector())
    rows = rows_of(output)
    assert len(rows) == 11
    unknown = {
        Path(name).name: json.loads(row["reasons"])[0]["sentence"]
        for name, row in rows.items()
        if row["label"] == "unknown"
    }
    assert unknown.keys() == {"crashes.jpg", "hangs.jpg", "damaged.jpg"}
    assert unknown["crashes.jpg"] == "the process that read it crashed, twice"
    assert unknown["hangs.jpg"] == "it took longer than 4 s"
    # They are tried again by a resumed run; what could be read is not.
    summary = scan([library], to=output, n_jobs=1, resume=True)
    assert summary.photos - summary.resumed == 2
    assert {name for name, row in rows_of(output).items() if row["label"] == "unknown"} == {
        str(library / "2020" / "damaged.jpg")
    }


def test_a_picture_that_takes_too_long_to_decode(library: Path, tmp_path: Path) -> None:
    slow = library / "slow.png"
    cv2.imwrite(str(slow), np.zeros((9000, 8800, 3), np.uint8), [cv2.IMWRITE_PNG_COMPRESSION, 1])
    lines = run(slow, library / "a.jpg", "--timeout", "0.2").splitlines()
    sentences = {
        row["path"]: row["reasons"][0]["sentence"] for row in map(json.loads, lines) if row
    }
    assert sentences[str(slow)] == "it took longer than 0.2 s"
    assert len(sentences) == 2


def test_killed_workers_lose_nothing(selfie: bytes, scenery: bytes, tmp_path: Path) -> None:
    folder = many(tmp_path / "many", 150, selfie, scenery)
    with running(folder, "--to", tmp_path / "r.sqlite") as process:
        for _ in range(3):
            time.sleep(0.3)
            for child in psutil.Process(process.pid).children():
                if "classicselfie.workers" in " ".join(child.cmdline()):
                    child.kill()
                    break
        process.wait(120)
    assert process.returncode == 0
    rows = rows_of(tmp_path / "r.sqlite")
    assert len(rows) == 150
    assert {row["label"] for row in rows.values()} <= {"selfie", "not_selfie"}


def test_few_photos_are_under_way(selfie: bytes, tmp_path: Path, detector: SelfieDetector) -> None:
    folder = many(tmp_path / "many", 60, selfie)
    taken = 0

    def tasks() -> Iterator[Task]:
        nonlocal taken
        for item in find_photos([str(folder)]):
            taken += 1
            yield Task(item)

    results = Workers(detector, n_jobs=2, timeout=60).run(tasks())
    for given, _ in enumerate(results):
        assert taken - given <= 2 * 2 + 1
    assert taken == given + 1 == 60


def test_a_missing_extra_names_its_command(library: Path, tmp_path: Path) -> None:
    for package, extra, options in (
        ("joblib", "scan", []),
        ("tqdm", "scan", []),
        ("pyarrow", "parquet", ["--to", str(tmp_path / "r.parquet")]),
        ("distributed", "dask", ["--backend", "dask", "--scheduler", "tcp://127.0.0.1:1"]),
    ):
        code = (
            "import importlib.util, sys\n"
            "real = importlib.util.find_spec\n"
            f"importlib.util.find_spec = lambda n, *a: None if n == {package!r} else real(n, *a)\n"
            "from classicselfie.cli import main\n"
            f"sys.exit(main(['scan', {str(library)!r}, *{options!r}]))"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
        assert done.returncode == 2
        assert done.stderr.decode() == (
            f"classicselfie: {package} is not installed; run: {install_command(extra)}\n"
        )


@pytest.mark.parametrize(
    ("name", "journal"), [("r.sqlite", "r.sqlite"), ("r.csv", "r.csv.unfinished")]
)
def test_killed_and_resumed_is_one_row_a_photo(
    selfie: bytes, scenery: bytes, tmp_path: Path, name: str, journal: str
) -> None:
    folder = many(tmp_path / "many", 600, selfie, scenery)
    for rows in (1, 150, 300):
        with running(folder, "--to", tmp_path / name, "--resume", jobs=1) as process:
            kill_when(process, tmp_path / journal, rows)
            assert process.returncode == -signal.SIGKILL
    before = rows_of(tmp_path / journal)
    summary = scan([folder], to=tmp_path / name, resume=True, n_jobs=2)
    assert (summary.photos, summary.resumed) == (600, len(before))
    assert len(read(tmp_path / name)) == 600


def test_killed_while_moving_loses_no_photo(selfie: bytes, scenery: bytes, tmp_path: Path) -> None:
    folder = many(tmp_path / "many", 160, selfie, scenery)
    before, out, output = contents(folder), tmp_path / "out", tmp_path / "r.sqlite"
    for rows in (1, 60):
        with running(folder, "--to", output, "--resume", "--move-to", out) as process:
            kill_when(process, output, rows)
        # For an instant a photo has both names.
        assert set(contents(folder)) | set(contents(out)) == set(before)
    scan([folder], to=output, resume=True, sort_to=out, way="move", n_jobs=2)
    assert contents(folder) == Counter()
    assert contents(out) == before
    rows = rows_of(output).values()
    assert len(rows) == 160
    assert all(
        hashlib.sha256(Path(row["sorted_to"]).read_bytes()).hexdigest() == row["sha256"]
        for row in rows
    )


def test_ctrl_c_ends_cleanly(selfie: bytes, tmp_path: Path) -> None:
    folder = many(tmp_path / "many", 600, selfie)  # more than one process does until a commit
    output = tmp_path / "r.csv"
    with running(folder, "--to", output, jobs=1) as process:
        wait_for(process, tmp_path / "r.csv.unfinished", 1)
        family = psutil.Process(process.pid).children(recursive=True)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers as well
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.decode().startswith("classicselfie: interrupted after ")
    assert errors.count(b"\n") == 1
    assert not psutil.wait_procs(family, timeout=20)[1]
    summary = scan([folder], to=output, resume=True, n_jobs=2)
    assert (summary.photos, len(read(output))) == (600, 600)
    assert summary.resumed > 0


def test_every_odd_file_is_one_row(odd_dir: Path, tmp_path: Path) -> None:
    run(odd_dir, "--to", tmp_path / "r.sqlite")
    files = [path for path in odd_dir.rglob("*") if path.is_file()]
    assert rows_of(tmp_path / "r.sqlite").keys() == set(map(str, files))


# What is sorted


def test_its_own_files_and_what_it_has_moved_stay(selfie: bytes, tmp_path: Path) -> None:
    many(tmp_path / "p", 3, selfie)

    def scan_list() -> dict[str, sqlite3.Row]:
        files = sorted(path for path in tmp_path.rglob("*") if path.is_file())
        listed = "\n".join(str(path.relative_to(tmp_path)) for path in files)
        arguments = ("-", "--to", "r.sqlite", "--resume", "--move-to", "s")
        run(*arguments, stdin=listed.encode(), cwd=tmp_path)
        return rows_of(tmp_path / "r.sqlite")

    first = scan_list()
    assert len(first) == 3
    assert {path: tuple(row) for path, row in scan_list().items()} == {
        path: tuple(row) for path, row in first.items()
    }
    assert len(contents(tmp_path / "s")) == 3


def test_a_list_resumed_after_a_move_keeps_its_rows(selfie: bytes, tmp_path: Path) -> None:
    folder = many(tmp_path / "p", 3, selfie)
    listed = "".join(f"{path}\n" for path in sorted(folder.iterdir())).encode()
    arguments = ("-", "--to", tmp_path / "r.sqlite", "--resume", "--move-to", tmp_path / "s")
    for _ in range(2):
        run(*arguments, stdin=listed)
        rows = rows_of(tmp_path / "r.sqlite").values()
        assert len(rows) == 3
        assert all(Path(row["sorted_to"]).is_file() and row["label"] != "unknown" for row in rows)


def test_a_photo_that_cannot_be_named_stays(selfie: bytes, tmp_path: Path) -> None:
    (tmp_path / "r1").mkdir()
    (tmp_path / "r1" / "x.jpg").write_bytes(selfie)
    (tmp_path / "r2").mkdir()
    many(tmp_path / "r2" / "x.jpg", 1, selfie)
    many(tmp_path / "r3", 1, selfie)
    with zipfile.ZipFile(tmp_path / "r3" / "z.zip", "w") as archive:
        archive.writestr("a" * 300 + ".jpg", selfie)
    run(*(tmp_path / name for name in ("r1", "r2", "r3")), *MAKE_SELFIES,
        "--to", tmp_path / "r.sqlite", "--copy-to", tmp_path / "o")  # fmt: skip
    assert len(rows_of(tmp_path / "r.sqlite")) == 4
    assert len(contents(tmp_path / "o")) == 2


def test_sorting_keeps_places_and_overwrites_nothing(library: Path, tmp_path: Path) -> None:
    before, out = contents(library), tmp_path / "out"
    (out / "selfie").mkdir(parents=True)
    (out / "selfie" / "a.jpg").write_bytes(b"was here before")
    for _ in range(2):  # the second time there is nothing left to do
        run(library, "--copy-to", out, *MAKE_SELFIES)
        assert contents(out) == before + Counter([b"was here before"])
    assert contents(library) == before
    assert {str(path.relative_to(out)) for path in out.rglob("*.jpg")} == {
        "selfie/a.jpg",
        "selfie/a (2).jpg",
        "selfie/2019/a.jpg",
        "selfie/2020/b.jpg",
        "selfie/d.jpg",
        "not_selfie/b.jpg",
        "not_selfie/2019/trip/a.jpg",
        "not_selfie/2020/c.jpg",
        "unknown/2020/damaged.jpg",
    }


def test_only_sorts_one_label(library: Path, tmp_path: Path) -> None:
    run(library, "--link-to", tmp_path / "out", "--only", "selfie", *MAKE_SELFIES)
    links = [path for path in (tmp_path / "out").rglob("*") if path.is_symlink()]
    assert len(links) == 4
    assert (tmp_path / "out/selfie/2019/a.jpg").readlink() == library / "2019/a.jpg"
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["selfie"]


@pytest.fixture
def unsure(tmp_path: Path) -> Path:
    """Weights at whose thresholds every photo with a face may be a selfie."""
    model = replace(load_model("yunet"), thresholds={"sensitive": 0.0, "strict": 1.0})
    path = tmp_path / "unsure.json"
    path.write_text(model.to_json(), encoding="utf-8")
    return path


def test_what_may_be_a_selfie_is_a_pile_of_its_own(
    library: Path, unsure: Path, tmp_path: Path
) -> None:
    output, out = tmp_path / "r.csv", tmp_path / "out"
    everything = [library, "--weights", unsure, "--to", output, "--move-to", out]
    told = run(library, "--weights", unsure, "--only", "maybe").splitlines()
    assert {json.loads(line)["label"] for line in told} == {"not_selfie"}
    done = subprocess.run(
        [*COMMAND, *map(str, everything)], capture_output=True, text=True, check=True
    )
    assert "8 photos: 0 look like a selfie, 4 may be one, 3 do not, 1 could not" in done.stderr
    rows = list(csv.DictReader(output.read_text(encoding="utf-8").splitlines()))
    maybe = {row["path"] for row in rows if row["confidence"] == "maybe"}
    assert maybe == {json.loads(line)["path"] for line in told}
    assert len(maybe) == 4
    for row in rows:
        pile = "maybe" if row["confidence"] == "maybe" else row["label"]
        assert Path(row["sorted_to"]).is_relative_to(out / pile)
        assert row["summary"].startswith(
            {"maybe": "May be a selfie (", "not_selfie": "No face was", "unknown": "Cannot"}[pile]
        )
        assert (row["confidence"] == "") == (row["label"] == "unknown")
    # What was passed over for its confidence is known to the next run as well.
    for only, photos in (("selfie", 0), ("maybe", 4), ("not_selfie", 7)):
        table = tmp_path / f"{only}.sqlite"
        chosen = [out, "--weights", unsure, "--to", table, "--only", only]
        run(*chosen)
        assert len(rows_of(table)) == photos
        again = subprocess.run(
            [*COMMAND, *map(str, chosen), "--resume"], capture_output=True, text=True, check=True
        )
        assert "judged 1 in" in again.stderr or "judged 0 in" in again.stderr


@pytest.mark.parametrize("output", ["r.sqlite", "r.jsonl"])
def test_results_of_the_version_before_are_taken_over(
    library: Path, tmp_path: Path, output: str
) -> None:
    """They lack confidence and summary, which a resumed scan fills in; nothing else is lost."""
    table = tmp_path / output
    run(library, "--to", table)
    gone = str(library / "gone.jpg")
    if table.suffix == ".sqlite":
        with closing(sqlite3.connect(table)) as database, database:
            columns = ("confidence", "summary", "machine_label")
            for name, column in product(("photos", "passed"), columns):
                database.execute(f"ALTER TABLE {name} DROP COLUMN {column}")
            database.execute("UPDATE photos SET path = ? WHERE path LIKE '%/d.jpg'", [gone])
            database.execute("PRAGMA user_version = 2")
    else:
        rows = [json.loads(line) for line in table.read_text().splitlines()]
        for row in rows:
            del row["confidence"], row["summary"], row["machine_label"]
            row["path"] = gone if row["path"].endswith("/d.jpg") else row["path"]
        table.write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = subprocess.run(
        [*COMMAND, str(library), "--to", str(table), "--resume"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "judged 8 in" in done.stderr
    if table.suffix == ".sqlite":
        rows = list(rows_of(table).values())
    else:
        rows = [json.loads(line) for line in table.read_text().splitlines()]
    assert len(rows) == 9
    assert [row["path"] for row in rows if row["summary"] is None] == [gone]


def test_photos_of_one_name_and_content_are_all_moved(
    library: Path, selfie: bytes, tmp_path: Path
) -> None:
    for folder in ("x", "y"):
        (library / folder).mkdir()
        (library / folder / "a.jpg").write_bytes(selfie)
    before, out = contents(library), library / "sorted"  # within what is scanned
    listed = "\n".join(str(path) for path in library.rglob("*.jpg")).encode()
    run("-", "--to", tmp_path / "r.jsonl", "--move-to", out, *MAKE_SELFIES, stdin=listed)
    assert contents(out) == contents(library) == before
    assert {path.name for path in (out / "selfie").iterdir()} >= {"a.jpg", "a (2).jpg", "a (3).jpg"}
    run(library, "--to", tmp_path / "r.jsonl", "--resume", "--move-to", out)
    assert contents(out) == contents(library) == before


def test_a_move_to_another_file_system_copies_first(
    library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, out = contents(library), tmp_path / "out"
    shared = Path("/dev/shm")
    if not shared.is_dir() or shared.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no other file system here")
    import tempfile

    with tempfile.TemporaryDirectory(dir=shared) as other:
        out = Path(other)
        summary = scan([library], to=tmp_path / "r.csv", sort_to=out, way="move", n_jobs=2)
        assert summary.sorted == 8
        assert contents(out) == before
        assert contents(library) == Counter()


# What is seen


def test_a_bar_on_a_terminal_only(library: Path, tmp_path: Path) -> None:
    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("4H", 25, 120, 0, 0))
    command = [*COMMAND, library, "--to", tmp_path / "r.sqlite"]
    with subprocess.Popen(command, stderr=child, stdout=subprocess.DEVNULL) as process:
        os.close(child)
        seen = b"".join(read_terminal(parent)).decode()
        assert process.wait(60) == 0
    assert "8/8" in seen
    assert "photo/s" in seen
    assert "unknown=1" in seen
    assert "8 photos: " in seen
    command[-1] = tmp_path / "s.sqlite"
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == ""
    assert done.stderr.startswith("8 photos: ")
    assert done.stderr.count("\n") == 2


def read_terminal(descriptor: int) -> Iterator[bytes]:
    try:
        while block := os.read(descriptor, 1 << 16):
            yield block
    except OSError:  # the other end is closed
        os.close(descriptor)


def test_the_documented_schema_is_the_real_one() -> None:
    from classicselfie.scan.results import COLUMNS

    text = (Path(__file__).parents[1] / "docs" / "scan.md").read_text(encoding="utf-8")
    for name in COLUMNS:
        assert f"| `{name}` |" in text


def test_the_documented_options_are_the_real_ones() -> None:
    import re

    text = (Path(__file__).parents[1] / "docs" / "scan.md").read_text(encoding="utf-8")
    shown = subprocess.run([*COMMAND, "--help"], capture_output=True, text=True, check=True).stdout
    # docs/commands tells all of them; here those of the story are told.
    others = {"--help", "--quiet", "--verbose", "--config", "--no-config", "--watch"}
    for option in set(re.findall(r"--[a-z-]+", shown)) - others:
        assert option in text


def test_an_error_while_sorting_is_one_line(library: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "not_selfie").write_text("a file where a folder should be")
    with pytest.raises(ScanError, match="cannot be made: it is a file"):
        scan([library], sort_to=tmp_path / "out", n_jobs=1)
