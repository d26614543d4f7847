"""Every code block of the documents runs as it is written, where a reader would run it.

A block whose language is `sh` runs in a real bash, one of `python` in a real interpreter, both in a
copy of the checkout with the photos that the documents speak of, and with the package installed.
Blocks of one document run one after the other, as they are read. What cannot run says so, and
why, to whoever reads the source:

    <!-- not run: the reason -->
"""

from __future__ import annotations

import csv
import doctest
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sysconfig
import time
import urllib.request
import venv
import zipfile
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from inspect import cleandoc
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import encode, with_exif
from PIL import Image

import classicselfie
from classicselfie.benchmark.drawing import BgrImage, draw_person, draw_scene

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted(
    str(path.relative_to(ROOT))
    for path in (
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "bench").rglob("*.md"),
        *(ROOT / "models").rglob("*.md"),
    )
)
# These print their exit codes as words about photos, not about themselves.
TELLS_LABELS = re.compile(r"\bclassicselfie check\b[^|]*$")
PORT = 8000  # of every example of a service
LIMIT_S = 300

for _module in ("markdown_it", "sklearn", "matplotlib", "fastapi", "pyarrow", "build"):
    pytest.importorskip(_module, reason="the extra dev is not installed")


@dataclass(frozen=True)
class Block:
    """A code block, the line it begins in, and why it does not run, if it does not."""

    line: int
    language: str
    text: str
    not_run: str | None


def read_blocks(text: str) -> list[Block]:
    """Find the code blocks of a Markdown text, and the comments before them."""
    from markdown_it import MarkdownIt

    blocks = []
    comment = ""
    for token in MarkdownIt().parse(text):
        if token.type == "html_block":
            comment = token.content
        elif token.type in ("fence", "code_block"):
            assert token.map is not None
            told = re.search(r"<!-- not run: (.*?) -->", comment, re.DOTALL)
            language = token.info.strip()
            blocks.append(Block(token.map[0] + 1, language, token.content, told and told[1]))
            comment = ""
        else:
            comment = ""
    return blocks


# --- the reader's place --------------------------------------------------------------------


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the package of this checkout installed; pip fetches nothing.

    It also sees the packages of the interpreter that runs the tests, so that an extra which the
    documents install counts as there, if its packages are.
    """
    folder = tmp_path_factory.mktemp("environment") / ".venv"
    venv.create(folder)
    own = subprocess.check_output(
        [folder / "bin" / "python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        text=True,
    )
    (Path(own.strip()) / "tests.pth").write_text(sysconfig.get_path("purelib") + "\n")
    for script in Path(sysconfig.get_path("scripts")).iterdir():
        # Programs that the documents start: those of the tests, run by this environment.
        head, _, rest = script.read_bytes().partition(b"\n")
        if (
            head.startswith(b"#!")
            and b"python" in head
            and not (folder / "bin" / script.name).exists()
        ):
            (folder / "bin" / script.name).write_bytes(f"#!{folder}/bin/python\n".encode() + rest)
            (folder / "bin" / script.name).chmod(0o755)
    tree = tmp_path_factory.mktemp("source") / "classicselfie"
    copy_checkout(tree)
    subprocess.run(
        [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--no-deps", str(tree)],
        env=environment(folder),
        check=True,
        capture_output=True,
    )
    return folder


def environment(installed: Path) -> dict[str, str]:
    """Give the variables of a reader's shell in which the virtual environment is active."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return {
        **kept,
        "PATH": f"{installed / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PIP_NO_INDEX": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # pip's own way to say that it is off
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
        "CURL_HOME": str(installed),  # see `reader`
    }


def copy_checkout(place: Path) -> None:
    unwanted = shutil.ignore_patterns(
        ".git", ".venv*", "build", "dist", "*.egg-info", ".*_cache", "__pycache__", "shared"
    )
    shutil.copytree(ROOT, place, ignore=unwanted)


