"""What commands print and write arrives whole and steers nothing, or its loss is told.

An exit code is an answer, and 1 means "selfie": whatever goes wrong must never be taken for it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import encode

from classicselfie.benchmark.drawing import draw_person
from classicselfie.benchmark.figures import Figure, write_run
from classicselfie.cli import main
from classicselfie.errors import OutputError, TargetError
from classicselfie.files import refuse_targets, replacing, write_files
from classicselfie.names import path_of, printable, text_of

resource = pytest.importorskip("resource", reason="Windows closes no streams and limits no files")

FAILED, INTERRUPTED, READER_GONE = 4, 130, 141
COMMAND = [sys.executable, "-m", "classicselfie"]
# As most people run it: what is printed may fail as late as at Python's own end.
BUFFERED = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
# A name that would clear the screen, begin a line of its own and turn the direction of writing.
HOSTILE = "a\x1b[2J\nb.jpg: looks like a selfie\u202e\u2028.jpg"
ESCAPED = r"a\x1b[2J\nb.jpg: looks like a selfie\u202e\u2028.jpg"


def run(
    *arguments: object, cwd: Path | None = None, shell: str = 'exec "$@"', **more: Any
) -> subprocess.CompletedProcess[bytes]:
    """Run a command from a shell, which can close its streams and take its folder away."""
    command = ["sh", "-c", shell, "sh", *COMMAND, *(os.fsencode(str(a)) for a in arguments)]
    options = {"capture_output": True, "env": BUFFERED, **more}
    return subprocess.run(command, cwd=cwd, check=False, timeout=120, **options)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, person_jpeg: bytes) -> Path:
    """A folder with a photo and two runs of the benchmark."""
    folder = tmp_path_factory.mktemp("place")
    (folder / "photos").mkdir()
    (folder / "photos" / "person.jpg").write_bytes(person_jpeg)
    about = {"made": "today", "settings": {}, "device": {}}
    write_run(about, [Figure("a", "b", "ms", 1.0, 2.0)], folder / "run.json")
    return folder


LOSSES = {"closed": 'exec "$@" >&-'}
if Path("/dev/full").exists():
    LOSSES["full"] = 'exec "$@" >/dev/full'
PRINTING: dict[str, Sequence[str]] = {
    "--version": ["--version"],
    "--help": ["--help"],
    "check": ["check", "photos/person.jpg"],
    "check --json": ["check", "--json", "photos/person.jpg", "missing.jpg"],
    "quality": ["quality", "photos/person.jpg"],
    "quality --json": ["quality", "--json", "missing.jpg"],
    "explain": ["explain", "photos/person.jpg", "-o", "OUT.png"],
    "crop": ["crop", "photos/person.jpg", "-o", "OUT.jpg"],
    "crop --json": ["crop", "--json", "photos/person.jpg", "-o", "OUT.jpg"],
    "explore": ["explore", "photos", "-o", "OUT", "--jobs=1"],
    "scan": ["scan", "photos", "--jobs=1"],
    "bench --compare": ["bench", "--compare", "run.json", "run.json"],
}


@pytest.mark.parametrize("command", PRINTING)
def test_what_is_printed_arrives_or_its_loss_is_told(
    command: str, place: Path, tmp_path: Path
) -> None:
    def lost(name: str, shell: str) -> subprocess.CompletedProcess[bytes]:
        arguments = [each.replace("OUT", str(tmp_path / name)) for each in PRINTING[command]]
        return run(*arguments, cwd=place, shell=shell)

    is_slow = command in ("explain", "explore")
    for name, shell in list(LOSSES.items())[: 1 if is_slow else None]:
        done = lost(name, shell)
        assert done.returncode == FAILED, name
        last = done.stderr.decode().splitlines()[-1]
        assert last.startswith("classicselfie: the standard output cannot be written: "), name
        assert b"Traceback" not in done.stderr
        assert done.stderr.count(b"\n") == 1
    if is_slow:
        return
    # A pipe whose reader is gone already: no word, and no code that is an answer.
    for name, environment in (("late", BUFFERED), ("soon", BUFFERED | {"PYTHONUNBUFFERED": "1"})):
        reading, writing = os.pipe()
        os.close(reading)
        arguments = [each.replace("OUT", str(tmp_path / name)) for each in PRINTING[command]]
        streams = {"capture_output": False, "stdout": writing, "stderr": subprocess.PIPE}
        done = run(*arguments, cwd=place, env=environment, **streams)
        os.close(writing)
        assert (done.returncode, done.stderr) == (READER_GONE, b""), name


@pytest.mark.parametrize("shell", [each.replace(">", "2>") for each in LOSSES.values()])
def test_without_a_standard_error_the_output_and_the_code_stay_right(
    shell: str, place: Path
) -> None:
    done = run("check", "--weights", "none.json", "photos/person.jpg", cwd=place, shell=shell)
    assert (done.returncode, done.stdout) == (2, b"")
    done = run("check", "--threshold=1", "photos/person.jpg", cwd=place, shell=shell)
    assert (done.returncode, done.stdout.count(b"\n")) == (0, 1)
    done = run("check", "--no-such-option", "a.jpg", cwd=place, shell=shell)
    assert (done.returncode, done.stdout) == (2, b"")


def test_a_closed_stream_is_not_taken_for_a_file(place: Path, tmp_path: Path) -> None:
    """The next file that is opened would get the number of a closed standard output."""
    arguments = ("crop", "photos/person.jpg", "-o", tmp_path / "crop.png")
    done = run(*arguments, cwd=place, shell='exec "$@" <&- >&- 2>&-')
    assert done.returncode == FAILED
    assert (tmp_path / "crop.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["check", "person.jpg"], 3),
        (["quality", "person.jpg"], 3),
        (["crop", "person.jpg", "-o", "crop.jpg"], 2),
        (["explain", "person.jpg"], 2),
        (["explore", ".", "-o", "gallery"], FAILED),
        (["scan", ".", "--to", "r.csv"], 2),
        (["scan", "."], FAILED),
        (["bench", "--json", "run.json"], 2),
        (["train", "manifest.csv", "-o", "w.json"], 2),
    ],
)
def test_a_working_folder_that_is_gone_is_one_line(
    arguments: list[str], code: int, tmp_path: Path
) -> None:
    (tmp_path / "gone").mkdir()
    done = run(*arguments, cwd=tmp_path / "gone", shell='rmdir ../gone && exec "$@"')
    assert done.returncode == code
    told = (done.stdout + done.stderr).decode()
    assert told.count("\n") == 1
    assert re.search("cannot be read|does not exist|cannot be written|is no folder", told)
    assert not list(tmp_path.iterdir())


def test_ctrl_c_is_one_line(place: Path) -> None:
    with subprocess.Popen(
        [*COMMAND, "check", *["photos/person.jpg"] * 400],
        cwd=place,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == INTERRUPTED
        assert process.stderr.read() == b"classicselfie: interrupted\n"


@pytest.mark.parametrize(
    ("error", "line"),
    [
        ("MemoryError()", "there is not enough memory"),
        (
            "RuntimeError('one\\ntwo')",
            r"this should not have happened: RuntimeError('one\ntwo')",
        ),
        ("OSError(24, 'Too many open files')", "the system says: [Errno 24] Too many open files"),
        ("BrokenPipeError(32, 'a worker')", "the system says: [Errno 32] a worker"),
    ],
)
def test_what_nobody_foresaw_is_one_line_and_no_answer(error: str, line: str, place: Path) -> None:
    code = (
        "import sys\n"
        "from classicselfie import SelfieDetector\n"
        "from classicselfie.cli import main\n"
        f"def check(*_):\n    raise {error}\n"
        "SelfieDetector.check = check\n"
        "sys.exit(main(['check', 'photos/person.jpg']))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=place, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (FAILED, b"")
    assert done.stderr.decode() == f"classicselfie: {line}\n"
    # Whoever looks for the cause sees where it came from.
    seen = subprocess.run(
        [sys.executable, "-X", "dev", "-c", code], cwd=place, capture_output=True, check=False
    )
    assert seen.returncode == FAILED
    assert (b"in check" in seen.stderr) == ("Memory" not in error)


# Names


@pytest.fixture
def hostile(tmp_path: Path, person_jpeg: bytes) -> Path:
    (tmp_path / "photos").mkdir()
    path = tmp_path / "photos" / HOSTILE
    path.write_bytes(person_jpeg)
    return path


def test_a_name_steers_no_terminal_and_adds_no_line(hostile: Path, tmp_path: Path) -> None:
    torn = hostile.with_name(f"torn {HOSTILE}")
    torn.write_bytes(b"no photo")
    for arguments, stream in (
        (["check", hostile], "stdout"),
        (["quality", hostile], "stdout"),
        (["explain", hostile, "-o", tmp_path / "why.png"], "stdout"),
        (["crop", hostile, "-o", tmp_path / "crop.jpg"], "stdout"),
        (["crop", hostile, "-o", hostile], "stderr"),
        (["explore", hostile.parent, "-o", tmp_path / "gallery", "--jobs=1"], "stderr"),
        (["check", "--threshold", HOSTILE, hostile], "stderr"),
        (["train", hostile, "-o", tmp_path / "w.json"], "stderr"),
        (["train-ratings", hostile, "-o", tmp_path / "w.json"], "stderr"),
    ):
        done = run(*arguments)
        told = getattr(done, stream).decode()
        assert ESCAPED in told, (arguments, done)
        both = (done.stdout + done.stderr).decode()
        assert not set(both) & set("\x1b\u202e\u2028"), arguments[0]
        # The name begins no line: what stands in it cannot pass for a verdict.
        assert not any(line.startswith("b.jpg: ") for line in both.splitlines()), arguments[0]
    done = run("check", "--no\x1b[2J", hostile)
    assert (done.returncode, b"\x1b" in done.stderr) == (2, False)
    page = (tmp_path / "gallery" / "data.js").read_text(encoding="ascii")
    assert json.dumps(ESCAPED) in page


def test_a_name_that_is_no_text_leads_back_to_its_file(person_jpeg: bytes, tmp_path: Path) -> None:
    environment = {"PYTHONIOENCODING": "ascii:strict", "LC_ALL": "C"}
    photo = tmp_path / os.fsdecode(b"caf\xe9 \xc3\xa9.jpg")
    try:
        photo.write_bytes(person_jpeg)
    except OSError:
        pytest.skip("this file system wants names in UTF-8")
    crop, page = tmp_path / os.fsdecode(b"cr\xf6p.jpg"), tmp_path / os.fsdecode(b"p\xe4ge.html")
    for arguments in (
        ["check", photo],
        ["check", "--json", photo],
        ["quality", photo],
        ["quality", "--json", photo],
        ["explain", "--json", photo, "-o", page],
        ["crop", photo, "-o", crop],
        ["crop", "--json", photo, "-o", crop, "--force"],
    ):
        done = run(*arguments, env={**BUFFERED, **environment})
        assert done.stderr == b"", arguments
        (line,) = done.stdout.decode().splitlines()
        if "--json" not in arguments:
            assert r"caf\xe9" in line
            continue
        answer = json.loads(line)
        answer["path"].encode()  # text, without halves of letters
        assert path_of(answer["path"]) == str(photo)
        if "output" in answer:
            assert path_of(answer["output"]) == str(crop)


def test_printable_keeps_what_people_write() -> None:
    for name in ("Ünïcode – 写真.jpg", "نمی‌خواهم.jpg", "👩‍👩‍👧.jpg", "Screenshot 1.00\u202fPM.png"):
        assert printable(name) == name
    assert printable("\ud800\x00\x9b\u2067\ufeff") == r"\ud800\x00\x9b\u2067\ufeff"
    assert text_of("\ud800.jpg") == r"\ud800.jpg"  # no file can have that name


# Files


FULL_AT = 20_000  # bytes


# For a process that is to come, let the disk be full after 20 kB; sh counts blocks of 512 bytes.
SMALL_FILES_ONLY = f'ulimit -f {FULL_AT // 512} && exec "$@"'


@contextmanager
def full_disk() -> Iterator[None]:
    """For this process, let the disk be full after 20 kB."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (FULL_AT, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


