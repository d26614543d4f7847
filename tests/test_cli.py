"""The command line, run as people and scripts run it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from classicselfie import SelfieDetector, __version__
from classicselfie.cli import COMMANDS
from classicselfie.extras import install_command

KEYS = {
    "path",
    "label",
    "confidence",
    "probability",
    "threshold",
    "summary",
    "front_camera",
    "reasons",
    "faces",
    "size",
    "stage",
    "timings_ms",
    "model",
    "detail",
}


def run(*arguments: object, stdin: bytes = b"") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "classicselfie", *map(str, arguments)]
    done = subprocess.run(command, input=stdin, capture_output=True, check=False, timeout=120)
    return subprocess.CompletedProcess(
        command, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


def test_a_readable_line_per_photo(person_path: Path) -> None:
    done = run("check", person_path, person_path)
    lines = done.stdout.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith(f"{person_path}: ")
    assert re.search(r"a selfie \(\d+ %[^)]*\)(, because|\. For it:) .+\.$", lines[0])
    assert done.stderr == ""


def test_json_lines_have_the_documented_keys(person_path: Path, detector: SelfieDetector) -> None:
    (line,) = run("check", "--json", person_path).stdout.splitlines()
    answer = json.loads(line)
    assert set(answer) >= KEYS
    verdict = detector.check(person_path)
    assert answer["probability"] == verdict.probability
    assert answer["label"] == verdict.label
    assert (answer["confidence"], answer["threshold"]) == (verdict.confidence, detector.threshold)
    assert answer["summary"] == verdict.summary
    assert answer["path"] == str(person_path)
    assert set(answer["reasons"][0]) == {"signal", "sentence", "contribution"}
    assert set(answer["faces"][0]) == {"bbox", "landmarks", "score"}


def test_stdin_is_a_photo(person_path: Path) -> None:
    done = run("check", "--json", "-", stdin=person_path.read_bytes())
    answer = json.loads(done.stdout)
    assert answer["path"] == "-"
    assert answer["size"] == [480, 640]


@pytest.mark.parametrize("detector", ["yunet", "haar"])
def test_both_detectors_answer(person_path: Path, detector: str) -> None:
    answer = json.loads(run("check", "--json", "--detector", detector, person_path).stdout)
    assert answer["model"].startswith(f"classicselfie-{detector}-")
    assert len(answer["faces"]) == 1


def test_exit_codes(person_path: Path, tmp_path: Path) -> None:
    missing = tmp_path / "missing.jpg"
    assert run("check", "--threshold", "1", person_path).returncode == 0
    assert run("check", "--threshold", "0", person_path).returncode == 1
    assert run("check", "--threshold", "1", person_path, missing).returncode == 3
    assert run("check", "--threshold", "0", person_path, missing).returncode == 1
    assert run("check").returncode == 2
    assert run("check", "--threshold", "lenient", person_path).returncode == 2
    bad = run("check", "--weights", missing, person_path)
    assert bad.returncode == 2
    assert bad.stderr.startswith("classicselfie: the weights ")
    assert bad.stderr.count("\n") == 1


def test_an_unreadable_photo_is_one_line_without_a_traceback(tmp_path: Path) -> None:
    done = run("check", tmp_path / "missing.jpg")
    assert "Cannot be judged: the file cannot be read" in done.stdout
    assert done.stderr == ""


def test_version_and_help_load_no_opencv() -> None:
    for arguments in (
        ["--version"],
        ["--help"],
        ["check", "--help"],
        ["train", "--help"],
        ["bench", "--help"],
        ["serve", "--help"],
        ["scan", "--help"],
        ["explain", "--help"],
        ["quality", "--help"],
        ["train-ratings", "--help"],
        ["crop", "--help"],
        ["explore", "--help"],
        ["doctor", "--help"],
    ):
        code = (
            "import sys\n"
            "from classicselfie.cli import main\n"
            "try:\n"
            f"    main({arguments!r})\n"
            "except SystemExit as stop:\n"
            "    assert stop.code == 0\n"
            "sys.exit('cv2' in sys.modules or 'numpy' in sys.modules)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
        assert done.returncode == 0, arguments
        if arguments == ["--version"]:
            assert done.stdout.decode().strip() == f"classicselfie {__version__}"


def test_a_check_loads_no_other_command_and_no_reader_of_other_formats(tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    Image.new("RGB", (320, 240), "grey").save(photo, dpi=(72, 72))
    code = (
        "import sys\n"
        "from classicselfie.cli import main\n"
        "main(['check', sys.argv[1]])\n"
        "print(*(name for name in sys.modules if name.startswith('PIL.') and 'Plugin' in name\n"
        "        or name.startswith('classicselfie.cli.')))"
    )
    command = [sys.executable, "-c", code, str(photo)]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    said, loaded = done.stdout.splitlines()
    assert "this is not called a selfie" in said
    assert sorted(loaded.split()) == [
        "PIL.JpegImagePlugin",
        "classicselfie.cli.check",
        "classicselfie.cli.options",
    ]


def test_one_command_is_parsed_as_it_is_among_all_of_them() -> None:
    listed = run("--help").stdout
    for name in COMMANDS:
        assert re.search(rf"^    {name}\s", listed, re.MULTILINE), name
        assert run(name, "--help").stdout.startswith(f"usage: classicselfie {name} ")
    assert "no such command or file: chekc; did you mean check?" in run("chekc", "a.jpg").stderr


def test_any_file_name_can_be_printed(person_jpeg: bytes, tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/caf\xe9.jpg"
    try:
        with open(path, "wb") as stream:
            stream.write(person_jpeg)
    except OSError:
        pytest.skip("this file system wants names in UTF-8")
    command = [sys.executable, "-m", "classicselfie", "check"]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii:strict"}
    for options in ([], ["--json"]):
        done = subprocess.run(
            [*command, *options, path], capture_output=True, check=False, env=environment
        )
        assert done.stderr == b""
        assert b"caf" in done.stdout


def test_a_closed_standard_input_is_one_line(person_path: Path) -> None:
    code = "import sys; sys.stdin = None; from classicselfie.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", code, "check", "-"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


def test_a_reader_that_has_seen_enough_gets_no_verdict_over_all(person_path: Path) -> None:
    command = [sys.executable, "-m", "classicselfie", "check", *[str(person_path)] * 40]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        errors = process.stderr.read()
        assert process.wait(60) == 141  # what a shell tells of SIGPIPE
    assert errors == b""


def test_a_missing_extra_names_its_command(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("path,label\na.jpg,selfie\nb.jpg,other\n", encoding="utf-8")
    code = (
        "import importlib.util, sys\n"
        "real = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda n, *a: None if n == 'joblib' else real(n, *a)\n"
        "from classicselfie.cli import main\n"
        "sys.exit(main(['train', *sys.argv[1:]]))"
    )
    command = [sys.executable, "-c", code, tmp_path / "m.csv", "-o", tmp_path / "w.json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == (
        f"classicselfie: joblib is not installed; run: {install_command('train')}\n"
    )
