"""Explanations: the sum is exact, the maps mean what they say, the files stand by themselves."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest
from conftest import with_exif
from golden_pictures import golden_pictures
from PIL import Image
from test_cli import run

from classicselfie import PhotoError, SelfieDetector
from classicselfie.benchmark.drawing import BgrImage, draw_person, draw_scene
from classicselfie.explain.explanation import BIAS, occlude
from classicselfie.features import Scene, extract_features
from classicselfie.metadata import metadata_evidence, read_hints
from classicselfie.photo import PhotoSource, open_photo


def decision_function(detector: SelfieDetector, photo: PhotoSource) -> float:
    """The decision value from the model itself, without any share being told."""
    with open_photo(photo) as file:
        hints = read_hints(file)
        decoded = file.decode()
    model = detector.model
    explanation = detector.explain(photo, occlusion=False)
    found = detector.face_detector.detect(decoded.image)
    if len(explanation.scene.views) == 2:  # the first look left doubts
        found = detector.face_detector.look_again(decoded.image, found)
    scene = Scene(decoded.image, found.faces, found.views)
    features = extract_features(scene)[model.columns].astype(np.float64)
    faces = explanation.faces
    evidence = metadata_evidence(hints, faces[0] if faces else None, decoded.size)
    metadata = sum(item.log_odds for item in evidence) / model.calibration[0]
    return float(model.decision_function(features[None])[0]) + metadata


@pytest.mark.parametrize("name", sorted(golden_pictures()))
def test_contributions_add_up_on_drawn_pictures(detector: SelfieDetector, name: str) -> None:
    picture = golden_pictures()[name]
    explanation = detector.explain(picture, occlusion=False)
    total = sum(explanation.contributions.values())
    assert total == pytest.approx(explanation.decision_value, abs=1e-6)
    assert total == pytest.approx(decision_function(detector, picture), abs=1e-6)
    assert sum(explanation.groups.values()) == pytest.approx(total, abs=1e-6)
    assert BIAS in explanation.contributions
    assert explanation.verdict.probability == detector.model.probability(explanation.decision_value)


def test_contributions_add_up_on_200_real_photos(
    detector: SelfieDetector, real_photos: list[tuple[Path, bool]]
) -> None:
    assert len(real_photos) == 200
    for path, _ in real_photos:
        total = sum(detector.explain(path, occlusion=False).contributions.values())
        assert total == pytest.approx(decision_function(detector, path), abs=1e-6), path


def test_metadata_is_part_of_the_sum(detector: SelfieDetector, person_jpeg: bytes) -> None:
    exif = Image.Exif()
    exif[0x010F] = "Any"
    exif.get_ifd(0x8769).update({0x920A: 2.7, 0xA405: 30})
    told = detector.explain(with_exif(person_jpeg, exif), occlusion=False)
    assert told.contributions["metadata.focal_length"] > 0
    assert told.distance_m == pytest.approx(
        0.16 * 30 / 43.3 * np.hypot(480, 640) / told.faces[0].bbox[2]
    )
    assert sum(told.contributions.values()) == pytest.approx(told.decision_value, abs=1e-6)
    assert detector.explain(person_jpeg, occlusion=False).distance_m is None


def test_hiding_what_decides_shows_on_the_map() -> None:
    image = np.full((120, 160, 3), 40, np.uint8)
    image[30:60, 100:130] = 240
    map_ = occlude(image, [], lambda picture: float((picture > 200).mean()))
    y, x = np.unravel_index(int(map_.argmax()), map_.shape)
    assert 30 <= y < 60
    assert 100 <= x < 130
    assert map_[:, :40].max() == pytest.approx(0.0)


def test_the_face_matters_on_a_drawn_selfie(detector: SelfieDetector) -> None:
    explanation = detector.explain(draw_person(face=0.5))
    x, y, w, h = (round(value) for value in explanation.scene.faces[0].bbox)
    inside = np.abs(explanation.occlusion)[y : y + h, x : x + w].mean()
    assert inside > np.abs(explanation.occlusion)[: y // 2].mean()


def test_an_arm_is_traced_to_the_frame(detector: SelfieDetector) -> None:
    picture = draw_person(480, 640, (0.5, 0.35), 0.35)
    without = detector.explain(picture, occlusion=False)
    picture[400:640, 330:420] = (150, 185, 225)
    explanation = detector.explain(picture, occlusion=False)
    assert explanation.arm[-1].any()
    assert not without.arm.any()
    assert explanation.skin[explanation.arm].all()


def test_a_room_without_people_is_explained(detector: SelfieDetector, tmp_path: Path) -> None:
    explanation = detector.explain(draw_scene(640, 480, seed=3), occlusion=False)
    assert explanation.faces == ()
    assert explanation.hog_face is None
    assert not explanation.arm.any()


def test_an_unreadable_photo_raises(detector: SelfieDetector) -> None:
    with pytest.raises(PhotoError, match="cannot be read"):
        detector.explain("no-such-file.jpg")


@pytest.mark.parametrize("picture", [draw_person(face=0.5), draw_scene(640, 480, seed=3)])
def test_the_command_writes_a_picture_and_a_page(picture: BgrImage, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the extra explain is not installed")
    pytest.importorskip("jinja2", reason="the extra explain is not installed")
    photo = tmp_path / "<b>photo.png"
    Image.fromarray(picture[..., ::-1]).save(photo)
    done = run("explain", photo)
    assert done.returncode == 0, done.stderr
    png, page = Path(f"{photo}.why.png"), Path(f"{photo}.why.html")
    assert f"see {png} and {page}" in done.stdout
    with Image.open(png) as drawn:
        assert min(drawn.size) > 700
    html = page.read_text(encoding="utf-8")
    assert "<b>photo" not in html
    assert not re.findall(r"(?:src|href)=\"(?!data:|#)", html)
    images = re.findall(r"<img [^>]*>", html)
    assert len(images) == 3
    assert all(re.search(r'alt="[^"]{10,}"', image) for image in images)
    assert "prefers-color-scheme: dark" in html
    again = run("explain", photo)
    assert again.returncode == 2
    assert again.stderr.count("\n") == 1
    assert "exists already" in again.stderr


def test_a_name_of_any_bytes_is_shown(person_path: Path, tmp_path: Path) -> None:
    photo, page = tmp_path / os.fsdecode(b"x\xff.png"), tmp_path / "why.html"
    photo.write_bytes(person_path.read_bytes())
    done = run("explain", photo, "-o", page)
    assert done.returncode == 0, done.stderr
    assert r"x\xff.png" in page.read_text(encoding="utf-8")


def test_explain_refuses_in_one_line(person_path: Path, tmp_path: Path) -> None:
    for arguments, text in (
        ((person_path, "-o", tmp_path / "why.gif"), "must end in .png or .html"),
        ((tmp_path / "missing.jpg", "-o", tmp_path / "why.png"), "cannot be read"),
        ((person_path, "-o", tmp_path / "none" / "why.html"), "cannot be written"),
    ):
        done = run("explain", *arguments)
        assert done.returncode == 2
        assert text in done.stderr
        assert done.stderr.count("\n") == 1
