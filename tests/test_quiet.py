"""What decoders print about odd files does not reach the user's stderr; what users print does."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest
from conftest import encode
from PIL import Image

from classicselfie import SelfieDetector
from classicselfie.benchmark.drawing import draw_person
from classicselfie.photo import load_photo
from classicselfie.quiet import no_warnings

CHECK = (
    "import sys, pathlib\n"
    "from classicselfie import SelfieDetector\n"
    "detector = SelfieDetector()\n"
    "for path in sys.argv[1:]:\n"
    "    found = sorted(p for p in pathlib.Path(path).iterdir() if p.suffix != '.csv')\n"
    "    for photo in found: print(detector.check(photo).label)\n"
)


def check_folders(*folders: Path) -> subprocess.CompletedProcess[str]:
    root = str(Path(__file__).parents[1])
    return subprocess.run(
        [sys.executable, "-W", "always", "-c", CHECK, *map(str, folders)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": root},
    )


def odd_files() -> dict[str, bytes]:
    """Files at which Pillow warns, and libtiff prints warnings and errors."""
    image = Image.fromarray(draw_person()[..., ::-1].copy())
    out = io.BytesIO()
    image.save(out, "TIFF", compression="tiff_lzw", tiffinfo={65432: b"odd", 270: "text"})
    whole = out.getvalue()
    broken = bytearray(whole)
    broken[2000:6000] = bytes(4000)
    return {"custom.tif": whole, "broken.tif": bytes(broken), "beyond.jpg": beyond()}


def beyond() -> bytes:
    """Write a JPEG with a description that lies behind its EXIF block's end: Pillow warns."""
    entries = struct.pack("<HHHII", 1, 270, 2, 5000, 9999) + bytes(4)
    segment = b"Exif\0\0" + struct.pack("<2sHI", b"II", 42, 8) + entries
    jpeg = encode(draw_person(), ".jpg")
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + jpeg[2:]


def test_a_check_prints_nothing(tmp_path: Path) -> None:
    for name, data in odd_files().items():
        (tmp_path / name).write_bytes(data)
    done = check_folders(tmp_path)
    assert len(done.stdout.split()) == 3
    assert done.stderr == ""


def test_no_odd_file_prints_anything(odd_dir: Path) -> None:
    assert check_folders(odd_dir).stderr == ""


def test_warnings_of_other_code_stay(recwarn: pytest.WarningsRecorder) -> None:
    SelfieDetector().check(beyond())
    assert not recwarn.list
    with Image.open(io.BytesIO(beyond())) as image:  # the user's own use of Pillow
        image.getexif()
    assert recwarn.list


def test_a_user_who_turns_warnings_into_errors_gets_the_same_answer() -> None:
    expected = load_photo(beyond()).image
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(load_photo(beyond()).image, expected)


def test_who_copies_warning_filters_meets_patterns() -> None:
    """scikit-learn hands them on to its threads and processes."""
    parallel = pytest.importorskip("sklearn.utils.parallel", reason="the extra train is missing")
    load_photo(beyond())
    for backend in ("threading", "loky"):
        run = parallel.Parallel(n_jobs=2, backend=backend)
        assert run(parallel.delayed(len)(text) for text in ("a", "bc")) == [1, 2]


def test_a_thread_is_quiet_for_itself_alone(recwarn: pytest.WarningsRecorder) -> None:
    inside, over = threading.Event(), threading.Event()

    def be_quiet() -> None:
        with no_warnings():
            inside.set()
            over.wait(20)

    thread = threading.Thread(target=be_quiet)
    thread.start()
    assert inside.wait(20)
    warnings.warn("told meanwhile", stacklevel=1)
    over.set()
    thread.join()
    assert [str(each.message) for each in recwarn.list] == ["told meanwhile"]
