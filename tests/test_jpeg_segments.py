"""Scans are counted where a decoder sees them, and nowhere else."""

from __future__ import annotations

import io
import struct

import cv2
import numpy as np
import pytest

from classicselfie import PhotoError
from classicselfie.benchmark.drawing import draw_person
from classicselfie.photo import load_photo
from classicselfie.photo.jpeg import has_many_scans, segments

SCAN = b"\xff\xda"


def segment(code: int, body: bytes) -> bytes:
    return bytes((0xFF, code)) + struct.pack(">H", len(body) + 2) + body


@pytest.fixture(scope="module")
def progressive() -> bytes:
    options = [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]
    return cv2.imencode(".jpg", draw_person(), options)[1].tobytes()


def test_bytes_that_look_like_scans_are_none(progressive: bytes) -> None:
    expected = load_photo(progressive).image
    fakes = SCAN * 150
    for data in (
        progressive[:2] + segment(0xE7, fakes) + progressive[2:],
        progressive[:2] + segment(0xFE, fakes) + progressive[2:],
        progressive + fakes,  # a moving picture's video
        progressive.replace(SCAN, segment(0xEB, fakes) + SCAN, 1),  # between scans
    ):
        assert data.count(SCAN) > 100
        np.testing.assert_array_equal(load_photo(data).image, expected)


def test_nothing_is_read_behind_the_end_of_the_image(progressive: bytes) -> None:
    class Counted(io.BytesIO):
        given = 0

        def read(self, size: int | None = -1) -> bytes:
            data = super().read(size)
            self.given += len(data)
            return data

    stream = Counted(progressive + bytes(50_000_000))
    assert has_many_scans(stream)
    assert stream.given < 60 * 2**16  # a block for each segment


def test_real_scans_are_counted_wherever_they_stand(progressive: bytes) -> None:
    body = progressive.removesuffix(b"\xff\xd9")
    last = body[body.rindex(SCAN) :]
    with pytest.raises(PhotoError, match="more than the limit of 100 scans"):
        load_photo(body + last * 101 + b"\xff\xd9")
    # Hidden behind a comment each, with fill bytes before the marker (T.81, B.1.1.2).
    hidden = segment(0xFE, b"note") + b"\xff\xff" + last
    with pytest.raises(PhotoError, match="more than the limit of 100 scans"):
        load_photo(body + hidden * 101 + b"\xff\xd9")


def test_a_file_of_endless_segments_is_refused(person_jpeg: bytes) -> None:
    with pytest.raises(PhotoError, match="more than 10000 segments"):
        load_photo(person_jpeg[:2] + segment(0xFE, b"") * 10_001 + person_jpeg[2:])


def test_a_marker_across_two_blocks_is_found(progressive: bytes) -> None:
    known = [each.code for each in segments(io.BytesIO(progressive))]
    for length in range(2**16 - 8, 2**16 + 2):
        junk = b"\0" * length  # decoders pass over what stands between segments
        stream = io.BytesIO(progressive[:2] + junk + progressive[2:])
        assert [each.code for each in segments(stream)] == known
