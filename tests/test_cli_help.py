"""What everybody meets first: help, words that are no command, colours, how much is told."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import shlex
import shutil
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from commands import call

from classicselfie.cli import COMMANDS, make_parser
from classicselfie.cli.options import DOCUMENTS, Code

ROOT = Path(__file__).parents[1]
COMMAND = [sys.executable, "-m", "classicselfie"]


@pytest.fixture
def folder(person_jpeg: bytes, tmp_path: Path) -> Path:
    """A folder with a photo of a drawn person."""
    (tmp_path / "me.jpg").write_bytes(person_jpeg)
    return tmp_path


# --- help


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_ends_with_examples_that_work_and_says_where_to_read_on(command: str) -> None:
    told = call(*([command] if command else []), "--help").stdout
    examples, _, rest = told.partition("\nexamples:\n")[2].partition("\n\n")
    lines = [line.strip() for line in examples.splitlines() if not line.startswith("  #")]
    assert 2 <= len(lines) <= 4
    for line in lines:
        words = shlex.split(re.split(r" [<>|] ", line)[0])
        assert words[0] == "classicselfie"
        if words[1] not in COMMANDS:
            words.insert(1, "scan" if words[1].endswith("/") else "check")
        make_parser().parse_args(words[1:])
    codes = {int(line.split()[0]) for line in re.findall(r"^  \d+ .*", rest, re.MULTILINE)}
    assert codes >= {0, 2, 3, 4, 130, 141}
    page = rest.rstrip().rpartition("\n\nMore about it: ")[2]
    assert page == DOCUMENTS + (f"commands/{command}.md" if command else "command-line.md")
    if (ROOT / "docs" / "commands").is_dir() and "://" not in DOCUMENTS:
        assert (ROOT / page).is_file()


def test_alone_it_shows_its_help_and_answers_nothing() -> None:
    done = call()
    assert done.stdout == call("--help").stdout
    assert done.returncode == Code.USAGE  # 0 would say that no photo looks like a selfie


# --- words that are no command


def test_photos_and_folders_need_no_command(folder: Path) -> None:
    alone, checked = (call(*words, folder / "me.jpg") for words in ([], ["check"]))
    assert (alone.stdout, alone.returncode) == (checked.stdout, checked.returncode)
    several = call("me.jpg", "me.jpg", "--json", "--no-config", cwd=folder)
    assert [json.loads(line)["path"] for line in several.stdout.splitlines()] == ["me.jpg"] * 2
    read = call("-", stdin=(folder / "me.jpg").read_bytes())
    assert read.stdout.startswith("-: ")
    pytest.importorskip("tqdm", reason="the extra scan is not installed")
    call(folder, "--to", folder / "r.csv", "--jobs", 1)
    assert (folder / "r.csv").read_text().count("me.jpg") == 1
    mixed = call(folder / "me.jpg", folder, "--jobs", 1)
    assert json.loads(mixed.stdout.splitlines()[0])["label"]


def test_what_is_neither_command_nor_file_is_told_with_what_is_near(folder: Path) -> None:
    for word, near in (("scna", "scan"), ("mee.jpg", "me.jpg"), ("xyzzy", "classicselfie --help")):
        done = call(word, cwd=folder)
        assert (done.returncode, done.stdout) == (Code.USAGE, "")
        assert done.stderr.startswith(f"classicselfie: there is no such command or file: {word}; ")
        assert near in done.stderr
        assert done.stderr.count("\n") == 1


def test_check_says_what_to_do_with_a_folder(folder: Path) -> None:
    holiday = folder / "my holiday"
    holiday.mkdir()
    done = call("check", holiday, folder / "me.jpg")
    assert done.returncode == Code.UNKNOWN
    first, second = done.stdout.splitlines()
    assert first.endswith(f"run: classicselfie scan '{holiday}'.")
    assert second.startswith(f"{folder / 'me.jpg'}: ")


# --- colours


def on_terminal(*arguments: object, stream: str = "stdout", **environment: str) -> str:
    """Run a command of which a stream is a terminal; return what that shows."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 24, 100, 0, 0))
    kept = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR", "TERM")}
    subprocess.run(
        [*COMMAND, *map(str, arguments)],
        check=False,
        env={**kept, "TERM": "xterm", **environment},
        **{"stdout": subprocess.DEVNULL, stream: theirs},
    )
    os.close(theirs)
    shown = b""
    try:
        while block := os.read(ours, 65536):
            shown += block
    except OSError:  # how Linux tells the end
        pass
    os.close(ours)
    return shown.decode()


def test_the_pile_is_coloured_on_a_terminal_and_nowhere_else(folder: Path) -> None:
    photo = folder / "me.jpg"
    shown = on_terminal("check", photo)
    assert re.search(r"me\.jpg: \x1b\[3\dm[A-Z][a-z ]+\x1b\[0m \(", shown)
    plain = call("check", photo).stdout
    assert re.sub(r"\x1b\[\d+m", "", shown).replace("\r\n", "\n") == plain
    assert "\x1b" not in plain
    assert "\x1b" not in on_terminal("check", photo, NO_COLOR="1", FORCE_COLOR="1")
    assert "\x1b" not in on_terminal("check", photo, TERM="dumb")
    assert "\x1b" not in on_terminal("check", "--json", photo)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FORCE_COLOR", "1")
        assert "\x1b[3" in call("check", photo).stdout
        assert "\x1b" not in call("check", "--json", photo).stdout


# --- how much is told


