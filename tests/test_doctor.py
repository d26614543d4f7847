"""`classicselfie doctor` tells what is there, and finds what is not in order."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import pytest
from commands import call

from classicselfie import __version__
from classicselfie.extras import EXTRAS, install_command, missing
from classicselfie.model import load_model

ROOT = Path(__file__).parents[1]


def test_a_page_to_paste_into_a_report(tmp_path: Path) -> None:
    done = call("doctor", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].startswith(f"classicselfie: {__version__} in ")
    assert any(line.startswith(f"OpenCV: {cv2.__version__}, opencv-") for line in lines)
    for extra in EXTRAS:
        told = f"  {extra}: installed"
        if lacking := missing(extra):
            told = f"  {extra}: without {', '.join(lacking)}; {install_command(extra)}"
        assert told in lines
    for detector in ("yunet", "haar"):
        assert any(f"{detector}: {load_model(detector).name}, schema " in line for line in lines)
        assert any(line.startswith(f"  {detector}: passed: ") for line in lines)
    assert sum(line.endswith(", intact") for line in lines) >= 2
    assert lines[-2:] == ["config file: none", "all is in order"]


def test_programs_get_the_same(tmp_path: Path) -> None:
    file = tmp_path / "classicselfie.toml"
    file.write_text('detector = "haar"\n[scan]\njobs = 1\n')
    done = call("doctor", "--json", cwd=tmp_path)
    found = json.loads(done.stdout)
    assert (done.returncode, found["problems"]) == (0, [])
    assert found["config"] == str(file)
    assert set(found["extras"]) == set(EXTRAS)
    assert json.loads(call("doctor", "--json", "--no-config").stdout)["config"] is None


def test_every_part_of_a_config_file_is_looked_at(tmp_path: Path) -> None:
    file = tmp_path / "classicselfie.toml"
    file.write_text("[serve]\nprot = 8000\n")
    for options in ([], ["--config", file]):
        done = call("doctor", *options, cwd=tmp_path)
        assert done.returncode == 4
        assert f"PROBLEM: {file}: [serve] prot is not an option of serve; did you mean port?" in (
            done.stdout
        )
    assert call("doctor", "--quiet", cwd=tmp_path).returncode == 4


def broken(tmp_path: Path, *, without: str = "", spoil: str = "") -> dict[str, object]:
    """Ask the doctor of a copy of the package in which something is not as it should be."""
    for folder in ("classicselfie", "models", "cascades"):
        shutil.copytree(ROOT / folder, tmp_path / folder, dirs_exist_ok=True)
    if spoil:
        with (tmp_path / spoil).open("ab") as stream:
            stream.write(b"x")
    if without:  # as where a library of the system's is missing
        (tmp_path / f"{without}.py").write_text("raise ImportError('libGL.so.1: no such file')\n")
    command = [sys.executable, "-m", "classicselfie"]
    done = subprocess.run(
        [*command, "doctor", "--json"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 4, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        ("models/yunet_2023mar_maps.onnx", "is not the file that was published"),
        ("models/yunet.json", "yunet.json is no valid weights file"),
    ],
)
def test_a_damaged_file_is_found(spoil: str, told: str, tmp_path: Path) -> None:
    problems = broken(tmp_path, spoil=spoil)["problems"]
    assert isinstance(problems, list)
    assert any(told in each for each in problems)


def test_an_opencv_that_cannot_be_loaded_is_told_by_the_doctor_and_by_the_rest(
    tmp_path: Path, person_path: Path
) -> None:
    found = broken(tmp_path, without="cv2")
    assert (
        "OpenCV cannot be loaded: ImportError: libGL.so.1: no such file"
        in (
            found["problems"]  # type: ignore[operator]
        )
    )
    done = subprocess.run(
        [sys.executable, "-m", "classicselfie", "check", str(person_path)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (4, "")
    told = "classicselfie: libGL.so.1: no such file; classicselfie doctor tells more\n"
    assert done.stderr == told


def test_packages_of_opencv_over_each_other_are_told(tmp_path: Path) -> None:
    for name, version in (("opencv-python", "4.11.0.86"), ("opencv-contrib-python", "4.11.0.86")):
        about = tmp_path / f"{name.replace('-', '_')}-{version}.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(tmp_path))
        done = call("doctor")
    assert done.returncode == 0  # it works, today
    (advice,) = [line for line in done.stdout.splitlines() if "NOTE: " in line]
    assert "opencv-contrib-python and opencv-python lie over each other in one folder" in advice
