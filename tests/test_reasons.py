"""What summaries say over many photos: `bench/reasons.py` counts it, and its goals are met."""

from __future__ import annotations

import csv
import html
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import encode

from classicselfie import SelfieDetector
from classicselfie.benchmark.drawing import draw_person, draw_scene

ROOT = Path(__file__).parents[1]


def count(manifest: Path, *options: object) -> dict[str, str]:
    """Run the command; returns the lines that it prints, by what they count."""
    command = [sys.executable, ROOT / "bench" / "reasons.py", manifest, *options]
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, check=True, cwd=ROOT
    )
    parts = (line.rpartition(": ") for line in done.stdout.splitlines())
    return {name.strip(): value for name, _, value in parts}


def assert_goals(counted: dict[str, str]) -> None:
    assert counted["that only say 'as in …'"].startswith("0 ")
    assert counted["shown as a reason for the side that they speak against"] == "0"
    for goal in (
        "photos with a face whose reasons hold an observation",
        "photos without a face whose summary says so first",
    ):
        reached, _, of = counted[goal].partition(" of ")
        assert reached == of != "0"


def test_drawn_photos_are_counted_and_laid_out(tmp_path: Path, detector: SelfieDetector) -> None:
    pytest.importorskip("sklearn", reason="the extra train is not installed")
    pictures = {
        **{f"near{face}.jpg": draw_person(240, 320, face=face / 10) for face in (3, 4, 5)},
        **{f"room{seed}.jpg": draw_scene(320, 240, seed) for seed in (3, 4)},
    }
    manifest, sheet = tmp_path / "manifest.csv", tmp_path / "sheet.html"
    for name, picture in pictures.items():
        (tmp_path / name).write_bytes(encode(picture, ".jpg"))
    rows = [f"{name},{'selfie' if 'near' in name else 'other'}" for name in pictures]
    manifest.write_text("\n".join(["path,label", *rows]))
    counted = count(manifest, "--sheet", sheet, "--count", 4)
    assert_goals(counted)
    assert counted["photos without a face whose summary says so first"] == "2 of 2"
    told = [
        html.unescape(text)
        for text in re.findall(r"</b>(.*?)</figcaption>", sheet.read_text(encoding="utf-8"))
    ]
    summaries = [detector.check(tmp_path / name).summary for name in pictures]
    assert len(told) == 4
    assert set(told) <= set(summaries)


def test_real_photos_are_given_reasons_that_can_be_seen(
    real_photos: list[tuple[Path, bool]], tmp_path: Path
) -> None:
    pytest.importorskip("sklearn", reason="the extra train is not installed")
    manifest = tmp_path / "manifest.csv"
    with manifest.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["path", "label"])
        writer.writerows((path, "selfie" if selfie else "other") for path, selfie in real_photos)
    assert_goals(count(manifest))
