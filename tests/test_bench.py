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

psutil = pytest.importorskip("psutil", reason="the extra bench is not installed")
for _package in ("cpuinfo", "joblib", "tqdm"):
    pytest.importorskip(_package, reason="the extra bench is not installed")

from classicselfie import SelfieDetector
from classicselfie.benchmark import command, device
from classicselfie.benchmark.estimate import Costs, expected_seconds, in_words
from classicselfie.benchmark.figures import (
    AFTER_DECODING,
    EIGHTH,
    FULL,
    MOBILENET,
    PEAK_MEMORY,
    WHOLE,
    Figure,
    many_group,
    told,
)
from classicselfie.benchmark.memory import peak_memory_bytes
from classicselfie.benchmark.pictures import (
    FACE,
    KINDS,
    NO_FACE,
    SETTLED,
    Picture,
    make_pictures,
    picture_name,
)
from classicselfie.benchmark.summary import summarise
from classicselfie.cli import main
from classicselfie.extras import install_command
from classicselfie.features import GROUPS

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
    return make_pictures(tmp_path_factory.mktemp("photos"), 1.0)


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
        assert names[many_group(float(size.split()[0]))] >= {"1 process", "all cores, rate", EIGHTH}


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


def figure(found: dict[str, Any], group: str, name: str) -> dict[str, Any]:
    (one,) = (f for f in found["figures"] if (f["group"], f["name"]) == (group, name))
    return one


def test_the_run_ends_with_what_a_person_wants_to_know(
    measured: tuple[str, Path], written: dict[str, Any]
) -> None:
    """The sentences are made of the figures that stand above them."""
    *_, first, rate, _, _, memory, network = measured[0].splitlines()
    words = first.split()
    assert (words[1], words[-1]) == ("1-MP", "it.")
    shown = [float(word) for word in words if re.fullmatch(r"[\d.e+]+", word)]
    for value, kind in zip(shown, (FACE, NO_FACE, SETTLED), strict=True):
        took = figure(written, picture_name(1.0, kind), WHOLE)["p50"]
        assert value == pytest.approx(took, rel=5e-3)
    assert written["pictures"][picture_name(1.0, SETTLED)]["stage"] == "thumbnail"
    rates = figure(written, many_group(1.0), "all cores, rate")["p50"]
    assert float(rate.split()[-5]) == pytest.approx(rates, rel=5e-3)
    peak = max(f["p50"] for f in written["figures"] if f["name"] == PEAK_MEMORY)
    assert f"needs up to {peak:.0f} MB" in memory
    assert network.startswith("MobileNetV2 is left out: ")
    assert re.search("--mobilenet FILE.tflite|run: python -m pip install", network)


def test_a_thumbnail_that_settles_nothing_is_told() -> None:
    photos = [picture_name(12.0, kind) for kind in (FACE, NO_FACE, SETTLED)]
    figures = [
        *(Figure(name, WHOLE, "ms", 10.0 + n, 20.0) for n, name in enumerate(photos)),
        *(Figure(name, AFTER_DECODING, "ms", 3.0, 4.0, 0.3, 0.75) for name in photos),
        *(Figure(name, MOBILENET, "ms", 4.0, 5.0) for name in photos),
        *(Figure(name, "peak memory, imports alone", "MB", 50.0, 50.0) for name in photos),
        *(Figure(name, PEAK_MEMORY, "MB", 80.0 + n, 80.0) for n, name in enumerate(photos)),
        Figure(many_group(12.0), "all cores, rate", "photos/s", 123.4, 130.0),
    ]
    facts = {photo: {"stage": "pixels"} for photo in photos}
    assert list(summarise(figures, facts, [12.0])) == [
        "A 12-MP photo takes 10 ms here with a face, 11 ms without, and 12 ms with a thumbnail "
        "that leaves it in doubt.",
        "All cores together check 123 such photos a second.",
        "MobileNetV2 would add 4 ms to the decoding; what comes after it here takes 0.75 times "
        "that with a face and 0.75 times without.",
        "A process that checks one photo needs up to 82 MB, 50 MB of them for Python, OpenCV, "
        "numpy and Pillow alone.",
    ]


