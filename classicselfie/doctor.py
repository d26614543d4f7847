"""Whether an installation is in order: what is there, and a drawn picture that must be judged so.

Whatever is broken is told and not raised, an OpenCV that cannot be loaded above all.
"""

from __future__ import annotations

import base64
import hashlib
import platform
import sys
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from classicselfie import __version__
from classicselfie.errors import ClassicSelfieError, describe
from classicselfie.extras import EXTRAS, install_command, missing
from classicselfie.resources import resource
from classicselfie.wording import listed

if TYPE_CHECKING:
    from classicselfie.images import BgrImage  # which loads OpenCV, and that may be broken

OPENCVS = (
    "opencv-contrib-python-headless",
    "opencv-python-headless",
    "opencv-contrib-python",
    "opencv-python",
)
"""The packages that bring OpenCV, each into the same folder; the first is the one asked for."""
_FILES = (("models", "yunet_2023mar_maps.onnx"), ("cascades", "haarcascade_frontalface_alt2.xml"))
# What the bundled weights make of the drawn person, and by how much builds of OpenCV may differ.
_EXPECTED = {"yunet": 0.83, "haar": 0.16}
_TOLERANCE = 0.05
Found: TypeAlias = dict[str, Any]
Pictures: TypeAlias = "tuple[BgrImage, BgrImage]"


def examine(check_config: Callable[[], str | None], draw: Callable[[], Pictures]) -> Found:
    """Look at everything.

    Parameters
    ----------
    check_config : callable
        Reads the config file and returns its name; None without one.
    draw : callable
        Draws the person and the empty room of the self-test.

    Returns
    -------
    dict
        Plain values for JSON: "versions", "opencv", "extras", "files", "weights", "self_test",
        "config", and "problems", a list of sentences that is empty where all is in order.
    """
    problems: list[str] = []
    found: Found = {
        "versions": _versions(),
        "opencv": _opencv(problems),
        "extras": {extra: missing(extra) for extra in EXTRAS},
    }
    looks: dict[str, Callable[[], Any]] = {
        "files": lambda: _files(problems),
        "weights": lambda: _weights(problems),
        "self_test": lambda: _self_test(problems, draw()),
        "config": check_config,
    }
    for name, look in looks.items():
        found[name] = None
        try:
            found[name] = look()
        except Exception as error:  # a broken library may raise anything
            told = str(error) if isinstance(error, ClassicSelfieError) else describe(error)
            problems += [told] if told not in problems else []
    return found | {"problems": problems}


def in_words(found: Found) -> Iterator[str]:
    """Write what was found as lines for people."""
    yield from (f"{name}: {version}" for name, version in found["versions"].items())
    opencv = found["opencv"]
    yield f"OpenCV: {opencv['version']}{', ' + opencv['kind'] if opencv['kind'] else ''}"
    yield f"OpenCV's packages: {', '.join(opencv['packages']) or 'none that pip knows'}"
    if opencv["advice"]:
        yield f"  NOTE: {opencv['advice']}"
    yield "extras:"
    for extra, lacking in found["extras"].items():
        told = f"without {', '.join(lacking)}; {install_command(extra)}" if lacking else "installed"
        yield f"  {extra}: {told}"
    for part in ("files", "weights", "self_test"):
        yield f"{part.replace('_', '-')}:"
        yield from (f"  {name}: {told}" for name, told in (found[part] or {}).items())
    yield f"config file: {found['config'] or 'none'}"
    yield from (f"PROBLEM: {each}" for each in found["problems"])
    yield "all is in order" if not found["problems"] else "not all is in order"


