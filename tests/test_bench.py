"""The benchmark: its photos are what they claim, its figures hang together. No time is judged."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import ExifTags, Image
from PIL.JpegImagePlugin import JpegImageFile

from classicselfie import SelfieDetector
from classicselfie.benchmark import command, device
from classicselfie.benchmark.figures import AFTER_DECODING, EIGHTH, FULL, MOBILENET, WHOLE
from classicselfie.benchmark.memory import peak_memory_bytes
from classicselfie.benchmark.pictures import KINDS, Picture, make_pictures
from classicselfie.cli import main

ROOT = Path(__file__).parents[1]
THUMBNAIL_OFFSET, THUMBNAIL_LENGTH, ORIENTATION = 0x0201, 0x0202, 0x0112


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "classicselfie", "bench", *map(str, arguments)]
    return subprocess.run(
        command,
        capture_output=True,
        check=False,
        timeout=300,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Picture]:
    return make_pictures(tmp_path_factory.mktemp("photos"), 1.0, lambda _line: None)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """What the real command prints, and the file it writes."""
    path = tmp_path_factory.mktemp("bench") / "run.json"
    done = run("--sizes", "1", "0.5", "--repetitions", "2", "--json", path)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout, path


def refuse_constant(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


@pytest.fixture(scope="module")
def written(measured: tuple[str, Path]) -> dict[str, Any]:
    text = measured[1].read_text(encoding="utf-8")
    answer: dict[str, Any] = json.loads(text, parse_constant=refuse_constant)
    return answer


def test_the_photos_are_of_the_kinds_they_claim(pictures: list[Picture]) -> None:
    assert [picture.kind for picture in pictures] == list(KINDS)
    for picture in pictures:
        kind = picture.kind
        data = picture.path.read_bytes()
        with JpegImageFile(io.BytesIO(data)) as image:
            assert bool(image.info.get("progressive")) == kind.progressive
            exif = image.getexif()
            upright = image.size[::-1] if exif[ORIENTATION] == 6 else image.size
            assert (exif[ORIENTATION] == 6) == (kind.shape == "portrait by tag")
            assert (upright[0] < upright[1]) == kind.shape.startswith("portrait")
            second = exif.get_ifd(ExifTags.IFD.IFD1)
            assert (THUMBNAIL_OFFSET in second) == kind.thumbnail
            if kind.thumbnail:
                start = data.index(b"Exif\0\0") + 6 + second[THUMBNAIL_OFFSET]
                with Image.open(
                    io.BytesIO(data[start : start + second[THUMBNAIL_LENGTH]])
                ) as small:
                    small.load()
                    assert small.format == "JPEG"
                    ratio = small.width / small.height
                    assert ratio == pytest.approx(image.width / image.height, rel=0.02)
            assert image.width * image.height == pytest.approx(1e6, rel=0.01)
            # 2 to 5 MB at 12 megapixels
            assert 2 / 12 < len(data) / (image.width * image.height) < 5 / 12
            image.load()


@pytest.mark.parametrize("name", ["yunet", "haar"])
def test_the_photos_show_what_they_claim(pictures: list[Picture], name: str) -> None:
    judge = SelfieDetector(detector=name)
    verdicts = {picture.kind: judge.check(picture.path) for picture in pictures}
    for kind, verdict in verdicts.items():
        assert len(verdict.faces) == (kind.content == "person")
    typical = verdicts[KINDS[0]]
    for kind, verdict in verdicts.items():
        if kind.shape.startswith("portrait"):
            assert verdict.label == typical.label
            assert verdict.size == typical.size
            shift = np.subtract(verdict.faces[0].bbox, typical.faces[0].bbox)
            assert np.abs(shift).max() < 0.02 * verdict.size[1]


def test_every_stage_is_measured(written: dict[str, Any], pictures: list[Picture]) -> None:
    assert written["schema"] == 1
    names: dict[str, set[str]] = {}
    for figure in written["figures"]:
        names.setdefault(figure["group"], set()).add(figure["name"])
    assert len(written["pictures"]) == 2 * len(KINDS)
    stages = set(SelfieDetector().check(pictures[0].path).timings_ms)
    for picture in written["pictures"]:
        assert names[picture] >= {AFTER_DECODING, EIGHTH, FULL, WHOLE}
    assert names[pictures[0].name] >= stages
    for size in ("1 MP", "0.5 MP"):
        assert len(names[f"{size}, cold start of a process"]) == 3
        assert names[f"{size}, check_many, a photo"] >= {"1 process", "1 process, rate", EIGHTH}


def test_figures_hang_together(written: dict[str, Any]) -> None:
    figures = {(f["group"], f["name"]): f for f in written["figures"]}
    assert len(figures) == len(written["figures"])
    for (group, _), figure in figures.items():
        assert 0 <= figure["p50"] <= figure["p95"]
        if figure["unit"] == "ms":
            eighth = figures[group, EIGHTH]["p50"]
            assert figure["to_eighth"] == pytest.approx(figure["p50"] / eighth, abs=1e-6)
        else:
            assert figure["to_eighth"] is None
    for picture in written["pictures"]:
        assert figures[picture, EIGHTH]["to_eighth"] == 1.0
        assert figures[picture, AFTER_DECODING]["p50"] < figures[picture, WHOLE]["p50"]


def test_the_table_shows_the_written_figures(
    measured: tuple[str, Path], written: dict[str, Any]
) -> None:
    lines = re.sub(" +", " ", measured[0]).splitlines()
    for figure in written["figures"]:
        line = f" {figure['name']} {figure['p50']:.2f} {figure['p95']:.2f} {figure['unit']}"
        if figure["to_eighth"] is not None:
            line += f" {figure['to_eighth']:.2f}"
        assert line in lines
    for group in {figure["group"] for figure in written["figures"]}:
        assert group in lines
    for fact, value in written["device"].items():
        assert f" {fact} {'not told' if value is None else value}" in lines
    assert any(line.startswith(f"left out: {MOBILENET}") for line in lines)


def test_a_run_compared_with_itself_is_one_everywhere(measured: tuple[str, Path]) -> None:
    done = run("--compare", measured[1], measured[1])
    assert (done.returncode, done.stderr) == (0, "")
    assert "only in" not in done.stdout
    figures = done.stdout[done.stdout.index("B / A") :]
    ratios = re.findall(r" (\d+\.\d\d)\b(?! MP)", figures)
    written = json.loads(measured[1].read_text(encoding="utf-8"))["figures"]
    assert len(ratios) == sum(2 + (figure["to_eighth"] is not None) for figure in written)
    assert set(ratios) == {"1.00"}


def test_comparing_tells_what_only_one_run_has(
    measured: tuple[str, Path],
    written: dict[str, Any],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shorter = tmp_path / "shorter.json"
    first, *rest = written["figures"]
    rest[0] = {**rest[0], "p50": 2 * rest[0]["p50"]}
    shorter.write_text(json.dumps({**written, "figures": rest}), encoding="utf-8")
    assert main(["bench", "--compare", str(measured[1]), str(shorter)]) == 0
    printed = capsys.readouterr().out
    assert f"only in A: {first['group']}, {first['name']}" in printed
    assert re.search(rf"  {rest[0]['name']} +2\.00 +1\.00 ", printed)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": 99}', '{"schema": 1, "figures": 3}'])
def test_other_files_are_not_compared(
    tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "other.json"
    path.write_text(text, encoding="utf-8")
    assert main(["bench", "--compare", str(path), str(path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["--sizes", "0.3"],
        ["--sizes", "nan"],
        ["--sizes", "101"],
        ["--repetitions", "0"],
        ["--json", "a", "--compare", "b", "c"],
    ],
)
def test_wrong_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["bench", *arguments])
    assert stop.value.code == 2
    assert "usage: classicselfie bench" in capsys.readouterr().err


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run in vain; return the one line of complaint."""
    assert main(["bench", "--sizes", "0.5", "--repetitions", "1", *arguments]) == 2
    line = capsys.readouterr().err
    assert line.startswith("classicselfie: ")
    assert line.count("\n") == 1
    return line


