"""Crops: better than the whole, faces whole, full resolution, and nothing overwritten."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from conftest import encode
from PIL import Image, ImageCms
from test_cli import run

from classicselfie.benchmark.drawing import draw_head, draw_person, draw_scene, turned
from classicselfie.crop import find_crop
from classicselfie.crop.search import encode as encode_crop
from classicselfie.errors import CropError, NoFaceError
from classicselfie.quality import score_quality

ASPECTS = {"1:1": 1.0, "4:5": 0.8, "3:4": 0.75, "16:9": 16 / 9}


@pytest.mark.parametrize("aspect", [*ASPECTS, "free"])
def test_a_small_head_gets_a_closer_crop(aspect: str) -> None:
    picture = draw_person(1600, 1200, (0.7, 0.25), 0.12)
    crop = find_crop(picture, aspect)
    left, top, right, bottom = crop.box
    assert crop.image.size == (right - left, bottom - top)
    if aspect != "free":
        assert (right - left) / (bottom - top) == pytest.approx(ASPECTS[aspect], abs=0.005)
    x, y, w, h = crop.before.faces[0].bbox
    assert left <= x
    assert top <= y
    assert x + w <= right
    assert y + h <= bottom
    assert crop.after is not None
    assert crop.after.score > crop.before.score
    assert crop.after.score == score_quality(crop.image).score
    assert crop.after.score == pytest.approx(crop.expected, abs=1.0)
    pixels = np.asarray(crop.image)[..., ::-1]
    assert np.array_equal(pixels, picture[top:bottom, left:right])


def test_all_of_the_main_group_stay() -> None:
    picture = draw_scene(1200, 800)
    for x in (250, 600, 950):
        draw_head(picture, (x, 380), 180)
    crop = find_crop(picture, "free")
    faces = crop.before.faces
    assert len(faces) == 3
    assert crop.box[0] <= min(face.bbox[0] for face in faces)
    assert crop.box[2] >= max(face.bbox[0] + face.bbox[2] for face in faces)


def test_no_crop_is_better_than_a_bad_one() -> None:
    picture = draw_person(640, 480, (0.5, 0.5), 0.9)
    crop = find_crop(picture)
    assert crop.after is not None
    assert crop.after.score >= crop.before.score
    with pytest.raises(CropError, match="no crop of the aspect 16:9 keeps the face whole"):
        find_crop(draw_person(480, 640, (0.5, 0.5), 0.7), "16:9")
    with pytest.raises(NoFaceError):
        find_crop(draw_scene(640, 480, seed=3))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_gives_the_same_crop(orientation: int) -> None:
    upright = draw_person(900, 1200, (0.6, 0.4), 0.2)
    exif = Image.Exif()
    exif[0x0112] = orientation
    stream = io.BytesIO()
    stored = turned(upright, orientation)
    Image.fromarray(stored[..., ::-1]).save(stream, "PNG", exif=exif)
    crop, expected = find_crop(stream.getvalue(), "4:5"), find_crop(upright, "4:5")
    assert crop.box == expected.box
    assert np.array_equal(np.asarray(crop.image), np.asarray(expected.image))
    assert not crop.image.getexif()


def test_the_colour_profile_stays_and_other_metadata_do_not(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x010F] = "Any"
    photo, output = tmp_path / "photo.jpg", tmp_path / "crop.jpg"
    drawn = Image.fromarray(draw_person(900, 1200, (0.6, 0.4), 0.2)[..., ::-1])
    drawn.save(photo, icc_profile=profile, exif=exif, quality=95)
    before = photo.read_bytes()
    assert run("crop", photo, "-o", output, "--aspect", "1:1").returncode == 0
    with Image.open(output) as crop:
        assert crop.info["icc_profile"] == profile
        assert not crop.getexif()
        assert crop.size[0] == crop.size[1] <= 900
    assert photo.read_bytes() == before


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK"])
def test_every_kind_of_pixels_can_be_cropped(mode: str) -> None:
    drawn = Image.fromarray(draw_person(600, 800, (0.5, 0.4), 0.2)[..., ::-1]).convert(mode)
    crop = find_crop(drawn, "3:4")
    assert crop.image.mode == ("L" if mode == "L" else "RGB")
    assert crop.image.width <= 600


def test_small_photos_keep_their_pixels() -> None:
    crop = find_crop(draw_person(300, 400, (0.5, 0.4), 0.15))
    assert max(crop.image.size) >= 320


def test_the_command_never_overwrites(person_path: Path, tmp_path: Path) -> None:
    before = person_path.read_bytes()
    output, sheet = tmp_path / "crop.png", tmp_path / "sheet.jpg"
    done = run("crop", person_path, "-o", person_path)
    assert done.returncode == 2
    assert "exists already" in done.stderr
    assert person_path.read_bytes() == before
    done = run("crop", person_path, "-o", output, "--sheet", sheet)
    assert done.returncode == 0, done.stderr
    assert "points before" in done.stdout
    with Image.open(sheet) as drawn:
        assert drawn.width > drawn.height
    assert run("crop", person_path, "-o", output).returncode == 2


def test_the_command_speaks_json_and_reads_stdin(person_path: Path, tmp_path: Path) -> None:
    output = tmp_path / "crop.webp"
    done = run("crop", "-", "-o", output, "--json", stdin=person_path.read_bytes())
    answer = json.loads(done.stdout)
    assert {"path", "output", "box", "before", "expected", "after"} == set(answer)
    with Image.open(output) as crop:
        left, top, right, bottom = answer["box"]
        assert crop.size == (right - left, bottom - top)


def test_faces_across_a_wide_picture_keep_it_whole() -> None:
    picture = draw_scene(2400, 800)
    for x in (150, 1200, 2250):
        draw_head(picture, (x, 400), 240)
    crop = find_crop(picture)
    assert crop.box == (0, 0, 2400, 800)
    with pytest.raises(CropError, match="no crop of the aspect 1:1"):
        find_crop(picture, "1:1")


def test_a_profile_of_grey_is_not_put_on_colours(tmp_path: Path) -> None:
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[16:20] = b"GRAY"
    path = tmp_path / "grey.png"
    grey = Image.fromarray(draw_person(480, 640, (0.5, 0.4), 0.3)[..., 1]).convert("LA")
    grey.save(path, icc_profile=bytes(profile))
    crop = find_crop(path)
    assert crop.image.mode == "RGB"
    assert "icc_profile" not in crop.image.info


def test_a_crop_too_wide_for_its_format_is_told() -> None:
    with pytest.raises(CropError, match="cannot be written as WebP"):
        encode_crop(Image.new("RGB", (17000, 60)), ".webp")


def test_nothing_is_written_before_all_is_right(person_path: Path, tmp_path: Path) -> None:
    output = tmp_path / "crop.jpg"
    for sheet, text in ((tmp_path / "sheet.gif", "must end in .jpg"), (output, "cannot be both")):
        done = run("crop", person_path, "-o", output, "--sheet", sheet)
        assert done.returncode == 2
        assert text in done.stderr
        assert list(tmp_path.glob("crop*")) == []


def test_refusals_are_one_line(person_path: Path, tmp_path: Path) -> None:
    room = tmp_path / "room.png"
    room.write_bytes(encode(draw_scene(640, 480, seed=3), ".png"))
    for arguments, text in (
        ((person_path, "-o", tmp_path / "crop.gif"), "must end in .jpg"),
        ((room, "-o", tmp_path / "crop.jpg"), "no face was found"),
        ((person_path, "-o", tmp_path / f"{'a' * 300}.jpg"), "cannot be written"),
        ((tmp_path / "missing.jpg", "-o", tmp_path / "crop.jpg"), "cannot be read"),
    ):
        done = run("crop", *arguments)
        assert done.returncode == (3 if text.startswith(("no face", "cannot be read")) else 2)
        assert text in done.stderr
        assert done.stderr.count("\n") == 1
        assert not (tmp_path / "crop.jpg").exists()
