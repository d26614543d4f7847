"""What cannot be judged says why in one of a few sentences; what a library said stands apart."""

from __future__ import annotations

import csv
import io
import json
import pickle
import sqlite3
from itertools import product
from pathlib import Path

import pytest

from classicselfie import PhotoError, SelfieDetector
from classicselfie.errors import describe
from classicselfie.photo import SUFFIXES, load_photo
from classicselfie.photo.guard import HEADER, PIXELS, guarded
from classicselfie.verdict import Verdict


def test_a_library_s_words_are_the_detail(detector: SelfieDetector, person_jpeg: bytes) -> None:
    cut = detector.check(person_jpeg[: len(person_jpeg) // 2])
    assert cut.label == "unknown"
    assert [reason.sentence for reason in cut.reasons] == [PIXELS]
    assert cut.detail is not None
    assert cut.detail.startswith("OSError: image file is truncated")
    assert cut.to_dict()["detail"] == cut.detail
    assert str(cut) == f"Cannot be judged: {PIXELS}."
    torn = detector.check(b"\xff\xd8\xff\xe0" + bytes(50))
    assert [reason.sentence for reason in torn.reasons] == [HEADER]
    assert torn.detail
    assert detector.check(person_jpeg).detail is None


@pytest.mark.parametrize(
    "error", [IndexError("index out of range"), KeyError(24068), MemoryError(), EOFError()]
)
def test_no_sentence_is_a_library_s(error: Exception) -> None:
    def fail() -> None:
        raise error

    with pytest.raises(PhotoError) as caught:
        guarded(fail, PIXELS)
    said = "there is not enough memory to decode the picture"
    assert str(caught.value) == (said if isinstance(error, MemoryError) else PIXELS)
    assert caught.value.detail == describe(error)
    assert describe(error).startswith(type(error).__name__)


def test_a_detail_is_one_short_printable_line() -> None:
    shown = describe(ValueError("a\nb\x1b[31m \udc80 " + "x" * 500))
    assert shown.startswith(r"ValueError: a b\x1b[31m \udc80 xxx")
    assert len(shown) == 200
    assert json.loads(json.dumps(shown)) == shown


def test_an_error_keeps_its_detail_between_processes() -> None:
    error = pickle.loads(pickle.dumps(PhotoError("sentence", "detail")))
    assert (str(error), error.detail) == ("sentence", "detail")


def test_an_unknown_is_made_in_one_way() -> None:
    verdict = Verdict.unknown("model", "why", detail="what", path="a.jpg", front_camera=True)
    assert (verdict.label, verdict.stage, verdict.probability) == ("unknown", "header", None)
    assert verdict.reasons[0].signal == "unreadable"
    assert (verdict.path, verdict.detail, verdict.front_camera) == ("a.jpg", "what", True)


def test_odd_files_have_few_reasons(odd_dir: Path) -> None:
    with (odd_dir / "index.csv").open(newline="", encoding="utf-8") as stream:
        paths = [odd_dir / row["path"] for row in csv.DictReader(stream)]
    sentences = set()
    for path in paths:
        try:
            load_photo(path)
        except PhotoError as error:
            sentences.add(str(error).partition(" (")[0].partition(" promises")[0])
    assert len(sentences) <= 6, sentences


def test_a_scan_keeps_the_detail_and_older_results(tmp_path: Path, person_jpeg: bytes) -> None:
    pytest.importorskip("tqdm", reason="the extra scan is not installed")
    from classicselfie.scan.command import scan
    from classicselfie.scan.results import COLUMNS

    newer = ("detail", "confidence", "summary", "machine_label")
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "torn.jpg").write_bytes(person_jpeg[: len(person_jpeg) // 2])
    for ending in ("sqlite", "csv", "jsonl"):
        output = tmp_path / f"results.{ending}"
        scan([photos], to=output, n_jobs=1)
        if ending == "sqlite":
            with sqlite3.connect(output) as database:
                query = "SELECT detail FROM photos"
                assert database.execute(query).fetchone()[0].startswith("OSError")
                for table, name in product(("photos", "passed"), newer):  # as version 1 wrote it
                    database.execute(f"ALTER TABLE {table} DROP COLUMN {name}")
                database.execute("DROP TABLE moving")
                database.execute("PRAGMA user_version = 1")
        elif ending == "csv":
            rows = list(csv.DictReader(io.StringIO(output.read_text(encoding="utf-8"))))
            assert rows[0].pop("detail").startswith("OSError")
            with output.open("w", newline="", encoding="utf-8") as stream:
                columns = [name for name in COLUMNS if name not in newer]
                writer = csv.DictWriter(stream, columns, extrasaction="ignore")
                writer.writeheader()
                writer.writerows(rows)
        else:
            row = json.loads(output.read_text(encoding="utf-8"))
            assert row.pop("detail").startswith("OSError")
            row = {name: value for name, value in row.items() if name not in newer}
            output.write_text(json.dumps(row) + "\n", encoding="utf-8")
        scan([photos], to=output, n_jobs=1)
        assert "OSError" in output.read_bytes().decode("utf-8", "replace")


def test_one_list_of_suffixes_serves_every_folder(tmp_path: Path, person_jpeg: bytes) -> None:
    pytest.importorskip("sklearn", reason="the extra train is not installed")
    from classicselfie.explore.photos import find_photos
    from classicselfie.scan.companions import is_photo
    from classicselfie.training.manifest import read_folders

    for side in ("selfies", "others"):
        (tmp_path / side).mkdir()
        for suffix in (*SUFFIXES, ".HEIF", ".txt"):
            (tmp_path / side / f"photo{suffix}").write_bytes(person_jpeg)
    expected = len(SUFFIXES) + 1
    assert {".jpe", ".heif"} <= set(SUFFIXES)
    assert len(read_folders(tmp_path / "selfies", tmp_path / "others")) == 2 * expected
    assert len(list(find_photos(tmp_path / "selfies", tmp_path / "gallery"))) == expected
    names = [path.name for path in (tmp_path / "selfies").iterdir()]
    assert sum(map(is_photo, names)) == expected
