"""The quality score: damage lowers it, skin does not move it, and ratings can teach it."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from damage import (
    add_noise,
    blur,
    crop_tightly,
    darken,
    recolour_skin,
    sharpen,
    smooth_skin,
    tilt,
)
from test_cli import run

from classicselfie import ModelError
from classicselfie.benchmark.drawing import BgrImage, draw_person, draw_scene
from classicselfie.errors import NoFaceError
from classicselfie.faces import Face, YuNetDetector
from classicselfie.features import Scene
from classicselfie.photo import load_photo
from classicselfie.quality import score_quality
from classicselfie.quality.measures import MEASURES, QualityMaps, find_heads
from classicselfie.quality.score import (
    DEFAULT_SCORER,
    QualityScorer,
    load_scorer,
    rate,
    survey,
)

BBOX = (150.0, 180.0, 180.0, 280.0)  # of the drawn face, roughly
DAMAGE: dict[str, tuple[str, Callable[[BgrImage, float], BgrImage], tuple[float, ...]]] = {
    "darkening": ("dark", darken, (1, 2, 3)),
    "blur": ("softness", blur, (6, 10, 14)),
    "noise": ("noise", add_noise, (8, 16, 32)),
    "sharpening": ("halos", sharpen, (1, 2, 4)),
    "over-tight crop": (
        "head_cut",
        lambda image, share: crop_tightly(image, BBOX, share),
        (0.65, 0.8, 0.95),
    ),
    "tilt": ("tilt", tilt, (10, 20, 30)),
}


def points(picture: BgrImage) -> dict[str, float]:
    return {part.name: part.points for part in score_quality(picture).parts}


def test_the_parts_add_up_to_the_score() -> None:
    scored = score_quality(draw_person(face=0.35))
    assert [part.name for part in scored.parts] != list(MEASURES)  # costliest first
    assert {part.name for part in scored.parts} == set(MEASURES)
    assert scored.best + sum(part.points for part in scored.parts) == pytest.approx(scored.score)
    assert 5 < scored.score <= 10


@pytest.mark.parametrize("name", DAMAGE)
def test_known_damage_lowers_the_score_and_is_named(name: str) -> None:
    part, damage, strengths = DAMAGE[name]
    picture = draw_person(face=0.4)
    states = [picture, *(damage(picture, strength) for strength in strengths)]
    scores = [score_quality(state).score for state in states]
    assert all(weaker > stronger for weaker, stronger in pairwise(scores)), scores
    lost = {key: value - points(picture)[key] for key, value in points(states[-1]).items()}
    assert part in sorted(lost, key=lambda key: lost[key])[:3]


@pytest.mark.parametrize(
    ("part", "picture", "words"),
    [
        ("head_size", draw_person(face=0.12), "come closer"),
        ("head_size", draw_person(face=0.75), "step back"),
        ("eyes", draw_person(480, 640, (0.5, 0.86), 0.3), "point the camera a little lower"),
        ("tilt", tilt(draw_person(face=0.4), 25), "hold the camera level"),
        ("dark", darken(draw_person(face=0.4), 3), "more light"),
    ],
)
def test_advice_says_what_to_change(part: str, picture: BgrImage, words: str) -> None:
    scored = score_quality(picture)
    (told,) = [each for each in scored.parts if each.name == part]
    assert words in told.sentence
    assert told.sentence in scored.advice


def test_only_what_costs_points_has_a_sentence() -> None:
    scored = score_quality(darken(draw_person(face=0.35), 2))
    silent = [part for part in scored.parts if not part.sentence]
    assert silent
    assert all(part.points > -0.05 for part in silent)
    told = [part for part in scored.parts if part.sentence]
    assert "dark" in {part.name for part in told}
    assert all(part.points <= -0.05 for part in told)


def test_a_head_has_the_same_tilt_in_the_mirror() -> None:
    picture = tilt(draw_person(face=0.4), 17)
    mirrored = np.ascontiguousarray(picture[:, ::-1])
    straight, turned = (survey(load_photo(each)).tilt for each in (picture, mirrored))
    assert straight == pytest.approx(-turned, abs=0.2)


@pytest.mark.parametrize("quarter", [cv2.ROTATE_90_CLOCKWISE, cv2.ROTATE_90_COUNTERCLOCKWISE])
def test_a_lying_head_is_told_as_lying(quarter: int) -> None:
    picture = np.asarray(cv2.rotate(draw_person(face=0.4), quarter), np.uint8)
    clockwise = 90 if quarter == cv2.ROTATE_90_CLOCKWISE else -90
    assert survey(load_photo(picture)).tilt == pytest.approx(clockwise, abs=10)


@pytest.mark.parametrize(("degrees", "fewest", "most"), [(0, 1, 1), (20, 2, 4)])
def test_a_few_passes_of_the_network_tell_a_head(degrees: float, fewest: int, most: int) -> None:
    """One for an upright head, and one more for each time that its tilt moves."""
    photo = load_photo(tilt(draw_person(face=0.4), degrees))
    (face, *_) = YuNetDetector().detect(photo.image).faces
    pixels = []

    class Counted(YuNetDetector):
        def detect_upright(self, image: BgrImage) -> list[Face]:
            pixels.append(image.shape[0] * image.shape[1])
            return super().detect_upright(image)

    find_heads(photo.image, [face], Counted(score_threshold=0.1))
    assert fewest <= len(pixels) <= most
    assert max(pixels) < 320 * 240  # a look at the whole working image


def test_a_smoothing_filter_is_seen_on_real_faces(real_photos: list[tuple[Path, bool]]) -> None:
    """Skin loses its texture and edges stay: so the part grows, and blur does not raise it."""
    filtered, blurred = [], []
    for path, selfie in real_photos[::3]:
        if not selfie:
            continue
        photo = load_photo(path)
        try:
            maps = survey(photo)
        except NoFaceError:
            continue

        def measure(image: BgrImage, maps: QualityMaps = maps) -> float:
            there = QualityMaps(Scene(image, maps.scene.faces), maps.heads)
            return float(there.measure(there.frame)[0, MEASURES.index("smoothing")])

        before = measure(photo.image)
        filtered.append(measure(smooth_skin(photo.image, 3)) - before)
        blurred.append(measure(blur(photo.image, 6)) - before)
    assert len(filtered) >= 10
    assert np.mean(np.array(filtered) > 0) >= 0.8
    assert np.mean(np.array(blurred) > 0) <= 0.2


def test_what_is_hardly_a_face_gets_no_score() -> None:
    """A few lines that the detector takes for a face, and is not sure of in any view."""
    picture = np.full((320, 320, 3), 145, np.uint8)
    cv2.ellipse(picture, (160, 160), (41, 82), 0, 0, 360, (91, 103, 223), cv2.FILLED)
    for x in (143, 177):
        cv2.circle(picture, (x, 144), 6, (31, 36, 78), cv2.FILLED)
    cv2.ellipse(picture, (160, 201), (16, 8), 0, 0, 360, (31, 36, 78), cv2.FILLED)
    assert YuNetDetector().detect(picture).faces
    with pytest.raises(NoFaceError, match="hardly one can be made out"):
        score_quality(picture)


def test_what_is_worse_still_scores_lower() -> None:
    """Scores bend towards the lowest and never reach it, and the parts still add up."""
    picture = blur(draw_person(face=0.7), 12)
    # The noise comes last, as in a camera: to turn a picture would smooth its noise.
    scored = [
        score_quality(add_noise(darken(tilt(picture, degrees), 3), 32)) for degrees in (0, 16, 32)
    ]
    assert all(each.score > 0 for each in scored)
    assert all(milder.score > harder.score for milder, harder in pairwise(scored))
    assert scored[-1].score < 3
    for each in scored:
        assert each.best == pytest.approx(10)
        assert each.best + sum(part.points for part in each.parts) == pytest.approx(each.score)


def test_bars_cost_points() -> None:
    picture = draw_person(face=0.4)
    barred = cv2.copyMakeBorder(picture, 120, 120, 0, 0, cv2.BORDER_CONSTANT, value=(0, 0, 0))
    assert points(picture)["borders"] == 0
    assert points(np.asarray(barred, np.uint8))["borders"] < -0.3


@pytest.mark.parametrize("degrees", [-30, -15, 15, 30])
def test_tilt_is_measured_in_degrees(degrees: float) -> None:
    (before,) = [p.value for p in score_quality(draw_person(face=0.4)).parts if p.name == "tilt"]
    turned = score_quality(tilt(draw_person(face=0.4), degrees))
    (after,) = [part.value for part in turned.parts if part.name == "tilt"]
    assert after == pytest.approx(abs(degrees), abs=7 + before)


def test_a_crop_is_measured_as_its_own_picture_would_be() -> None:
    photo = load_photo(draw_person(480, 640, (0.5, 0.45), 0.3))
    maps = survey(photo)
    box = np.array([[20, 20, 220, 270]], float)
    (inside,) = maps.measure(box)
    alone = load_photo(np.ascontiguousarray(photo.image[20:270, 20:220]))
    own = survey(alone)
    (whole,) = own.measure(own.frame)
    for name in ("head_size", "eyes", "dark", "head_cut"):
        place = MEASURES.index(name)
        assert inside[place] == pytest.approx(whole[place], abs=0.06), name


# What the skin's blue, green and red light are multiplied by.
SKINS = [(0.35, 0.42, 0.5), (0.62, 0.67, 0.75), (1.3, 1.25, 1.2), (0.85, 0.85, 1.1), (0.75, 1, 1)]


# Shares of real photos in which the score moves by no more than 0.1.
KEPT_SHARE, ANEW_SHARE = 0.95, 0.7


@pytest.mark.parametrize("albedo", SKINS)
def test_another_skin_leaves_a_drawn_persons_score(albedo: tuple[float, float, float]) -> None:
    picture = draw_person(face=0.4)
    before = load_photo(picture)
    maps = survey(before)
    bbox = score_quality(picture).faces[0].bbox
    after = load_photo(recolour_skin(picture, bbox, albedo))
    assert np.abs(after.image.astype(int) - before.image).max() > 10
    kept = QualityMaps(Scene(after.image, maps.scene.faces), maps.heads)
    assert rate(after, kept).score == pytest.approx(rate(before, maps).score, abs=0.1)


def test_another_skin_leaves_real_scores(real_photos: list[tuple[Path, bool]]) -> None:
    """Within 0.1 of a point for the shares that real photos reach; see docs/quality.md."""
    kept, anew, all_over = [], [], []
    for path, selfie in real_photos[::2]:
        if not selfie:
            continue
        before = load_photo(path)
        try:
            maps = survey(before)
        except NoFaceError:
            continue
        score = rate(before, maps).score
        for albedo in SKINS[1:]:
            image = recolour_skin(before.image, maps.scene.faces[0].bbox, albedo)
            after = replace(before, image=image)
            # The heads are where they were, whatever the detector makes of the new colours.
            there = QualityMaps(Scene(image, maps.scene.faces), maps.heads)
            kept.append(abs(rate(after, there).score - score))
            anew.append(abs(rate(after, survey(after)).score - score))
        darker = replace(before, image=darken(before.image, 1.0))
        there = QualityMaps(Scene(darker.image, maps.scene.faces), maps.heads)
        all_over.append(abs(rate(darker, there).score - score))
    assert len(kept) >= 60
    assert np.mean(np.array(kept) <= 0.1) >= KEPT_SHARE, sorted(kept)[-10:]
    assert np.mean(np.array(anew) <= 0.1) >= ANEW_SHARE, sorted(anew)[-20:]
    # The light itself taken away, of skin and all else, is seen in nearly every photo.
    assert np.mean(np.array(all_over) > 0.1) >= 0.9


def test_no_face_is_an_error_of_its_own() -> None:
    with pytest.raises(NoFaceError, match="no face was found"):
        score_quality(draw_scene(640, 480, seed=3))


def test_the_command_scores_and_tells_what_it_cannot(person_path: Path, tmp_path: Path) -> None:
    room = tmp_path / "room.png"
    cv2.imwrite(str(room), draw_scene(640, 480, seed=3))
    done = run("quality", person_path, room, tmp_path / "missing.jpg")
    assert done.returncode == 3
    lines = done.stdout.splitlines()
    assert lines[0].startswith(f"{person_path}: ")
    assert " points; " in lines[0]
    assert lines[1] == f"{room}: cannot be scored: no face was found"
    assert "cannot be scored: the file cannot be read" in lines[2]
    done = run("quality", "--json", person_path)
    assert done.returncode == 0
    answer = json.loads(done.stdout)
    assert answer["score"] == pytest.approx(score_quality(person_path).score, abs=1e-3)
    assert {"path", "score", "best", "parts", "advice", "faces", "size"} == set(answer)


# --- ratings -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ratings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Drawn people, damaged in known ways, and rated by the damage alone."""
    folder = tmp_path_factory.mktemp("ratings")
    generator = np.random.default_rng(0)
    rows = []
    for index in range(48):
        stops, sigma = generator.uniform(0, 3), generator.uniform(0, 14)
        picture = draw_person(300, 400, (generator.uniform(0.4, 0.6), 0.5), 0.4)
        cv2.imwrite(str(folder / f"{index}.png"), blur(darken(picture, stops), sigma + 0.1))
        rating = 5 - stops - 0.1 * sigma
        rows.append({"path": f"{index}.png", "rating": rating, "group": index % 8})
    with (folder / "ratings.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, ("path", "rating", "group"))
        writer.writeheader()
        writer.writerows(rows)
    return folder / "ratings.csv"


@pytest.mark.parametrize("options", [(), ("--loss", "huber"), ("--balanced",)])
def test_ratings_are_learnt(ratings: Path, tmp_path: Path, options: tuple[str, ...]) -> None:
    pytest.importorskip("sklearn", reason="the extra ratings is not installed")
    weights = tmp_path / "mine.json"
    done = run("train-ratings", ratings, "-o", weights, *options)
    assert done.returncode == 0, done.stderr
    assert "Pearson" in done.stdout
    scorer = load_scorer(weights)
    figures = scorer.card["measured_on_left_out_groups"]
    assert figures["pearson"] > 0.9
    assert figures["spearman"] > 0.9
    assert figures["mae"] < 0.5 * figures["mae_of_mean"]
    assert figures["groups"] == 8
    # Only what was rated badly weighs much.
    costly = sorted(zip(scorer.coef, MEASURES, strict=True))[:3]
    assert "dark" in {name for _, name in costly}
    lighter = score_quality(draw_person(face=0.4), scorer).score
    assert score_quality(darken(draw_person(face=0.4), 2.5), scorer).score < lighter
    (line,) = run("quality", "--weights", weights, ratings.parent / "0.png").stdout.splitlines()
    assert " points; " in line


def test_one_absurd_rating_moves_huber_less(ratings: Path, tmp_path: Path) -> None:
    pytest.importorskip("sklearn", reason="the extra ratings is not installed")
    from classicselfie.quality.ratings import train_ratings

    with ratings.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    for row in rows[:3]:
        row["rating"] = "60"
    odd = ratings.with_name("odd.csv")
    with odd.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, ("path", "rating", "group"))
        writer.writeheader()
        writer.writerows(rows)
    moved = {}
    clean = score_quality(draw_person(face=0.4))
    for loss in ("squared", "huber"):
        train_ratings(odd, output=tmp_path / f"{loss}.json", loss=loss)
        odd_score = score_quality(draw_person(face=0.4), load_scorer(tmp_path / f"{loss}.json"))
        train_ratings(ratings, output=tmp_path / f"{loss}.json", loss=loss, force=True)
        even = score_quality(draw_person(face=0.4), load_scorer(tmp_path / f"{loss}.json"))
        moved[loss] = abs(odd_score.score - even.score)
    assert clean.score > 5
    assert moved["huber"] < 0.5 * moved["squared"]