WRITING: dict[str, Sequence[str]] = {
    "crop": ["crop", "PHOTO", "-o", "crop.png"],
    # The crop would fit, the sheet does not.
    "crop --sheet": ["crop", "PHOTO", "-o", "crop.jpg", "--sheet", "sheet.png"],
    "explain": ["explain", "PHOTO", "-o", "why.png", "why.html"],
    "explore": ["explore", "photos", "-o", "gallery", "--jobs=1"],
}


@pytest.mark.parametrize("command", WRITING)
def test_a_full_disk_leaves_no_half_file(command: str, tmp_path: Path) -> None:
    photo = tmp_path / "photos" / "person.png"
    photo.parent.mkdir()
    photo.write_bytes(encode(draw_person(480, 640), ".png"))
    arguments = [each.replace("PHOTO", str(photo)) for each in WRITING[command]]
    done = run(*arguments, cwd=tmp_path, shell=SMALL_FILES_ONLY)
    assert done.returncode == FAILED
    last = done.stderr.decode().splitlines()[-1]
    assert last.startswith("classicselfie: ")
    assert "cannot be written: " in last
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photos"]
    # With room the same command writes all of them.
    assert run(*arguments, cwd=tmp_path).returncode == 0
    # What is there stays as it was when it cannot be replaced.
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    done = run(*arguments, "--force", cwd=tmp_path, shell=SMALL_FILES_ONLY)
    assert done.returncode == FAILED
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}


