"""The package works as wheel, as sdist, and with both majors of OpenCV."""

from __future__ import annotations

import email
import hashlib
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import cv2
import pytest
from conftest import encode

from classicselfie.benchmark.drawing import draw_person

ROOT = Path(__file__).parents[1]
CHECK = (
    "import json, sys, pathlib, cv2, classicselfie\n"
    "from classicselfie.features import Scene, extract_features\n"
    "from classicselfie.photo import load_photo\n"
    "from classicselfie.resources import resource\n"
    "out = {'file': classicselfie.__file__, 'opencv': cv2.__version__}\n"
    "out['port'] = str(resource('ports/javascript/src', 'index.js'))\n"
    "face = classicselfie.Face((70.2, 60.7, 90.1, 110.9), ((90.5, 95.0),) * 5, 0.9)\n"
    "scenes = [Scene(load_photo(path).image, [face]) for path in sys.argv[1:]]\n"
    "out['features'] = [extract_features(scene).tolist() for scene in scenes]\n"
    "for name in ('yunet', 'haar'):\n"
    "    detector = classicselfie.SelfieDetector(detector=name)\n"
    "    out[name] = [detector.check(path).probability for path in sys.argv[1:]]\n"
    "print(json.dumps(out))"
)


def check_in(place: Path, photos: list[Path], cwd: Path, *libraries: Path) -> dict[str, Any]:
    """Check photos with the package that lies in `place`, from an empty directory."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (place, *libraries)))}
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CHECK, *map(str, photos)],
        capture_output=True,
        text=True,
        check=True,
        cwd=cwd,
        env=environment,
    )
    answer: dict[str, Any] = json.loads(run.stdout)
    assert str(answer["file"]).startswith(str(place))
    assert str(answer["port"]).startswith(str(place))
    return answer


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("drawn")
    paths = []
    for index, face in enumerate((0.2, 0.4, 0.6)):
        paths.append(folder / f"{index}.jpg")
        paths[-1].write_bytes(encode(draw_person(face=face), ".jpg"))
    return paths


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    pytest.importorskip("build", reason="the extra dev is not installed")
    # From a copy: building writes into the tree, and two test runs may share it.
    tree = tmp_path_factory.mktemp("tree") / "classicselfie"
    unwanted = shutil.ignore_patterns(
        ".git", ".venv*", "build", "dist", "*.egg-info", ".*_cache", "__pycache__"
    )
    shutil.copytree(ROOT, tree, ignore=unwanted)
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(tree)],
        capture_output=True,
        check=True,
    )
    return folder


@pytest.mark.parametrize("kind", ["*.whl", "*.tar.gz"])
def test_an_installed_package_checks_photos(
    distributions: Path, drawn: list[Path], tmp_path: Path, kind: str
) -> None:
    (archive,) = distributions.glob(kind)
    place, empty = tmp_path / "site", tmp_path / "empty"
    empty.mkdir()
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    command += ["--no-build-isolation", "--target", str(place), str(archive)]
    subprocess.run(command, check=True, capture_output=True)
    installed = check_in(place, drawn, empty)
    checkout = check_in(ROOT, drawn, empty)
    assert installed["yunet"] == checkout["yunet"]
    assert installed["haar"] == checkout["haar"]


def test_the_sdist_holds_the_whole_checkout(distributions: Path) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("only a checkout knows which files there should be")
    (archive,) = distributions.glob("*.tar.gz")
    with tarfile.open(archive) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    for path in subprocess.run(
        ["git", "ls-files"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split():
        assert path in names or path == ".gitignore"


def test_the_wheel_holds_what_it_needs_and_nothing_else(distributions: Path) -> None:
    (wheel,) = distributions.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        sizes = [info.file_size for info in archive.infolist()]
        data = sum(
            info.file_size
            for info in archive.infolist()
            if info.filename.startswith(("classicselfie/models/", "classicselfie/cascades/"))
        )
    package = {name for name in names if name.startswith("classicselfie/")}
    for needed in (
        "py.typed",
        "models/yunet_2023mar_maps.onnx",
        "models/LICENSE.yunet",
        "models/yunet.json",
        "models/haar.json",
        "cascades/haarcascade_frontalface_alt2.xml",
        "cascades/LICENSE.haar",
        "explain/page.html.j2",
        "training/report.html.j2",
        "training/card.md.j2",
        "training/card_adapted.md.j2",
        "serve/static/index.html",
        "serve/static/page.js",
        "serve/static/judge.js",
        "web/corrections.js",
        *(
            f"ports/javascript/src/{path.name}"
            for path in (ROOT / "ports/javascript/src").glob("*.js")
        ),
        "serve/static/page.css",
        "serve/static/icon.svg",
        "explore/page/index.html",
        "explore/page/gallery.css",
        "explore/page/gallery.js",
    ):
        assert f"classicselfie/{needed}" in package
    assert not any("test" in name for name in names)
    assert data < 1_200_000
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"takes {sum(sizes) / 1e6:.0f} MB, of which the models are {data / 1e6:.1f} MB" in readme


def test_an_index_would_show_the_package_well(distributions: Path) -> None:
    pytest.importorskip("twine", reason="the extra dev is not installed")
    archives = [str(path) for path in distributions.iterdir()]
    assert len(archives) == 2
    command = [sys.executable, "-m", "twine", "check", "--strict", *archives]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    (wheel,) = distributions.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = email.message_from_bytes(archive.read(name))
    assert metadata["Author"] == "The classicselfie developers"
    assert metadata["License"] == "MIT AND Intel"
    assert len(metadata["Keywords"].split(",")) > 5
    text = str(metadata.get_payload())
    assert "Is this photo a selfie?" in text
    for link in re.findall(r"\]\(([^()]*)\)", text):
        assert re.match(r"https?://", link), f"{link} leads nowhere outside the repository"


def test_the_links_of_the_long_description_lead_to_the_projects_address() -> None:
    """It has none yet; setup.cfg is the one place that will tell it."""
    setup = runpy.run_path(str(ROOT / "setup.py"))
    told = "[metadata]\nproject_urls =\n    Source = https://files.example/main/\n"
    source = setup["source_address"](told)
    assert source == "https://files.example/main/"
    assert setup["source_address"]((ROOT / "setup.cfg").read_text(encoding="utf-8")) is None
    readme = "[a](docs/a.md#b) ![c](d.png) [e](https://f.example/)"
    assert setup["long_description"](readme, source) == (
        "[a](https://files.example/main/docs/a.md#b) ![c](https://files.example/main/d.png) "
        "[e](https://f.example/)"
    )
    assert setup["long_description"](readme, None) == "a *Picture: c* [e](https://f.example/)"


def test_the_unpacked_sdist_tests_itself_without_a_network(
    distributions: Path, tmp_path: Path
) -> None:
    """One quick test of its own, in its own folder; building it is what other tests do."""
    (archive,) = distributions.glob("*.tar.gz")
    with tarfile.open(archive) as sdist:
        sdist.extractall(tmp_path, filter="data")
    (folder,) = tmp_path.iterdir()
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    command += ["tests/test_docs.py", "-k", "figures or clear or extras or commands"]
    environment = {**os.environ, "PYTHONPATH": str(folder), "PIP_NO_INDEX": "1"}
    run = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert " passed" in run.stdout
    assert "skipped" not in run.stdout


@pytest.mark.parametrize("folder", ["models", "cascades"])
def test_third_party_files_are_the_published_ones(folder: str) -> None:
    (listed,) = (ROOT / folder).glob("*.sha256")
    sums = dict(line.split()[::-1] for line in listed.read_text().splitlines())
    (name,) = sums.keys() & {path.name for path in (ROOT / folder).iterdir()}
    assert hashlib.sha256((ROOT / folder / name).read_bytes()).hexdigest() == sums[name]


@pytest.fixture(scope="module")
def majors(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Places to import from: for the major of OpenCV that is installed, and for the other."""
    own = cv2.__version__.partition(".")[0]
    other, requirement = {"4": ("5", ">=5,<6"), "5": ("4", "<5")}[own]
    package = f"opencv-contrib-python-headless{requirement}"
    folder = tmp_path_factory.mktemp("other")
    # NumPy and Pillow are those that are installed: nothing but OpenCV differs.
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    command += ["--target", str(folder), package]
    install = subprocess.run(command, capture_output=True, text=True, check=False)
    if install.returncode:
        stop = pytest.fail if os.environ.get("CI") else pytest.skip
        stop(f"{package} cannot be installed here: {install.stderr[-200:]}")
    return {own: ROOT, other: folder}


def test_opencv_4_and_5_give_the_same_answers(
    majors: dict[str, Path], drawn: list[Path], tmp_path: Path
) -> None:
    compare_majors(majors, drawn, tmp_path)


def test_opencv_4_and_5_agree_on_100_real_photos(
    majors: dict[str, Path], real_photos: list[tuple[Path, bool]], tmp_path: Path
) -> None:
    compare_majors(majors, [path for path, _ in real_photos[::2]], tmp_path)


def compare_majors(majors: dict[str, Path], photos: list[Path], cwd: Path) -> None:
    four, five = (check_in(ROOT, photos, cwd, majors[major]) for major in "45")
    assert str(four["opencv"]).startswith("4.")
    assert str(five["opencv"]).startswith("5.")
    for photo, one, other in zip(photos, four["features"], five["features"], strict=True):
        assert one == pytest.approx(other, abs=1e-5), photo  # with the same face given
    for name in ("yunet", "haar"):
        assert four[name] == pytest.approx(five[name], abs=0.02)