@pytest.fixture
def reader(installed: Path, tmp_path: Path) -> Path:
    """A copy of the checkout with all that the documents give names to, drawn."""
    folder = tmp_path / "classicselfie"
    copy_checkout(folder)
    (folder / ".venv").symlink_to(installed)
    (installed / ".curlrc").write_text("fail\n")  # an answer of 400 or more is an error
    generator = np.random.default_rng(0)

    def draw(name: str, *, near: bool) -> None:
        face = generator.uniform(0.45, 0.65) if near else generator.uniform(0.12, 0.25)
        centre = (generator.uniform(0.4, 0.6), 0.5)
        save(folder / name, draw_person(240, 320, centre, face))

    (folder / "photo.jpg").write_bytes(front_camera_photo())
    for index in range(2):
        draw(f"more/{index}.jpg", near=bool(index))
    for index in range(4):
        draw(f"photos/{2019 + index % 2}/{index}.jpg", near=index < 2)
    for index in range(8):
        draw(f"PHOTOS/{index}.jpg", near=index % 2 == 0)
        draw(f"SELFIES/source{index % 2}/{index}.jpg", near=True)
        draw(f"OTHERS/source{index % 2}/{index}.jpg", near=False)
    save(folder / "photos" / "room.png", draw_scene(320, 240))
    with zipfile.ZipFile(folder / "dump.zip", "w") as archive:
        archive.write(folder / "photo.jpg", "photo.jpg")
        archive.write(folder / "more" / "0.jpg", "0.jpg")
    (folder / "corrections.csv").write_text("path,label\nphotos/2019/0.jpg,other\n", "utf-8")
    with (folder / "ratings.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["path", "rating"])
        writer.writerows([f"SELFIES/source{i % 2}/{i}.jpg", 5] for i in range(8))
        writer.writerows([f"OTHERS/source{i % 2}/{i}.jpg", 2 + i / 8] for i in range(8))
    (folder / "last").touch()
    os.utime(folder / "last", (0, 0))  # the last time that somebody looked is long ago
    return folder


def front_camera_photo() -> bytes:
    """Draw the documents' photo: a selfie, as the file says too."""
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA434] = "iPhone 13 front camera 2.71mm f/2.2"
    return with_exif(encode(draw_person(), ".jpg"), exif)


def save(path: Path, picture: BgrImage) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), picture)


# --- running -------------------------------------------------------------------------------

# A service would not come back, so the reader would give it a terminal of its own.
PRELUDE = f"""
set -o pipefail
classicselfie() {{
    if [ "$1" != serve ]; then command classicselfie "$@"; return; fi
    command classicselfie "$@" & serving=$!
    until curl --silent http://127.0.0.1:{PORT}/healthz; do
        kill -0 "$serving" || return
        sleep 0.1
    done
}}
trap '[ -z "${{serving-}}" ] || {{ kill "$serving"; wait "$serving"; }}' EXIT
"""


def run_shell(text: str, folder: Path, installed: Path) -> list[str]:
    """Run the commands of a block in one bash; return what went wrong."""
    commands = split_commands(text)
    codes = folder / "exit-codes"
    codes.unlink(missing_ok=True)
    # Each command stands as it is; behind it, its exit code is put down.
    script = PRELUDE + "".join(f'{command}\necho "$?" >> {codes}\n' for command in commands)
    wrong = run(["bash", "-c", script], folder, installed, any_code=True)
    told = codes.read_text().split() if codes.exists() else []
    for command, code in zip(commands, map(int, told), strict=False):
        if code and not (code == 1 and TELLS_LABELS.search(command)):
            wrong.append(f"exit code {code}: {command}")
    if len(told) < len(commands):
        wrong.append(f"the shell ended at: {commands[len(told)]}")
    return wrong


