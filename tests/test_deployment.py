"""The container's steps and the systemd unit, as far as they can be tried without either.

The steps of the Containerfile are carried out as they stand, in an empty folder that takes the
place of the image's root; pip fetches nothing, for the tests' packages are at hand.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the extra serve is not installed")

ROOT = Path(__file__).parents[1]
UNIT = ROOT / "deploy" / "classicselfie.service"
SAMPLE = ROOT / "docs" / "pictures" / "drawn_friends.jpg"


def confined(user: str) -> list[str]:
    """What compose.yaml leaves to a container: no file system to write to, and no rights."""
    group = user.partition(":")[2]
    return [
        *("unshare", "--mount", "--", "sh", "-c"),
        'mount -o remount,bind,ro / && mount -t tmpfs -o ro none /dev/shm && exec "$@"',
        *("sh", "setpriv", f"--reuid={user.partition(':')[0]}", f"--regid={group}"),
        *("--clear-groups", "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all"),
    ]


def instructions() -> list[tuple[str, str]]:
    """Read the Containerfile."""
    text = (ROOT / "Containerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in lines)]


@dataclass
class Image:
    """What the steps have made: folders in the places of the image's, and what shall run."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)
    user: str = "root"

    def here(self, text: str) -> str:
        """Let the absolute paths of a step begin in this folder."""
        return re.sub(r"(?<![\w.:/])/(?=(?:opt|src)\b)", f"{self.root}/", text)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    made = Image(tmp_path_factory.mktemp("image"))
    # A user without rights gets there, too.
    for folder in (made.root, *made.root.parents[:2]):
        folder.chmod(0o755)
    offline = {"PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0", "PIP_ROOT_USER_ACTION": "ignore"}
    for name, rest in instructions():
        if name == "RUN":
            kept = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
            kept["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
            run = subprocess.run(
                ["sh", "-c", made.here(rest)],
                cwd=made.root,
                env={**kept, **offline, **made.environment},
                capture_output=True,
                text=True,
                check=False,
            )
            assert run.returncode == 0, run.stdout + run.stderr
            for packages in made.root.glob("opt/*/lib/python*/site-packages"):
                # In the place of an index: the packages of whoever runs the tests.
                (packages / "tests.pth").write_text(sysconfig.get_path("purelib") + "\n")
                # Before Python 3.12 a new environment has an old setuptools of its own.
                for old in (*packages.glob("setuptools*"), *packages.glob("pkg_resources")):
                    shutil.rmtree(old)
        elif name == "COPY" and not rest.startswith("--from"):
            source, target = rest.split()
            assert source == "."
            copy_context(Path(made.here(target)))
        elif name == "ENV":
            made.environment |= dict(part.split("=", 1) for part in shlex.split(rest))
        elif name == "USER":
            made.user = rest
        elif name == "CMD":
            made.command = json.loads(made.here(rest))
        elif name == "HEALTHCHECK":
            made.health = json.loads(made.here(rest.partition("CMD ")[2]))
        else:
            assert name in ("FROM", "EXPOSE", "COPY"), f"{name} is not carried out by this test"
    return made


def copy_context(target: Path) -> None:
    """Copy what .dockerignore lets through."""
    rules = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    wanted = [rule[1:] for rule in rules if rule.startswith("!")]
    never = [rule.removeprefix("**/") for rule in rules if rule.startswith("**/")]
    assert "*" in rules
    target.mkdir(parents=True)
    for name in wanted:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target / name, ignore=shutil.ignore_patterns(*never))
        else:
            shutil.copy(ROOT / name, target / name)


@pytest.fixture(scope="module")
def container(image: Image) -> Iterator[str]:
    """The service as the image starts it, confined as compose.yaml confines it, on a free port."""
    python = [str(image.root / "opt" / "classicselfie" / "bin" / "python"), "-c"]
    # An interpreter in somebody's home is out of the reach of others; root without any capability
    # is what comes closest then.
    for user in (image.user, "0:0"):
        again = "import subprocess, sys; subprocess.run([sys.executable, '-c', ''], check=True)"
        start = confined(user)
        if not subprocess.run(
            [*start, *python, again], capture_output=True, check=False
        ).returncode:
            break
    else:
        pytest.skip("no file system can be made read-only here")
    command = ["0" if part == "8000" else part for part in image.command]
    with subprocess.Popen(
        [*start, *command],
        cwd="/",
        env={"PATH": os.environ["PATH"], **image.environment},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        try:
            first = process.stderr.readline()
            port = re.search(r":(\d+) ", first)
            assert port is not None, first + process.stderr.read()
            yield port[1]
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
        finally:
            process.kill()


def test_the_service_answers_on_a_read_only_file_system_without_rights(container: str) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{container}/", timeout=60) as page:
        assert b"Does this look like a selfie?" in page.read()
    request = urllib.request.Request(
        f"http://127.0.0.1:{container}/v1/check",
        SAMPLE.read_bytes(),
        {"Content-Type": "image/jpeg"},
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        assert json.load(response)["label"] == "selfie"


def test_the_health_check_tells_a_service_that_answers_from_none(
    image: Image, container: str
) -> None:
    def check(port: str) -> int:
        command = [part.replace(":8000/", f":{port}/") for part in image.health]
        end = time.monotonic() + 60
        while (code := subprocess.run(command, capture_output=True, check=False).returncode) and (
            port == container and time.monotonic() < end
        ):
            time.sleep(0.5)
        return code

    assert image.health
    assert check(container) == 0
    assert check("1") != 0


def test_the_image_runs_without_rights_and_holds_the_installed_package_alone(image: Image) -> None:
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", image.user)
    copied = [rest for name, rest in instructions() if name == "COPY" and "--from" in rest]
    assert copied == ["--from=build /opt/classicselfie /opt/classicselfie"]
    packages = next(image.root.glob("opt/classicselfie/lib/python*/site-packages"))
    assert (packages / "classicselfie" / "models" / "yunet.json").is_file()
    context = {path.name for path in (image.root / "src").iterdir()}
    assert not any(fnmatch(name, pattern) for name in context for pattern in (".git", "tests"))


def test_compose_builds_that_file_and_stays_on_this_machine() -> None:
    yaml = pytest.importorskip("yaml", reason="the extra docs is not installed")
    composed = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    (service,) = composed["services"].values()
    assert (ROOT / service["build"]["dockerfile"]).is_file()
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])


def test_the_systemd_unit_is_valid_and_confined(image: Image, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    unit = tmp_path / UNIT.name
    unit.write_text(image.here(UNIT.read_text(encoding="utf-8")))
    verify = ["systemd-analyze", "verify", "--man=no", str(unit)]
    run = subprocess.run(verify, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert UNIT.name not in run.stderr  # warnings about other units are not ours
    security = ["systemd-analyze", "security", "--offline=yes", "--threshold=20", str(unit)]
    run = subprocess.run(security, capture_output=True, text=True, check=False)
    if "unrecognized option" in run.stderr:
        pytest.skip("this systemd-analyze judges running units only")
    assert run.returncode == 0, run.stdout[-300:]


def test_the_systemd_unit_starts_what_the_documents_install() -> None:
    (command,) = re.findall(r"^ExecStart=(\S+) (.+)$", UNIT.read_text("utf-8"), re.MULTILINE)
    documents = (ROOT / "docs" / "serve.md").read_text(encoding="utf-8")
    assert f"sudo python3 -m venv {Path(command[0]).parents[1]}\n" in documents
    assert "serve --host 127.0.0.1" in command[1]