def test_too_little_memory(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "free_memory_mb", lambda: 100)
    assert "100 MB are free; choose others with --sizes" in refused(capsys)
    monkeypatch.setattr(command, "free_memory_mb", lambda: None)

    def exhausted(*_: object) -> None:
        np.empty(2**60, np.uint8)

    monkeypatch.setattr(command, "make_pictures", exhausted)
    assert "the memory does not suffice" in refused(capsys)


def test_too_little_space(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(command.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 9}))
    assert "0 MB are free in" in refused(capsys)
    monkeypatch.setattr(command.tempfile, "tempdir", str(tmp_path / "missing"))
    assert "no folder for temporary files" in refused(capsys)


def test_a_full_disk_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.open

    def full(path: Path, *arguments: Any, **options: Any) -> Any:
        if path.suffix == ".jpg":
            raise OSError(28, "No space left on device")
        return real(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", full)
    assert "No space left on device; set TMPDIR" in refused(capsys)


def test_an_opencv_without_haar(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(cv2, "CascadeClassifier")
    assert "this OpenCV has no CascadeClassifier" in refused(capsys, "--detector", "haar")


def test_files_that_cannot_be(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert "does not exist" in refused(capsys, "--json", str(tmp_path / "missing" / "a.json"))
    pytest.importorskip("ai_edge_litert", reason="the extra bench is not installed")
    assert "cannot be run" in refused(capsys, "--mobilenet", str(tmp_path / "missing.tflite"))


def test_missing_extras(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "find_spec", lambda _: None)
    assert "classicselfie[bench]" in refused(capsys, "--mobilenet", "some.tflite")
    assert main(["bench", "--sizes", "0.5", "--repetitions", "1"]) == 0
    printed = capsys.readouterr().out
    assert "left out: all cores: joblib is not installed; run: " in printed
    assert "all cores, rate" not in printed


def test_memory_that_is_not_told_is_left_out(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command.measure, "peak_memory", lambda *_: {"whole check": None})
    assert main(["bench", "--sizes", "0.5", "--repetitions", "1"]) == 0
    printed = capsys.readouterr().out
    assert "left out: peak memory: not told\n" in printed
    assert "peak memory, whole check" not in printed


def test_mobilenet_is_one_more_yardstick(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    pytest.importorskip("ai_edge_litert", reason="the extra bench is not installed")
    data_dir: Path = request.getfixturevalue("data_dir")
    (network,) = data_dir.parent.glob("peers/mobilenet_v2*.tflite")
    path = tmp_path / "run.json"
    options = ["--sizes", "0.5", "--repetitions", "1", "--json", str(path)]
    assert main(["bench", *options, "--mobilenet", str(network)]) == 0
    figures = {(f["group"], f["name"]): f for f in json.loads(path.read_bytes())["figures"]}
    compared = [figure for figure in figures.values() if figure["to_mobilenet"] is not None]
    assert len(compared) == len(KINDS)
    for figure in compared:
        assert figure["name"] == AFTER_DECODING
        forward = figures[figure["group"], MOBILENET]["p50"]
        assert figure["to_mobilenet"] == pytest.approx(figure["p50"] / forward, abs=1e-6)
    assert "/ MobileNetV2" in capsys.readouterr().out


def test_the_script_is_the_command() -> None:
    script = [sys.executable, str(ROOT / "bench" / "pi.py"), "--help"]
    module = [sys.executable, "-m", "classicselfie", "bench", "--help"]
    first, second = (
        subprocess.run(
            line,
            capture_output=True,
            check=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        ).stdout
        for line in (script, module)
    )
    assert first == second


def test_a_pi_is_read(tmp_path: Path) -> None:
    files = {
        "proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\0",
        "proc/meminfo": "MemTotal:  3884320 kB\nMemFree:  100 kB\nMemAvailable:  2929688 kB\n",
        "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "ondemand\n",
        "sys/devices/system/cpu/cpu0/cpufreq/scaling_min_freq": "600000\n",
        "sys/devices/system/cpu/cpu0/cpufreq/scaling_max_freq": "1800000\n",
        "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "1500000\n",
        "sys/class/thermal/thermal_zone0/temp": "48199\n",
        "sys/class/thermal/thermal_zone0/type": "cpu-thermal\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    told = device.describe_device(tmp_path)
    assert told["model"] == "Raspberry Pi 4 Model B Rev 1.4"
    assert told["governor"] == "ondemand"
    assert (told["lowest frequency (MHz)"], told["highest frequency (MHz)"]) == (600, 1800)
    now = device.describe_moment(tmp_path)
    assert now["frequency (MHz)"] == 1500
    assert now["temperature (°C), thermal_zone0 cpu-thermal"] == 48.2
    assert now["free memory (MB)"] == 3000


def test_what_is_not_told_is_not_guessed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device.platform, "processor", lambda: "")
    monkeypatch.setenv("PATH", str(tmp_path))
    told = device.describe_device(tmp_path)
    now = device.describe_moment(tmp_path)
    for fact in ("model", "governor", "memory (MB)", "highest frequency (MHz)"):
        assert told[fact] is None
    for fact in ("frequency (MHz)", "temperature (°C)", "throttling", "free memory (MB)"):
        assert now[fact] is None
    assert re.search("^  governor +not told$", "\n".join(device.told(told)), re.MULTILINE)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("throttled=0x0\n", "0x0: none since the start"),
        (
            "throttled=0x50005",
            "0x50005: under-voltage now, throttled now, under-voltage has occurred, "
            "throttling has occurred",
        ),
        ("VCHI initialization failed", None),
    ],
)
def test_throttling_in_words(answer: str, words: str | None) -> None:
    assert device.explain_throttling(answer) == words


@pytest.mark.skipif(sys.platform == "win32", reason="the program is a shell script")
def test_throttling_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "vcgencmd"
    program.write_text("#!/bin/sh\necho throttled=0x2\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert device.describe_moment()["throttling"] == "0x2: frequency capped now"


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="only Linux inherits it")
def test_peak_memory_is_not_the_parents() -> None:
    held = np.ones(300_000_000, np.uint8)
    code = "from classicselfie.benchmark.memory import peak_memory_bytes as p; print(p())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert int(done.stdout) < 100_000_000 < held.nbytes
    assert (peak_memory_bytes() or 0) > held.nbytes