def test_the_same_ratings_give_the_same_weights(ratings: Path, tmp_path: Path) -> None:
    pytest.importorskip("sklearn", reason="the extra ratings is not installed")
    from classicselfie.quality.ratings import train_ratings

    texts = []
    for _ in range(2):
        train_ratings(ratings, output=tmp_path / "mine.json", force=True)
        texts.append((tmp_path / "mine.json").read_text(encoding="utf-8"))
    assert texts[0] == texts[1]
    assert len(json.loads(texts[0])["card"]["training_data_sha256"]) == 64


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("file,stars\na.jpg,3\n", "column 'path' is missing"),
        ("path,rating\n", "needs a row for each photo"),
        ("path,rating\na.jpg,many\n", "line 2: needs a path and a number"),
        ("path,rating\na.jpg,3\n", "needs at least 10 photos"),
    ],
)
def test_bad_ratings_are_one_line(tmp_path: Path, text: str, error: str) -> None:
    pytest.importorskip("sklearn", reason="the extra ratings is not installed")
    ratings = tmp_path / "ratings.csv"
    ratings.write_text(text, encoding="utf-8")
    done = run("train-ratings", ratings, "-o", tmp_path / "mine.json")
    assert done.returncode == 2
    assert error in done.stderr.splitlines()[-1]


