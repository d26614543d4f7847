"""Explanations: the sum is exact, the maps mean what they say, the files stand by themselves."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from conftest import encode, with_exif
from PIL import Image
from test_cli import run

from classicselfie import PhotoError, SelfieDetector
from classicselfie.benchmark.drawing import (
    SKIN,
    BgrImage,
    draw_head,
    draw_person,
    draw_scene,
    golden_pictures,
)
from classicselfie.explain.explanation import BIAS, occlude
from classicselfie.explain.words import find_marks, write_sentences
from classicselfie.extras import install_command
from classicselfie.features import Scene, extract_features
from classicselfie.metadata import metadata_evidence, read_hints
from classicselfie.photo import PhotoSource, open_photo

needs_segments = pytest.mark.skipif(
    importlib.util.find_spec("skimage") is None, reason="the extra explain is not installed"
)


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


@needs_segments
def test_hiding_what_decides_shows_on_the_map() -> None:
    image = np.full((120, 160, 3), 40, np.uint8)
    image[30:60, 100:130] = 240
    map_ = occlude(image, [], lambda picture: float((picture > 200).mean()))
    y, x = np.unravel_index(int(map_.argmax()), map_.shape)
    assert 30 <= y < 60
    assert 100 <= x < 130
    assert map_[:, :40].max() == pytest.approx(0.0)


@needs_segments
def test_a_face_is_hidden_as_a_whole() -> None:
    """Pieces of one still leave a face, and would tell what a softer one is worth."""
    image = draw_person(320, 320, face=0.5)
    seen: list[BgrImage] = []

    def decide(picture: BgrImage) -> float:
        """Give every look a value of its own."""
        seen.append(picture)
        return float(len(seen))

    map_ = occlude(image, [(100.0, 80.0, 120.0, 160.0)], decide)
    inside = np.zeros(map_.shape, bool)
    inside[80:240, 100:220] = True
    assert len(np.unique(map_[inside])) == 1
    assert not np.isin(map_[~inside], map_[inside]).any()
    eyes_and_mouth = np.s_[110:210, 120:200]
    spread = [float(picture[eyes_and_mouth].std()) for picture in seen]
    assert min(spread) < 0.5 * spread[0]


@needs_segments
def test_the_face_speaks_for_a_drawn_selfie(detector: SelfieDetector) -> None:
    explanation = detector.explain(draw_person(face=0.5))
    x, y, w, h = (round(value) for value in explanation.scene.faces[0].bbox)
    inside = explanation.occlusion[y + 2 : y + h - 2, x + 2 : x + w - 2]
    assert inside.min() == inside.max() > 0
    assert inside.mean() > np.abs(explanation.occlusion)[: y // 2].mean()


def test_without_scikit_image_one_line_tells_what_to_install(
    person_path: Path, tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib", reason="the extra explain is not installed")
    pytest.importorskip("jinja2", reason="the extra explain is not installed")
    code = (
        "import sys\n"
        "sys.modules['skimage'] = None\n"
        "from classicselfie import SelfieDetector\n"
        "from classicselfie.cli import main\n"
        "SelfieDetector().explain(sys.argv[1], occlusion=False)  # needs none of it\n"
        "sys.exit(main(['explain', *sys.argv[1:]]))"
    )
    command = [sys.executable, "-c", code, str(person_path), "-o", str(tmp_path / "why.html")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == (
        f"classicselfie: skimage is not installed; run: {install_command('explain')}\n"
    )


def close_person() -> BgrImage:
    """Somebody near, cut by the upper edge, whose arm runs into the right one."""
    picture = draw_person(480, 640, (0.4, 0.22), 0.42)
    cv2.fillPoly(picture, [np.array([(480, 340), (480, 480), (390, 560), (330, 560)])], SKIN)
    return picture


def test_what_is_told_of_the_arm_is_marked(detector: SelfieDetector) -> None:
    with_arm = detector.explain(close_person(), occlusion=False)
    assert with_arm.arm[:, -1].any()
    assert not with_arm.arm[:, 0].any()
    assert with_arm.skin[with_arm.arm].all()
    without = detector.explain(draw_person(480, 640, (0.4, 0.22), 0.42), occlusion=False)
    assert not without.arm.any()


def test_marks_name_what_is_there_and_nothing_else(detector: SelfieDetector) -> None:
    def told(picture: BgrImage) -> dict[str, str]:
        marks = find_marks(detector.explain(picture, occlusion=False))
        return {mark.name: mark.meaning for mark in marks}

    assert told(close_person()) == {
        "light blue": "the face",
        "yellow": "coloured like its skin",
        "pink": "an arm, hand or shoulder that runs into the right edge",
        "green": "the upper edge, which cuts the head",
    }
    assert set(told(draw_person(face=0.3))) == {"light blue", "yellow"}
    two = draw_scene(640, 480)
    for x, size in ((200, 200), (460, 120)):
        draw_head(two, (x, 250), size)
    assert told(two)["light blue"] == "the nearest of 2 faces, thinner the others"
    assert "no face was found" in told(draw_scene(640, 480, seed=3))["yellow"]


@pytest.mark.parametrize("name", sorted(golden_pictures()))
def test_the_sentences_say_each_thing_once(detector: SelfieDetector, name: str) -> None:
    explanation = detector.explain(golden_pictures()[name], occlusion=False)
    verdict = explanation.verdict
    first, *others = write_sentences(explanation)
    assert first == verdict.summary
    assert len(others) <= 2
    for sentence in (first, *others):
        assert sentence.endswith(".")
        assert "as in " not in sentence
    told = " ".join(others)
    for reason in verdict.reasons:
        if reason.sentence in first:
            assert reason.sentence not in told
        if reason.sentence in told:
            assert (reason.contribution > 0) is (verdict.label == "not_selfie")


def test_a_room_without_people_is_explained(detector: SelfieDetector, tmp_path: Path) -> None:
    explanation = detector.explain(draw_scene(640, 480, seed=3), occlusion=False)
    assert explanation.faces == ()
    assert explanation.hog_face is None
    assert not explanation.arm.any()


def test_an_unreadable_photo_raises(detector: SelfieDetector) -> None:
    with pytest.raises(PhotoError, match="cannot be read"):
        detector.explain("no-such-file.jpg")


@needs_segments
@pytest.mark.parametrize("picture", [draw_person(face=0.5), draw_scene(640, 480, seed=3)])
def test_the_command_writes_a_picture_and_a_page(picture: BgrImage, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the extra explain is not installed")
    pytest.importorskip("jinja2", reason="the extra explain is not installed")
    photo = tmp_path / "<b>photo.png"
    Image.fromarray(picture[..., ::-1]).save(photo)
    done = run("explain", photo)
    assert done.returncode == 0, done.stderr
    png, page = Path(f"{photo}.why.png"), Path(f"{photo}.why.html")
    assert f"See {png} and {page}" in done.stdout
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


@needs_segments
def test_the_page_leads_with_the_photo_and_folds_the_numbers(browser: Any, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the extra explain is not installed")
    pytest.importorskip("jinja2", reason="the extra explain is not installed")
    photo, why = tmp_path / "me.png", tmp_path / "why.html"
    photo.write_bytes(encode(close_person(), ".png"))
    done = run("explain", photo, "-o", why)
    assert done.returncode == 0, done.stderr
    for scheme in ("light", "dark"):
        page = browser.new_page(viewport={"width": 360, "height": 740}, color_scheme=scheme)
        page.goto(why.as_uri())
        (shown,) = [each for each in page.locator("img").all() if each.is_visible()]
        assert shown.get_attribute("alt").startswith("The photo; marked on it: the face;")
        assert shown.bounding_box()["y"] < 150
        sentences = page.locator(".sentences p").all_inner_texts()
        assert 1 <= len(sentences) <= 3
        assert sentences[0] in done.stdout
        legend = page.get_by_role("list", name="Marked on the photo")
        assert legend.get_by_role("listitem").count() == 4
        assert not page.get_by_text("decision value").first.is_visible()
        for each in page.locator("summary").all():
            each.focus()
            page.keyboard.press("Enter")
        assert page.get_by_text("decision value").last.is_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        for box in page.locator(".scroll").all():
            assert box.evaluate("(it) => it.scrollWidth - it.clientWidth") <= 0
        page.close()


@needs_segments
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
        assert done.returncode == (3 if text == "cannot be read" else 2)
        assert text in done.stderr
        assert done.stderr.count("\n") == 1
