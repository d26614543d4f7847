"""The embedded thumbnail answers where it is clear, and only where it can be trusted."""

from __future__ import annotations

import io
import struct
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from classicselfie import SelfieDetector
from classicselfie.benchmark.drawing import draw_person, draw_scene
from classicselfie.photo import Photo, open_photo


def jpeg(image: np.ndarray, quality: int = 90) -> bytes:
    return bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1])


def with_thumbnail(
    image: np.ndarray,
    small: bytes,
    *,
    orientation: int = 1,
    dates: tuple[str, str] | None = None,
    size: tuple[int, int] | None = None,
) -> bytes:
    """Write a JPEG whose second EXIF directory holds a thumbnail, as cameras do (big-endian)."""
    short, long, text = 3, 4, 2
    texts = b"".join(date.encode() + b"\0" for date in dates or ())

    def directory(entries: list[tuple[int, int, int, int]], following: int) -> bytes:
        out = struct.pack(">H", len(entries))
        for tag, kind, count, value in entries:
            packed = struct.pack(">HH", value, 0) if kind == short else struct.pack(">L", value)
            out += struct.pack(">HHL", tag, kind, count) + packed
        return out + struct.pack(">L", following)

    texts_at = 8
    first_at = texts_at + len(texts)
    first = [(0x0112, short, 1, orientation)]
    inner: list[tuple[int, int, int, int]] = []
    if dates:
        first.append((0x0132, text, 20, texts_at))
        inner.append((0x9003, text, 20, texts_at + 20))
    if size:
        inner += [(0xA002, long, 1, size[0]), (0xA003, long, 1, size[1])]
    inner_at = first_at + 2 + 12 * (len(first) + 1) + 4
    second_at = inner_at + 2 + 12 * len(inner) + 4
    small_at = second_at + 2 + 12 * 3 + 4
    first.append((0x8769, long, 1, inner_at))
    second = [(0x0103, short, 1, 6), (0x0201, long, 1, small_at), (0x0202, long, 1, len(small))]
    tiff = struct.pack(">2sHL", b"MM", 42, first_at) + texts
    tiff += directory(first, second_at) + directory(inner, 0) + directory(second, 0) + small
    segment = b"Exif\0\0" + tiff
    plain = jpeg(image)
    return plain[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + plain[2:]


def thumbnail_of(data: bytes) -> Photo | None:
    with open_photo(data) as file:
        return file.thumbnail()


@pytest.fixture(scope="module")
def person() -> np.ndarray:
    return draw_person(900, 1200, face=0.6)


@pytest.fixture(scope="module")
def small(person: np.ndarray) -> bytes:
    return jpeg(cv2.resize(person, (120, 160), interpolation=cv2.INTER_AREA), 80)


def test_a_trustworthy_thumbnail_is_the_photo_in_small(person: np.ndarray, small: bytes) -> None:
    photo = thumbnail_of(with_thumbnail(person, small))
    assert photo is not None
    assert photo.size == (900, 1200)
    whole = cv2.resize(person, photo.image.shape[1::-1], interpolation=cv2.INTER_AREA)
    assert np.abs(photo.image.astype(int) - whole).mean() < 8
    corner = photo.to_original(np.array([photo.image.shape[1::-1]], np.float32))
    np.testing.assert_allclose(corner, [[900, 1200]], atol=1)


def test_it_is_turned_with_the_photo(person: np.ndarray, small: bytes) -> None:
    upright = thumbnail_of(with_thumbnail(person, small))
    lying = cv2.rotate(person, cv2.ROTATE_90_COUNTERCLOCKWISE)
    flat = jpeg(cv2.resize(lying, (160, 120), interpolation=cv2.INTER_AREA), 80)
    turned = thumbnail_of(with_thumbnail(lying, flat, orientation=6))
    assert upright is not None
    assert turned is not None
    assert turned.size == (900, 1200)
    assert np.abs(turned.image.astype(int) - upright.image).mean() < 4


def test_a_doubtful_thumbnail_is_not_looked_at(person: np.ndarray, small: bytes) -> None:
    square = jpeg(cv2.resize(person, (160, 160)))
    barred = np.zeros((160, 120, 3), np.uint8)
    barred[20:140] = cv2.resize(person, (120, 120))
    doubtful = {
        "another aspect": with_thumbnail(person, square),
        "bars": with_thumbnail(person, jpeg(barred)),
        "too small": with_thumbnail(person, jpeg(cv2.resize(person, (60, 80)))),
        "no JPEG": with_thumbnail(person, b"no thumbnail at all"),
        "cut short": with_thumbnail(person, small[: len(small) // 3]),
        "edited later": with_thumbnail(
            person,
            small,
            dates=("2026:01:02 10:00:00", "2026:01:01 10:00:00"),
        ),
        "of another size": with_thumbnail(person, small, size=(90, 120)),
        "none": jpeg(person),
    }
    assert {name: thumbnail_of(data) for name, data in doubtful.items()} == dict.fromkeys(doubtful)
    kept = with_thumbnail(
        person,
        small,
        dates=("2026:01:01 10:00:00", "2026:01:01 10:00:00"),
        size=(900, 1200),
    )
    assert thumbnail_of(kept) is not None


def test_only_whole_jpegs_opened_here_answer_by_their_thumbnail(
    person: np.ndarray, small: bytes
) -> None:
    data = with_thumbnail(person, small)
    assert thumbnail_of(data) is not None
    assert thumbnail_of(data + b"\0" * 40) is not None  # some cameras fill up the last block
    assert thumbnail_of(data[: len(data) * 2 // 3]) is None
    detector = SelfieDetector()
    detector.model = replace(detector.model, margins={"thumbnail": 0.0})
    assert detector.check(data[: len(small) + 900]).label == "unknown"
    # A caller may have painted over the image that was opened.
    with Image.open(io.BytesIO(data)) as image:
        assert detector.check(image).stage == "pixels"
        assert detector.check(image.rotate(180)).stage == "pixels"
    png = io.BytesIO()
    with Image.open(io.BytesIO(data)) as image:
        image.save(png, "PNG", exif=image.info["exif"])
    assert thumbnail_of(png.getvalue()) is None
    # Smaller than its thumbnail, or a thumbnail of endless scans: nothing to trust.
    assert thumbnail_of(with_thumbnail(cv2.resize(person, (60, 80)), small)) is None
    scan = small[small.rindex(b"\xff\xda") : -2]
    assert thumbnail_of(with_thumbnail(person, small[:-2] + scan[:400] * 101)) is None


@pytest.mark.parametrize("value", [-5, -1, 0, 1, 2**31 - 1, 2**32 - 1])
@pytest.mark.parametrize("kind", [b"\x00\x04", b"\x00\x09", b"\x00\x06", b"\x00\x0d"])
def test_hostile_pointers_raise_nothing(
    person: np.ndarray, small: bytes, value: int, kind: bytes
) -> None:
    data = with_thumbnail(person, small)
    at = data.index(b"\x87\x69")
    packed = struct.pack(">L", value & 0xFFFFFFFF)
    for changed in (
        data[: at + 2] + kind + data[at + 4 : at + 8] + packed + data[at + 12 :],
        data.replace(b"\x02\x01\x00\x04", b"\x02\x01" + kind, 1),
        data.replace(
            struct.pack(">HHLL", 0x0202, 4, 1, len(small)),
            b"\x02\x02" + kind + b"\0\0\0\1" + packed,
            1,
        ),
    ):
        verdict = SelfieDetector().check(changed)
        assert verdict.label in ("selfie", "not_selfie", "unknown")


def test_a_thumbnail_without_a_face_never_speaks_for_a_selfie(
    person: np.ndarray, small: bytes
) -> None:
    empty = jpeg(cv2.resize(draw_scene(900, 1200), (120, 160), interpolation=cv2.INTER_AREA))
    detector = SelfieDetector(threshold=0.0)
    detector.model = replace(detector.model, margins={"thumbnail": 0.0})
    verdict = detector.check(with_thumbnail(person, empty))
    assert (verdict.stage, verdict.label) == ("pixels", "selfie")


def test_the_verdict_says_which_stage_answered(person: np.ndarray, small: bytes) -> None:
    detector = SelfieDetector()
    data = with_thumbnail(person, small)
    detector.model = replace(detector.model, margins={"thumbnail": 0.0})
    early = detector.check(data)
    assert early.stage == "thumbnail"
    assert "decode" not in early.timings_ms
    detector.model = replace(detector.model, margins={"thumbnail": 1e9})
    late = detector.check(data)
    assert late.stage == "pixels"
    detector.model = replace(detector.model, margins={})
    never = detector.check(data)
    assert never.stage == "pixels"
    assert never.probability == late.probability
    assert early.faces
    assert late.faces
    np.testing.assert_allclose(early.faces[0].bbox, late.faces[0].bbox, atol=60)
    assert detector.check(b"no photo").stage == "header"


def test_the_margin_keeps_the_labels() -> None:
    """Thumbnails that are off by 0.2 on average need a margin of about their error's tail."""
    pytest.importorskip("sklearn", reason="the extra train is not installed")
    from classicselfie.training.manifest import Row
    from classicselfie.training.results import Results
    from classicselfie.training.staging import MAX_CHANGED, choose_margin, staged_figures
    from classicselfie.training.validation import flags_at_thresholds

    generator = np.random.default_rng(0)
    selfie = np.arange(8000) % 2 == 0
    rows = [
        Row(Path(f"{i}"), f"{i}", bool(s), "a", "a", "", "people", None)
        for i, s in enumerate(selfie)
    ]
    decisions = generator.normal(np.where(selfie, 1.5, -1.5))
    noisy = decisions + generator.normal(0, 0.2, len(rows))
    folds = np.arange(len(rows)) // 2 % 4
    results = Results(
        model="m",
        provenance="",
        rows=rows,
        folds=folds,
        fold_names=["a", "b", "c", "d"],
        whole_sources=True,
        decisions=decisions,
        warned=decisions,
        early=np.stack([noisy, decisions], axis=1),
        early_warned=np.stack([noisy, decisions], axis=1),
        probabilities=1 / (1 + np.exp(-decisions)),
        flags=flags_at_thresholds(rows, folds, decisions),
        shares=decisions[:, None],
        share_names=["face"],
        baseline=None,
        retrained={},
        bands={},
        unreadable=[],
    )
    everything = np.arange(len(rows))
    margin = choose_margin(results, everything, "thumbnail")
    assert margin is not None
    assert 0.1 < margin < 0.8
    # What the first look sees is here what two looks see.
    assert choose_margin(results, everything, "first_look") == 0
    # Where thumbnails show no face of what is flagged, no margin helps.
    unseen = np.full((len(rows), 2), -np.inf)
    blind = replace(results, early_warned=unseen, early=results.early + 9)
    assert choose_margin(blind, everything, "thumbnail") is None
    assert staged_figures(blind, "thumbnail") == {}
    # One that settles nothing costs nothing.
    silent = replace(results, early=np.full((len(rows), 2), np.nan))
    assert all(row["settled"] == 0 for row in staged_figures(silent, "thumbnail").values())
    for figures in staged_figures(results, "thumbnail").values():
        assert 0.3 < figures["settled"] < 1
        assert figures["changed"] <= 3 * MAX_CHANGED["thumbnail"]
        drop = figures["balanced_accuracy"] - figures["balanced_accuracy_staged"]
        assert abs(drop) <= 0.002