def split_commands(text: str) -> list[str]:
    """Split a script where bash finds a whole command."""
    commands, pending = [], ""
    for line in text.splitlines():
        pending += f"{line}\n"
        whole = subprocess.run(
            ["bash", "-n"], input=pending, capture_output=True, text=True, check=False
        )
        # An open here-document or a backslash at the end is no error to bash.
        if whole.returncode == 0 and not whole.stderr and not line.endswith("\\"):
            commands.append(pending.strip())
            pending = ""
    assert not pending, f"bash does not understand: {pending}"
    return [command for command in commands if command and not command.startswith("#")]


def run_python(text: str, folder: Path, installed: Path) -> list[str]:
    """Run a block as a script of its own; return what went wrong."""
    script = folder / "block.py"
    script.write_text(text, encoding="utf-8")
    return run([str(installed / "bin" / "python"), str(script)], folder, installed)


def run(command: list[str], folder: Path, installed: Path, *, any_code: bool = False) -> list[str]:
    """Run a command with all that it starts; return what went wrong."""
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment(installed),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        _, errors = process.communicate(timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        return [f"not done after {LIMIT_S} s"]
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    wrong = [] if any_code or not process.returncode else [f"exit code {process.returncode}"]
    # pip only warns of an extra that is none.
    told = [line for line in errors.splitlines() if "does not provide the extra" in line]
    if wrong or "Traceback" in errors:
        told.append(errors[-3000:])
    return wrong + told


def compare_output(text: str, folder: Path, installed: Path) -> list[str]:
    """Hold a block without a language, which is output, against what prints it."""
    title = re.match(r"exit codes of (?:every command|([\w-]+)):", text)
    if title is None:
        return ["nothing is known that prints it; name a language, or tell why it does not run"]
    of = [title[1]] if title[1] else []
    command = [str(installed / "bin" / "classicselfie"), *of, "--help"]
    shown = subprocess.run(
        command,
        cwd=folder,
        env=environment(installed),
        capture_output=True,
        text=True,
        check=False,
    )
    same = " ".join(text.split()) in " ".join(shown.stdout.split())
    return [] if same else [f"{title[0]} --help tells otherwise:\n{shown.stdout}"]


def read_json(text: str, folder: Path, installed: Path) -> list[str]:
    try:
        json.loads(text)
    except ValueError as error:
        return [str(error)]
    return []


RUNNERS = {"sh": run_shell, "python": run_python, "json": read_json, "": compare_output}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_block_runs_as_written(document: str, request: pytest.FixtureRequest) -> None:
    blocks = read_blocks((ROOT / document).read_text(encoding="utf-8"))
    to_run = [block for block in blocks if block.not_run is None]
    assert all(block.not_run is None or block.not_run.strip() for block in blocks)
    if not to_run:
        return
    for tool in ("bash", "curl"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    if any("classicselfie serve" in block.text for block in to_run):
        skip_unless_free()
    reader, installed = (request.getfixturevalue(name) for name in ("reader", "installed"))
    wrong = []
    for block in to_run:
        runner = RUNNERS.get(block.language)
        if runner is None:
            told = ["no such language is run; tell why it does not run"]
        else:
            told = runner(block.text, reader, installed)
        wrong += [f"{document}:{block.line}: {what}" for what in told]
    assert not wrong, "\n".join(wrong)


def skip_unless_free() -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", PORT))
        except OSError:
            pytest.skip(f"port {PORT}, which the documents name, is taken")


def test_a_block_that_fails_is_seen(reader: Path, installed: Path) -> None:
    """What the other tests rest on: each way to be wrong is told."""
    for text, told in (
        ("classicselfie check --nonsense photo.jpg", "exit code 2"),
        ("classicselfie check photo.jpg\nfalse\ntrue", "exit code 1: false"),
        ("false | cat", "exit code 1: false | cat"),
        ("python -m pip install 'classicselfie[nonsense]'", "does not provide the extra"),
        ("python -c 'import nonsense' || true", "ModuleNotFoundError"),
        ("exit 0\ntrue", "the shell ended at: exit 0"),
    ):
        assert told in "\n".join(run_shell(text, reader, installed)), text
    assert (
        run_shell("for i in 1 2; do\n  echo $i\ndone\ncat photo.jpg \\\n | wc", reader, installed)
        == []
    )
    assert "NameError" in "\n".join(run_python("verdict", reader, installed))
    assert compare_output("exit codes of check:\n  0  all is well\n", reader, installed)
    assert compare_output("some figures\n", reader, installed)
    assert read_json("{'label': 1}", reader, installed)
    (one, other) = read_blocks("<!-- not run: why -->\n```sh\na\n```\n\ntext\n\n```sh\nb\n```\n")
    assert (one.not_run, other.not_run) == ("why", None)


# --- examples ------------------------------------------------------------------------------

# Those that are started as their docstrings say, and what they need; the others have tests of
# their own, with the servers that they talk to.
SERVICES = {"django_upload.py": "django", "fastapi_upload.py": "uvicorn"}
ELSEWHERE = {
    "celery_task.py": "test_embedding.py",
    "mastodon_bot.py": "test_bot.py",
    "upload_hook.py": "test_embedding.py",
}


def test_every_example_is_run() -> None:
    assert {path.name for path in (ROOT / "examples").glob("*.py")} == {*SERVICES, *ELSEWHERE}
    for example, test in ELSEWHERE.items():
        assert Path(example).stem in (ROOT / "tests" / test).read_text(encoding="utf-8")


@pytest.mark.parametrize("example", SERVICES)
def test_an_example_starts_as_its_docstring_says(
    example: str, reader: Path, installed: Path
) -> None:
    pytest.importorskip(SERVICES[example], reason="the extra dev is not installed")
    skip_unless_free()
    source = (ROOT / "examples" / example).read_text(encoding="utf-8")
    (command,) = read_blocks(cleandoc(source.split('"""')[1]))
    with (reader / "log").open("wb") as log:
        process = subprocess.Popen(
            ["bash", "-c", command.text],
            cwd=reader / "examples",
            env=environment(installed),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        answer = ask(process, (reader / "photo.jpg").read_bytes())
        assert answer is not None, (reader / "log").read_text()
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert answer["name"] == "photo.jpg"
    assert str(answer["note"]).startswith("Looks like a selfie")


def ask(process: subprocess.Popen[bytes], photo: bytes) -> dict[str, object] | None:
    """Upload a photo to an example as soon as it listens; None if it never does."""
    form = (
        b'--b\r\nContent-Disposition: form-data; name="photo"; filename="photo.jpg"\r\n'
        b"Content-Type: image/jpeg\r\n\r\n" + photo + b"\r\n--b--\r\n"
    )
    request = urllib.request.Request(
        f"http://127.0.0.1:{PORT}/photos",
        form,
        {"Content-Type": "multipart/form-data; boundary=b"},
    )
    end = time.monotonic() + LIMIT_S
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                answer: dict[str, object] = json.load(response)
                return answer
        except ConnectionRefusedError:
            pass
        except OSError as error:
            if not isinstance(getattr(error, "reason", None), ConnectionRefusedError):
                raise
        time.sleep(0.2)
    return None


# --- docstrings ----------------------------------------------------------------------------


def test_examples_in_docstrings_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In an empty folder with one photo, as their reader has it."""
    (tmp_path / "photo.jpg").write_bytes(front_camera_photo())
    monkeypatch.chdir(tmp_path)
    names = [
        path.relative_to(ROOT)
        .with_suffix("")
        .as_posix()
        .replace("/", ".")
        .removesuffix(".__init__")
        for path in sorted((ROOT / "classicselfie").rglob("*.py"))
        if ">>>" in path.read_text(encoding="utf-8")
    ]
    assert classicselfie.__name__ in names
    for name in names:
        module = import_module(name)
        assert not any(
            example.options.get(doctest.SKIP)
            for test in doctest.DocTestFinder().find(module)
            for example in test.examples
        ), f"{name} shows an example that does not run"
        result = doctest.testmod(module)
        assert result.attempted
        assert not result.failed, f"{name}: {result}"
