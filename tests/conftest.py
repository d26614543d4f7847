"""Fixtures: drawn pictures for everybody, real photos where they lie beside the checkout."""

from __future__ import annotations

import csv
import io
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.append(str(Path(__file__).parents[1] / "bench"))

from classicselfie import SelfieDetector
from classicselfie.benchmark.drawing import BgrImage, draw_person
from classicselfie.model import load_model

SHARED = Path(os.environ.get("CLASSICSELFIE_SHARED", Path(__file__).parents[2] / "shared"))

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# In the background a shell lets Ctrl-C be ignored, and what the tests start would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _shared(folder: str) -> Path:
    path = SHARED / folder
    if not path.is_dir():
        pytest.skip(f"real files are not here: {folder} is absent beside the checkout")
    return path


@pytest.fixture(scope="session")
def exif_dir() -> Path:
    return _shared("exif")


@pytest.fixture(scope="session")
def odd_dir() -> Path:
    return _shared("odd")


@pytest.fixture(scope="session")
def cases_dir() -> Path:
    return _shared("cases")


@pytest.fixture(scope="session")
def data_dir() -> Path:
    return _shared("data")


@pytest.fixture(scope="session")
def real_photos(data_dir: Path) -> list[tuple[Path, bool]]:
    """200 real photos and whether they are selfies, spread over all sources."""
    with (data_dir / "manifest.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    chosen = [rows[i] for i in np.linspace(0, len(rows) - 1, 200).astype(int)]
    return [(data_dir / row["path"], row["label"] == "selfie") for row in chosen]


@pytest.fixture(scope="session")
def known_photos(data_dir: Path) -> list[tuple[Path, bool]]:
    """200 real photos, spread over those sources that the bundled weights were trained on."""
    known = load_model("yunet").card["training_data"]["sources"]
    with (data_dir / "manifest.csv").open(newline="", encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["source"] in known]
    chosen = [rows[i] for i in np.linspace(0, len(rows) - 1, 200).astype(int)]
    return [(data_dir / row["path"], row["label"] == "selfie") for row in chosen]


@pytest.fixture(scope="session")
def person() -> BgrImage:
    return draw_person()


@pytest.fixture(scope="session")
def person_jpeg(person: BgrImage) -> bytes:
    return encode(person, ".jpg")


@pytest.fixture(scope="session")
def person_path(person_jpeg: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photos") / "person.jpg"
    path.write_bytes(person_jpeg)
    return path


@pytest.fixture(scope="session")
def detector() -> SelfieDetector:
    return SelfieDetector()


def require_chromium() -> str:
    """Find a real Chromium; without one, or without Playwright, the test skips."""
    pytest.importorskip("playwright.sync_api", reason="the extra dev is not installed")
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium)")
    return path


@pytest.fixture(scope="module")  # an event loop runs as long as it lives
def browser() -> Iterator[Any]:
    """Start a real, headless Chromium; without one the tests in it skip."""
    path = require_chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as tools:
        running = tools.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield running
        running.close()


def encode(image: BgrImage, extension: str) -> bytes:
    ok, data = cv2.imencode(extension, image)
    assert ok
    return data.tobytes()


def with_exif(jpeg: bytes, exif: object) -> bytes:
    """Re-encode a JPEG with a PIL.Image.Exif."""
    from PIL import Image

    out = io.BytesIO()
    Image.open(io.BytesIO(jpeg)).save(out, "JPEG", quality=95, exif=exif)
    return out.getvalue()