def test_ratings_are_read_as_any_spreadsheet_saves_them(tmp_path: Path) -> None:
    pytest.importorskip("sklearn", reason="the extra ratings is not installed")
    from classicselfie.quality.ratings import Rating, read_ratings

    path = tmp_path / "ratings.csv"
    for text, encoding in (
        ("path,rating,group\nä.jpg,3.5,ann\nb.jpg,2,\n", "utf-8"),
        ("path;rating;group\r\nä.jpg;3,5;ann\r\nb.jpg;2;\r\n", "utf-8-sig"),
        ("path\trating\tgroup\r\nä.jpg\t3.5\tann\r\nb.jpg\t2\t\r\n", "utf-16"),
    ):
        path.write_bytes(text.encode(encoding))
        assert read_ratings(path) == [
            Rating(tmp_path / "ä.jpg", 3.5, "ann"),
            Rating(tmp_path / "b.jpg", 2, "b.jpg"),
        ]


def test_weights_survive_a_round_trip_and_refuse_damage(tmp_path: Path) -> None:
    text = DEFAULT_SCORER.to_json()
    assert QualityScorer.from_json(text).to_json() == text
    for damaged in ("{}", "[]", text.replace('"tilt"', '"charm"'), text.replace("-4.3", "NaN", 1)):
        path = tmp_path / "weights.json"
        path.write_text(damaged, encoding="utf-8")
        with pytest.raises(ModelError):
            load_scorer(path)
    with pytest.raises(ModelError, match="cannot be read"):
        load_scorer(tmp_path / "missing.json")