REFUSING: dict[str, tuple[Sequence[str], Sequence[str]]] = {
    "train": (
        ["train", "m.csv", "-o", "mine.json"],
        ["mine.json", "mine.md", "mine.report.html", "mine.report.html.json"],
    ),
    "evaluate": (["evaluate", "m.csv", "-o", "r.html"], ["r.html", "r.html.json"]),
    "train-ratings": (["train-ratings", "r.csv", "-o", "mine.json"], ["mine.json"]),
    "explain": (
        ["explain", "photos/person.jpg"],
        ["photos/person.jpg.why.png", "photos/person.jpg.why.html"],
    ),
    "crop": (
        ["crop", "photos/person.jpg", "-o", "crop.jpg", "--sheet", "sheet.jpg"],
        ["crop.jpg", "sheet.jpg"],
    ),
    "bench": (["bench", "--json", "bench.json"], ["bench.json"]),
}


@pytest.mark.parametrize("command", REFUSING)
def test_nothing_is_replaced_unasked(
    command: str,
    place: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments, targets = REFUSING[command]
    for target in targets:
        work = tmp_path / target.replace("/", "_")
        shutil.copytree(place, work)
        (work / "m.csv").write_text("path,label\na.jpg,selfie\nb.jpg,other\n")
        (work / "r.csv").write_text("path,rating\na.jpg,3\n")
        (work / target).write_text("mine")
        before = {path: path.read_bytes() for path in work.rglob("*") if path.is_file()}
        monkeypatch.chdir(work)
        assert main(arguments) == 2, target
        (line,) = capsys.readouterr().err.splitlines()
        assert f"{target} exists already" in line
        assert "--force" in line
        assert before == {path: path.read_bytes() for path in work.rglob("*") if path.is_file()}


def test_force_replaces_anything_but_the_photo(place: Path, tmp_path: Path) -> None:
    photo, link = tmp_path / "person.jpg", tmp_path / "link.jpg"
    shutil.copy(place / "photos" / "person.jpg", photo)
    link.symlink_to(photo)
    (tmp_path / "crop.jpg").write_text("older")
    done = run("crop", "person.jpg", "-o", "crop.jpg", "--force", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "crop.jpg").read_bytes().startswith(b"\xff\xd8")
    before = photo.read_bytes()
    for target in (photo, link):
        done = run("crop", photo, "-o", target, "--force")
        assert done.returncode == 2
        assert b"is the photo itself" in done.stderr
    assert photo.read_bytes() == before


def test_files_that_belong_together_are_all_there_or_none(tmp_path: Path) -> None:
    first, second, missing = tmp_path / "a", tmp_path / "b", tmp_path / "none" / "c"
    write_files({first: b"one", second: b"two"})
    assert (first.read_bytes(), second.read_bytes()) == (b"one", b"two")
    third = tmp_path / "c"
    for taken in (second, missing, tmp_path, tmp_path / ("x" * 300), tmp_path / "\0"):
        with pytest.raises(TargetError, match=r"exists already|cannot be written: "):
            write_files({third: b"three", taken: b"four"})
    with pytest.raises(TargetError, match="no regular file"):
        refuse_targets([Path(os.devnull)], force=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_what_comes_to_lie_there_meanwhile_is_kept(tmp_path: Path) -> None:
    place = tmp_path / "crop.jpg"

    def write() -> None:
        with replacing(place, force=False) as (part,):
            part.write_bytes(b"ours")
            place.write_bytes(b"somebody else's")

    with pytest.raises(FileExistsError):
        write()
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == {place: b"somebody else's"}


def test_no_room_for_one_leaves_none(tmp_path: Path) -> None:
    card, weights = tmp_path / "mine.md", tmp_path / "mine.json"
    files = {card: b"small", weights: bytes(2 * FULL_AT)}
    with full_disk(), pytest.raises(OutputError, match=r"mine\.md and .*mine\.json cannot be"):
        write_files(files)
    assert list(tmp_path.iterdir()) == []
    card.write_bytes(b"older")
    weights.write_bytes(b"older")
    with full_disk(), pytest.raises(OutputError, match="cannot be written: "):
        write_files(files, force=True)
    assert {path.read_bytes() for path in tmp_path.iterdir()} == {b"older"}
    write_files(files, force=True)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == files


def test_a_cache_without_room_is_told(tmp_path: Path) -> None:
    pytest.importorskip("sklearn", reason="the extra train is not installed")
    from classicselfie.training.dataset import FeatureCache

    with FeatureCache(tmp_path / "cache", "yunet") as cache:
        cache.put("a", np.zeros(100, np.float32))
        with full_disk(), pytest.raises(OutputError, match=r"cache .* cannot be written: "):
            cache.put("b", np.zeros(FULL_AT, np.float32))


def test_a_file_that_is_replaced_keeps_its_rights_and_its_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_bytes(b"old")
    real.chmod(0o600)
    link.symlink_to(real)
    write_files({link: b"new"}, force=True)
    assert link.is_symlink()
    assert real.read_bytes() == b"new"
    assert stat.S_IMODE(real.stat().st_mode) == 0o600


def test_an_output_that_fails_is_no_wrong_usage() -> None:
    assert not issubclass(OutputError, TargetError)
    assert not issubclass(TargetError, OutputError)


def test_no_command_prints_past_the_common_way() -> None:
    """A `print` of its own would neither escape names nor notice that nobody reads it."""
    package = Path(__file__).parents[1] / "classicselfie"
    found = {
        path.name
        for path in package.rglob("*.py")
        if re.search(r"^ *print\(", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert found == set()