def test_quiet_leaves_errors_json_and_the_exit_code(folder: Path) -> None:
    photo = folder / "me.jpg"
    for words, code in (
        (["check", "--threshold", "0", photo], Code.SELFIE),
        (["check", folder / "missing.jpg"], Code.UNKNOWN),
        (["quality", photo], Code.DONE),
        (["crop", photo, "-o", folder / "crop.jpg"], Code.DONE),
    ):
        done = call(*words, "--quiet")
        assert (done.returncode, done.stdout, done.stderr) == (code, "", ""), words
    assert json.loads(call("check", "-q", "--json", photo).stdout)["path"] == str(photo)
    wrong = call("check", "-q", "--weights", folder / "missing.json", photo)
    assert (wrong.returncode, wrong.stderr.count("\n")) == (Code.USAGE, 1)
    # The next command of the same process tells what it has to tell.
    assert call("check", photo).stdout


def test_quiet_shows_no_bar_and_no_summary(folder: Path) -> None:
    pytest.importorskip("tqdm", reason="the extra scan is not installed")
    for option, told in (("-q", ""), ("--threshold=strict", "1 photos: ")):
        done = call("scan", folder, "--jobs", 1, option)
        assert len(done.stdout.splitlines()) == 1
        assert done.stderr[: len("1 photos: ")] == told
    words = ("scan", folder, "--jobs", 1)
    assert "1/1" in on_terminal(*words, stream="stderr")
    assert on_terminal(*words, "-q", stream="stderr") == ""


def test_verbose_tells_on_stderr_what_was_read_and_how_long_it_took(folder: Path) -> None:
    done = call("check", "-v", folder / "me.jpg")
    assert done.stdout == call("check", folder / "me.jpg").stdout
    weights, photo, whole = done.stderr.splitlines()
    assert weights.startswith("weights classicselfie-yunet-")
    assert re.search(r"me\.jpg: answered by the pixels, milliseconds: open \d", photo)
    assert re.fullmatch(r"\d+\.\d\d s in all", whole)
    assert call("quality", "-v", folder / "me.jpg").stderr.endswith(" s in all\n")
    both = call("check", "-q", "-v", folder / "me.jpg")
    assert both.returncode == Code.USAGE


# --- exit codes


def test_one_scheme_of_exit_codes(folder: Path) -> None:
    """What a photo, a file or an output does is told alike by every command that meets it."""
    torn, gone = folder / "torn.jpg", folder / "gone.jpg"
    torn.write_bytes(b"no photo")
    out = folder / "out"
    named = {
        "check": ["check"],
        "quality": ["quality"],
        "crop": ["crop", "-o", f"{out}.jpg"],
        "explain": ["explain", "-o", f"{out}.png"],
    }
    for name, words in named.items():
        if name == "explain":
            pytest.importorskip("skimage", reason="the extra explain is not installed")
        for photo in (torn, gone):
            assert call(name, photo, *words[1:]).returncode == Code.UNKNOWN, (name, photo)
    for words in (["check", "--weights", gone], ["quality", "--weights", gone]):
        assert call(*words, folder / "me.jpg").returncode == Code.USAGE, words
    for words in (
        ["crop", folder / "me.jpg", "-o", folder / "me.jpg"],
        ["train", gone, "-o", f"{out}.json"],
        ["evaluate", gone, "-o", f"{out}.html"],
        ["train-ratings", gone, "-o", f"{out}.json"],
        ["explore", gone, "-o", out],
        ["scan", gone],
        ["scan", folder, "--to", gone],
        ["export", torn],
        ["bench", "--compare", gone, gone],
        ["serve", "--max-bytes", "0"],
        ["doctor", "--config"],
    ):
        done = call(*words)
        assert done.returncode == Code.USAGE, (words, done.stderr)
    assert set(named) | {"train", "evaluate", "train-ratings", "explore", "scan", "export"} | {
        "bench",
        "serve",
        "doctor",
    } == set(COMMANDS)


# --- completion


def test_a_real_bash_completes_commands_options_and_choices(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("argcomplete", reason="the extra completion is not installed")
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is not installed")
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "classicselfie"
    program.write_text(f'#!/bin/sh\nexec {shlex.join(COMMAND)} "$@"\n')
    program.chmod(0o755)
    register = [sys.executable, "-m", "argcomplete.scripts.register_python_argcomplete"]

    def complete(line: str) -> set[str]:
        script = (
            f'eval "$({shlex.join(register)} classicselfie)"\n'
            f"COMP_LINE={shlex.quote(line)} COMP_POINT=${{#COMP_LINE}} COMP_TYPE=9\n"
            "read -ra COMP_WORDS <<< \"$COMP_LINE\"; [[ $COMP_LINE == *' ' ]] && COMP_WORDS+=('')\n"
            "COMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n"
            "_python_argcomplete classicselfie 2>/dev/null\n"
            'printf "%s\\n" "${COMPREPLY[@]}"'
        )
        path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            [bash, "--norc", "-c", script],
            capture_output=True,
            text=True,
            cwd=folder,
            env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)},
            check=True,
        )
        return {word.strip() for word in done.stdout.splitlines()} - {""}

    assert set(COMMANDS) <= complete("classicselfie ")
    assert complete("classicselfie sc") == {"scan"}
    assert {"--threshold", "--json", "--verbose"} <= complete("classicselfie check --")
    assert complete("classicselfie check --detector ") == {"yunet", "haar"}
    assert "me.jpg" in complete("classicselfie check m")
