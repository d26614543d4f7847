"""What people say about photos counts more than what the machine says, and is never lost."""

from __future__ import annotations

import csv
import json
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

import pytest
from commands import call
from conftest import encode
from scanning import MAKE_SELFIES, rows_of, run

from classicselfie.benchmark.drawing import draw_person, draw_scene

SELFIE, SCENE = "a.jpg", "deep/room.jpg"


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """Two people and a room; at the threshold of these scans both people are selfies."""
    folder = tmp_path / "library"
    (folder / "deep").mkdir(parents=True)
    for name, image in (
        (SELFIE, draw_person(240, 320)),
        ("b.jpg", draw_person(250, 320)),
        (SCENE, draw_scene(320, 240)),
    ):
        (folder / name).write_bytes(encode(image, ".jpg"))
    return folder


def write(file: Path, *lines: str) -> Path:
    file.write_text("path,label\n" + "".join(f"{line}\n" for line in lines), encoding="utf-8")
    return file


def labels(table: Path) -> dict[str, tuple[str, str | None]]:
    return {
        "/".join(Path(path).parts[len(table.parent.parts) + 1 :]): (
            row["label"],
            row["machine_label"],
        )
        for path, row in rows_of(table).items()
    }


CORRECTED = {
    SELFIE: ("not_selfie", "selfie"),
    SCENE: ("selfie", "not_selfie"),
    "b.jpg": ("selfie", None),
}


def test_a_person_is_believed_and_the_folders_follow(library: Path, tmp_path: Path) -> None:
    said = write(library / "said.csv", f"{SELFIE},other", f"./deep/../{SCENE},selfie")
    table, out = tmp_path / "r.sqlite", tmp_path / "out"
    done = call(
        *("scan", library, "--to", table, "--copy-to", out, "--corrections", said),
        *("--jobs", "1", *MAKE_SELFIES),
    )
    assert done.returncode == 0, done.stderr
    assert labels(table) == CORRECTED
    assert {path.relative_to(out).as_posix() for path in out.rglob("*.jpg")} == {
        f"not_selfie/{SELFIE}",
        f"selfie/{SCENE}",
        "selfie/b.jpg",
    }
    assert "3 photos: 2 look like a selfie, 0 may be one, 1 do not" in done.stderr
    assert "kept what people said of 2" in done.stderr
    rows = {Path(path).name: row for path, row in rows_of(table).items()}
    assert rows["a.jpg"]["confidence"] == rows["room.jpg"]["confidence"] == "clear"
    assert rows["a.jpg"]["summary"].startswith("Looks like a selfie")  # the machine's own words


@pytest.mark.parametrize("ending", ["sqlite", "csv", "jsonl"])
def test_what_was_said_outlives_every_later_scan(
    library: Path, tmp_path: Path, ending: str
) -> None:
    said = write(tmp_path / "said.csv", f"{library / SELFIE},other", f"library/{SCENE},selfie")
    output = tmp_path / f"r.{ending}"

    def told() -> dict[str, tuple[str, str | None]]:
        if ending == "sqlite":
            return labels(output)
        lines = output.read_text(encoding="utf-8").splitlines()
        rows = csv.DictReader(lines) if ending == "csv" else map(json.loads, lines)
        return {
            Path(row["path"]).relative_to(library).as_posix(): (
                row["label"],
                row["machine_label"] or None,
            )
            for row in rows
        }

    scan = [library, "--to", output, *MAKE_SELFIES]
    run(*scan)
    assert set(told().values()) == {("selfie", None), ("not_selfie", None)}
    run(*scan, "--resume", "--corrections", said)  # nothing is judged anew
    assert told() == CORRECTED
    run(*scan, "--resume")
    assert told() == CORRECTED
    run(*scan)  # all photos are judged again, without the file
    assert told() == CORRECTED
    run(library, "--to", output, "--resume", "--threshold", "1")  # another threshold
    assert told()[SELFIE] == ("not_selfie", "not_selfie")
    assert told()[SCENE] == ("selfie", "not_selfie")
    # A person may think again.
    run(*scan, "--resume", "--corrections", write(said, f"library/{SELFIE},selfie"))
    assert told()[SELFIE][0] == "selfie"
    assert told()[SCENE] == ("selfie", "not_selfie")


def test_results_of_the_version_before_can_be_corrected(library: Path, tmp_path: Path) -> None:
    table = tmp_path / "r.sqlite"
    scan = [library, "--to", table, *MAKE_SELFIES]
    run(*scan)
    with closing(sqlite3.connect(table)) as database, database:
        for name in ("photos", "passed"):
            database.execute(f"ALTER TABLE {name} DROP COLUMN machine_label")
        database.execute("PRAGMA user_version = 3")
    said = write(tmp_path / "said.csv", f"library/{SELFIE},other", f"library/{SCENE},selfie")
    done = call("scan", *scan, "--jobs", "1", "--resume", "--corrections", said)
    assert "judged 0 in" in done.stderr
    assert labels(table) == CORRECTED


def test_only_follows_what_was_said(library: Path, tmp_path: Path) -> None:
    said = write(tmp_path / "said.csv", f"library/{SELFIE},other", f"library/{SCENE},selfie")
    table = tmp_path / "r.sqlite"
    scan = [library, "--to", table, "--only", "selfie", *MAKE_SELFIES]
    run(*scan)
    assert labels(table).keys() == {SELFIE, "b.jpg"}
    run(*scan, "--resume", "--corrections", said)
    assert labels(table).keys() == {SCENE, "b.jpg"}
    run(*scan)
    assert labels(table).keys() == {SCENE, "b.jpg"}
    # What was said of a photo that had been left out is known to a scan that wants all.
    run(library, "--to", table, *MAKE_SELFIES)
    assert labels(table) == CORRECTED


def test_members_of_archives_and_printed_lines_are_corrected_too(
    library: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        archive.write(library / SELFIE, "in/a.jpg")
    said = write(tmp_path / "said.csv", "photos.zip/in/a.jpg,not_selfie", "gone.jpg,selfie")
    done = call(
        *("scan", "photos.zip", "--corrections", said, "--jobs", "1", *MAKE_SELFIES), cwd=tmp_path
    )
    row = json.loads(done.stdout)
    assert (row["label"], row["machine_label"]) == ("not_selfie", "selfie")
    assert "kept what people said of 1; 1 photos of the corrections were not met" in done.stderr


def test_the_corrections_are_no_photo(library: Path, tmp_path: Path) -> None:
    write(library / "said.csv", f"{SELFIE},other")
    run(library, "--corrections", library / "said.csv", "--to", tmp_path / "r.sqlite")
    assert len(rows_of(tmp_path / "r.sqlite")) == 3


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("path,label\na.jpg,selfie\nb.jpg,yes\n", "line 3: label 'yes' is neither selfie nor"),
        ("path,label\n,selfie\n", "line 2: the path is empty"),
        ("path,label\na.jpg,selfie\n./a.jpg,other\n", "line 3: an earlier line gives './a.jpg'"),
        ("path,verdict\na.jpg,selfie\n", "column 'label' is missing"),
        (None, "cannot be read"),
    ],
)
def test_a_bad_line_ends_the_scan_before_it_begins(
    library: Path, tmp_path: Path, text: str | None, sentence: str
) -> None:
    said = tmp_path / "said.csv"
    if text is not None:
        said.write_text(text)
    table = tmp_path / "r.sqlite"
    told = run(library, "--to", table, "--corrections", said, code=2)
    assert sentence in told
    assert str(said) in told
    assert told.count("\n") == 1
    assert not table.exists()