def test_how_long_it_takes_is_told_before_and_after(measured: tuple[str, Path]) -> None:
    lines = measured[0].splitlines()
    before = [n for n, line in enumerate(lines) if line.startswith("This takes about ")]
    after = [n for n, line in enumerate(lines) if line.startswith("It took ")]
    pictures = [n for n, line in enumerate(lines) if line.startswith("1 MP, ")]
    assert before < pictures < after
    expected = lines[before[0]].split(", if")[0].removeprefix("This takes about ")
    assert lines[after[0]].endswith(f"; {expected} were expected.")


def test_the_expected_time_grows_with_what_is_asked_for() -> None:
    """Work it out by hand for a device on which everything takes a second."""
    costs = Costs(drawing=1.0, decoding=1.0, judging=1.0, process=1.0)
    photos = 7 * (12 + 1)  # drawn, and one process each for its memory
    rounds = 16 * (7 * (12 + 1) + 2)  # one more that warms up; two processes start
    batches = 6 * (2 * 12 * (12 + 1) + 1)
    assert expected_seconds(costs, [12.0], 15) == photos + rounds + batches
    assert expected_seconds(costs, [12.0, 12.0], 15) == 2 * (photos + rounds + batches)


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.3, "5 seconds"), (62.0, "60 seconds"), (100.0, "2 minutes")]
)
def test_a_time_is_told_as_precisely_as_it_deserves(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


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
    monkeypatch.undo()

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


def without(package: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command where a package is not installed."""
    code = (
        "import importlib.util, sys\n"
        "real = importlib.util.find_spec\n"
        f"sys.modules[{package!r}] = None\n"
        f"importlib.util.find_spec = lambda n, *a: None if n == {package!r} else real(n, *a)\n"
        "from classicselfie.cli import main\n"
        f"sys.exit(main(['bench', *{arguments!r}]))"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("package", "arguments"),
    [
        *((name, ()) for name in ("cpuinfo", "joblib", "psutil", "tqdm")),
        ("ai_edge_litert", ("--mobilenet", "some.tflite")),
    ],
)
def test_a_missing_extra_names_its_command(package: str, arguments: tuple[str, ...]) -> None:
    done = without(package, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"classicselfie: {package} is not installed; run: {install_command('bench')}\n"
    )


def test_without_its_runtime_mobilenet_is_left_out_in_one_line() -> None:
    done = without("ai_edge_litert", "--sizes", "0.5", "--repetitions", "1")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith(
        "\nMobileNetV2 is left out: ai_edge_litert is not installed; "
        f"run: {install_command('bench')}\n"
    )


def test_comparing_needs_no_extra(measured: tuple[str, Path]) -> None:
    for package in ("cpuinfo", "psutil", "tqdm"):
        done = without(package, "--compare", str(measured[1]), str(measured[1]))
        assert (done.returncode, done.stderr) == (0, "")


def test_a_file_of_version_0_2_is_compared(measured: tuple[str, Path], tmp_path: Path) -> None:
    """What only that version told is told of one side."""
    older = {
        "schema": 1,
        "made": "2025-01-01T00:00:00+00:00",
        "settings": {"detector": "yunet", "sizes": [1.0], "repetitions": 2, "processes": {}},
        "device": {"model": "Raspberry Pi 4 Model B Rev 1.4", "governor": "ondemand"},
        "before": {"throttling": None},
        "after": {"throttling": None},
        "pictures": {},
        "left_out": ["all cores: joblib is not installed"],
        "figures": [
            {
                "group": picture_name(1.0, FACE),
                "name": EIGHTH,
                "unit": "ms",
                "p50": 2.0,
                "p95": 3.0,
                "to_eighth": 1.0,
                "to_mobilenet": None,
            }
        ],
    }
    path = tmp_path / "older.json"
    path.write_text(json.dumps(older), encoding="utf-8")
    done = run("--compare", path, measured[1])
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"governor +ondemand in A, not told in B", done.stdout)
    assert f"only in B: {picture_name(1.0, FACE)}, {WHOLE}" in done.stdout
    assert re.search(rf"^  {EIGHTH} +\d+\.\d\d +\d+\.\d\d +1\.00$", done.stdout, re.MULTILINE)


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
    printed = capsys.readouterr().out
    assert "/ MobileNetV2" in printed
    assert "\nMobileNetV2 would add " in printed
    assert "left out" not in printed


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


def test_the_device_is_described_by_the_libraries(written: dict[str, Any]) -> None:
    facts, before = written["device"], written["before"]
    assert facts["cores"] == psutil.cpu_count()
    assert facts["memory (MB)"] == round(psutil.virtual_memory().total / 1e6)
    assert facts["OpenCV"] == cv2.__version__
    assert facts.keys() >= {"processor", "highest frequency (MHz)", "system"}
    assert 0 < before["free memory (MB)"] < facts["memory (MB)"]
    assert "frequency (MHz)" in before


def test_what_the_system_does_not_tell_is_not_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    """psutil lacks a function on one system, raises on another, and returns nothing on a third."""

    def refuse() -> None:
        raise NotImplementedError

    monkeypatch.delattr(psutil, "sensors_temperatures", raising=False)
    monkeypatch.setattr(psutil, "getloadavg", refuse)
    monkeypatch.setattr(psutil, "cpu_freq", lambda: None)
    monkeypatch.setattr(device.cpuinfo, "get_cpu_info", dict)
    facts = {**device.describe_device(), **device.describe_moment()}
    for fact in (
        "processor",
        "highest frequency (MHz)",
        "frequency (MHz)",
        "highest temperature (°C)",
        "load of the last minute",
    ):
        assert facts[fact] is None
    assert re.search("^  processor +not told$", "\n".join(told(facts)), re.MULTILINE)


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="only Linux inherits it")
def test_peak_memory_is_not_the_parents() -> None:
    held = np.ones(300_000_000, np.uint8)
    code = "from classicselfie.benchmark.memory import peak_memory_bytes as p; print(p())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert int(done.stdout) < 100_000_000 < held.nbytes
    assert peak_memory_bytes() > held.nbytes


def test_peak_memory_remembers_what_was_given_back() -> None:
    code = (
        "from classicselfie.benchmark.memory import peak_memory_bytes as p\n"
        "import numpy as np, psutil\n"
        "held = np.ones(200_000_000, np.uint8)\n"
        "del held\n"
        "print(psutil.Process().memory_info().rss, p())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    now, peak = map(int, done.stdout.split())
    assert now < 200_000_000 < peak


def test_the_ratios_are_printed_of_drawn_photos_too() -> None:
    """Without real photos there are two columns; the parts of a check add up to all of it."""
    pytest.importorskip("sklearn", reason="the extra train is not installed")
    script = [sys.executable, str(ROOT / "bench" / "ratios.py"), "--photos", "1", "--rounds", "1"]
    done = subprocess.run(
        script,
        capture_output=True,
        check=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    rows = [re.split(r" *\| *", line)[1:-1] for line in done.stdout.splitlines() if "|" in line]
    table = {name: cells for name, *cells in rows}
    assert table[""] == ["drawn, a face", "drawn, no face"]
    assert table["photos"] == ["1", "1"]
    stages = ("faces", "skin", "features", "score", "reasons")
    for column in (0, 1):
        shares = [float(table[f"share of {stage}"][column].rstrip("%")) for stage in stages]
        assert sum(shares) == pytest.approx(100, abs=3)
        groups = [float(table[f"share of features: {g.name}"][column].rstrip("%")) for g in GROUPS]
        assert sum(groups) == pytest.approx(shares[2], abs=len(GROUPS) / 2 + 1)  # rounded each
    assert f"{AFTER_DECODING} / {MOBILENET}" not in table
    assert "check_many, two processes / one: " in done.stdout
