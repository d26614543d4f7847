"""What is missing is named with the command that brings it, wherever the package came from."""

from __future__ import annotations

import configparser
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import venv
from importlib import metadata
from pathlib import Path

import pytest

from classicselfie.errors import MissingExtraError
from classicselfie.extras import EXTRAS, install_command, missing

ROOT = Path(__file__).parents[1]
# No index, no PYTHONPATH, no build in a place of its own (pip's way to say that is off).
PLAIN = {"PATH": "/usr/bin:/bin", "PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0"}
TELL = "from classicselfie.extras import install_command; print(install_command('scan'))"


def test_the_extras_are_those_of_the_package() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    told = dict(setup["options.extras_require"])
    assert EXTRAS.keys() <= told.keys()
    assert {f"classicselfie[{extra}]" for extra in EXTRAS if extra != "bench"} == set(
        told["all"].split()
    )
    packages = metadata.packages_distributions()
    for extra, modules in EXTRAS.items():
        wanted, text = told[extra], told[extra]
        for inner in re.findall(r"classicselfie\[(\w+)\]", wanted):
            text += told[inner]
        names = {re.split(r"[><=;\s]", line)[0].lower() for line in text.split("\n") if line}
        for module in modules:
            brought = {each.lower().replace("_", "-") for each in packages.get(module, [module])}
            assert brought & names or module == "tomllib", (extra, module)


def test_what_is_missing_is_told_before_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EXTRAS, "scan", ("json", "nobody_has_this"))
    assert missing("scan") == ["nobody_has_this"]
    with pytest.raises(MissingExtraError) as told:
        MissingExtraError.unless_installed("scan")
    assert str(told.value) == f"nobody_has_this is not installed; run: {install_command('scan')}"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("setuptools", reason="the extra dev is not installed")
    folder = tmp_path_factory.mktemp("wheel")
    tree = folder / "a checkout"
    unwanted = shutil.ignore_patterns(".git", ".venv*", "build", "*.egg-info", ".*_cache", "tests")
    shutil.copytree(ROOT, tree, ignore=unwanted)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index"]
    command += ["--no-build-isolation", "--wheel-dir", str(folder), str(tree)]
    subprocess.run(command, check=True, capture_output=True)
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An environment of its own that also sees the tests' packages, and in which pip has no index.

    Into it the package is installed in one way after the other.
    """
    folder = tmp_path_factory.mktemp("environment") / "venv"
    venv.create(folder, with_pip=False)
    program = str(folder / "bin" / "python")
    place = "import sysconfig; print(sysconfig.get_path('purelib'))"
    own = subprocess.check_output([program, "-c", place], text=True).strip()
    (Path(own) / "tests.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return program


def advised(python: str, cwd: Path) -> str:
    done = subprocess.run(
        [python, "-c", TELL], cwd=cwd, env=PLAIN, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def install(python: str, cwd: Path, words: str) -> None:
    """Run what a message advises, but for the extra's packages: those are there already."""
    command = [python, "-m", "pip", "install", "--quiet", "--force-reinstall", "--no-deps"]
    run(cwd, *command, *shlex.split(words))


def run(cwd: Path, *command: str) -> None:
    done = subprocess.run(command, cwd=cwd, env=PLAIN, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_command_fits_the_way_in_which_it_was_installed(
    python: str, wheel: Path, tmp_path: Path
) -> None:
    tree = wheel.with_name("a checkout")
    for words, command in (
        (shlex.quote(str(wheel)), f"python -m pip install {shlex.quote(f'{wheel}[scan]')}"),
        (shlex.quote(str(tree)), f"python -m pip install '{tree}[scan]'"),
        (f"-e '{tree}'", f"python -m pip install -e '{tree}[scan]'"),
        # As an index does: pip writes down no origin.
        (
            f"--find-links '{wheel.parent}' classicselfie",
            "python -m pip install 'classicselfie[scan]'",
        ),
    ):
        install(python, tmp_path, words)
        assert advised(python, tmp_path) == command
        if str(tree) not in words:  # to build it once is enough
            run(tmp_path, python, *shlex.split(command)[1:])
    install(python, tmp_path, f"-e '{tree}'")
    assert advised(python, tree) == "python -m pip install -e '.[scan]'"


def test_a_wheel_that_was_cleared_away_is_not_named(
    python: str, wheel: Path, tmp_path: Path
) -> None:
    copy = shutil.copy(wheel, tmp_path)
    install(python, tmp_path, shlex.quote(str(copy)))
    Path(copy).unlink()
    command = advised(python, tmp_path)
    assert command == "python -m pip install 'classicselfie[scan]'"
    # pip asks no index for what is installed: it reads there what the extra needs.
    run(tmp_path, python, *shlex.split(command)[1:])


def test_a_bare_checkout_advises_to_install_itself(wheel: Path, tmp_path: Path) -> None:
    tree = wheel.with_name("a checkout")
    paths = f"[{str(tree)!r}, *(path for path in sys.path if 'site-packages' not in path)]"
    code = f"import sys; sys.path[:] = {paths}; {TELL}"
    for cwd, place in ((tree, "."), (tmp_path, tree)):
        told = subprocess.check_output([sys.executable, "-I", "-c", code], cwd=cwd, text=True)
        assert told.strip() == f"python -m pip install -e '{place}[scan]'"


def test_the_command_is_told_where_the_working_folder_has_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = install_command("scan").replace("'.[scan]'", shlex.quote(f"{ROOT}[scan]"))
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert install_command("scan") == before