def _versions() -> dict[str, str]:
    return {
        "classicselfie": f"{__version__} in {Path(__file__).parent}",
        "Python": f"{platform.python_version()} ({sys.executable})",
        "system": f"{platform.platform()}, {platform.machine()}",
        **{name: _version(name) or "not installed" for name in ("numpy", "Pillow")},
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _opencv(problems: list[str]) -> Found:
    installed = {name: told for name in OPENCVS if (told := _version(name))}
    advice = (
        f"{listed(list(installed))} lie over each other in one folder: the last one installed is "
        "used, and uninstalling any of them breaks the others. Best uninstall all of them, and "
        "install the one you want alone"
    )
    found: Found = {
        "version": "not loaded",
        "kind": None,
        "packages": [f"{name} {version}" for name, version in installed.items()],
        "advice": advice if len(installed) > 1 else None,
    }
    try:
        import cv2
    except ImportError as error:
        problems.append(f"OpenCV cannot be loaded: {describe(error)}")
        return found
    built: Any = getattr(cv2, "version", None)
    kind = "not one of pip's packages"
    if hasattr(built, "headless"):  # only the packages on PyPI have it
        contrib, headless = built.contrib and "contrib-", built.headless and "-headless"
        kind = f"opencv-{contrib or ''}python{headless or ''}"
    return {**found, "version": str(cv2.__version__), "kind": kind}


def _files(problems: list[str]) -> dict[str, str]:
    """Compare bundled files with the sums beside them."""
    states = {}
    for folder, name in _FILES:
        sums = resource(folder, f"{name}.sha256").read_text(encoding="ascii").split()
        digest = hashlib.sha256(resource(folder, name).read_bytes()).hexdigest()
        is_intact = digest == sums[sums.index(name) - 1]  # each line: a sum, a name
        states[name] = f"{digest[:8]}, {'intact' if is_intact else 'DAMAGED'}"
        if not is_intact:
            problems.append(f"{name} is not the file that was published; reinstall classicselfie")
    return states


def _weights(problems: list[str]) -> dict[str, str]:
    """Read the bundled weights, and compare them with the sums that pip wrote down."""
    from classicselfie.model import BUNDLED, SCHEMA_VERSION, load_model

    states, sums = {}, _sums()
    for detector, name in BUNDLED.items():
        model, path = load_model(detector), resource("models", name)
        digest = hashlib.sha256(path.read_bytes()).digest()
        written = sums.get(path)
        state = "readable" if written is None else "intact" if written == digest else "CHANGED"
        states[detector] = f"{model.name}, schema {SCHEMA_VERSION}, {state}"
        if state == "CHANGED":
            problems.append(f"{name} has changed since it was installed; reinstall classicselfie")
    return states


def _sums() -> dict[Path, bytes]:
    """List the SHA-256 of what pip installed; nothing for a checkout."""
    try:
        files = metadata.distribution("classicselfie").files or []
    except metadata.PackageNotFoundError:
        return {}
    return {
        Path(str(file.locate())).resolve(): base64.urlsafe_b64decode(f"{file.hash.value}=")
        for file in files
        if file.hash is not None and file.hash.mode == "sha256"
    }


def _self_test(problems: list[str], pictures: Pictures) -> dict[str, str]:
    """Judge a drawn person and an empty room, of which the answers are known."""
    import cv2

    from classicselfie.detector import SelfieDetector

    states = {}
    for name, expected in _EXPECTED.items():
        if name == "haar" and not hasattr(cv2, "CascadeClassifier"):
            states[name] = "not possible: this OpenCV has no CascadeClassifier"
            continue
        detector = SelfieDetector(detector=name)
        person, room = map(detector.check, pictures)
        is_right = (
            len(person.faces) == 1
            and abs((person.probability or 0.0) - expected) <= _TOLERANCE
            and (room.label, len(room.faces)) == ("not_selfie", 0)
        )
        states[name] = (
            f"{'passed' if is_right else 'FAILED'}: a drawn person is a selfie by "
            f"{person.probability or 0:.4f} (about {expected} expected), faces: "
            f"{len(person.faces)}; an empty room is {room.label}, faces: {len(room.faces)}"
        )
        if not is_right:
            problems.append(f"the self-test of {name} failed")
    return states
