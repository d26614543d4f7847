"""Own photos move the bundled weights, a little, and the report tells whether that is better."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import encode

pytest.importorskip("sklearn", reason="the extra train is not installed")
pytest.importorskip("joblib", reason="the extra train is not installed")

from classicselfie.benchmark.drawing import draw_person, draw_scene
from classicselfie.cli import main
from classicselfie.features import FEATURE_INDEX, FEATURE_NAMES
from classicselfie.model import EARLY_STAGES, LinearModel, load_model
from classicselfie.training.adapt import STRENGTHS, adapt, choose_strength, judge_adapted
from classicselfie.training.comparison import MIN_PHOTOS, compare
from classicselfie.training.dataset import Dataset
from classicselfie.training.fit import sample_weights
from classicselfie.training.folds import assign_folds
from classicselfie.training.manifest import Row


@pytest.fixture(scope="module")
def prior() -> LinearModel:
    return load_model("yunet")


def dataset(prior: LinearModel, photos: int, *, is_foreign: bool = False, seed: int = 0) -> Dataset:
    """Photos about which the bundled weights are right; of foreign ones they know nothing.

    The selfies of these, every second one, differ in numbers of which they make little.
    """
    generator = np.random.default_rng(seed)
    features = np.zeros((photos, len(FEATURE_NAMES)), np.float32)
    noise = generator.normal(size=(photos, len(prior.columns)))
    foreign = np.arange(photos) % 2 == 0
    if is_foreign:
        noise[:, np.argsort(np.abs(prior.coef))[:200]] += np.where(foreign, 1, -1)[:, None]
    features[:, prior.columns] = prior.mean + prior.scale * noise
    features[:, FEATURE_INDEX["face.found"]] = 1
    decisions = prior.decision_function(features[:, prior.columns])
    cut = prior.decision(prior.thresholds["strict"])
    labels = foreign if is_foreign else decisions >= cut
    rows = [
        Row(Path(__file__), f"{n}.jpg", bool(label), "own", "own", "", "k", (100, 100))
        for n, label in enumerate(labels)
    ]
    early = np.repeat(features[:, None], len(EARLY_STAGES), axis=1)
    return Dataset(rows, features[:, None], early, np.full((photos, 2), np.nan), [])


def test_the_weights_are_the_most_likely_ones(prior: LinearModel) -> None:
    photos, strength = dataset(prior, 60, is_foreign=True), 1e-3
    slope, offset = prior.calibration
    x = prior.standardise(photos.features[:, 0][:, prior.columns])
    side = np.where([row.selfie for row in photos.rows], 1, -1)

    def loss(model: LinearModel) -> float:
        change = slope * np.append(model.coef - prior.coef, model.intercept - prior.intercept)
        margin = side * (slope * (x @ model.coef + model.intercept) + offset)
        lost = sample_weights(photos.rows) @ np.logaddexp(0, -margin)
        return float(change @ change / (2 * strength) + lost)

    def slope_along(model: LinearModel, direction: np.ndarray) -> float:
        there, back = (replace(model, coef=model.coef + step * direction) for step in (1e-5, -1e-5))
        return (loss(there) - loss(back)) / 2e-5

    found = adapt(prior, photos, range(60), strength)
    assert loss(found) < loss(prior)
    # No photo pulls any more.
    for direction in x[::7]:
        assert abs(slope_along(found, direction)) < 0.02 * abs(slope_along(prior, direction))
    for step in (-0.01, 0.01):
        assert loss(replace(found, intercept=found.intercept + step)) > loss(found)


def test_what_was_known_is_not_forgotten(prior: LinearModel) -> None:
    """Ten photos of another kind: they are learnt, and others hardly move."""
    wrong = dataset(prior, 10, is_foreign=True)
    elsewhere = dataset(prior, 300, seed=7)
    x, own = (
        each.features[:, 0][:, prior.columns].astype(np.float64) for each in (elsewhere, wrong)
    )
    before = prior.decision_function(x)
    side = np.where([row.selfie for row in wrong.rows], 1, -1)
    moved = []
    for strength in STRENGTHS:
        model = adapt(prior, wrong, range(10), strength)
        assert (model.calibration, model.thresholds) == (prior.calibration, prior.thresholds)
        assert np.corrcoef(before, model.decision_function(x))[0, 1] > 0.95
        moved.append(
            float((side * (model.decision_function(own) - prior.decision_function(own))).mean())
        )
    assert moved == sorted(moved)  # a weaker prior gives in more
    assert moved[0] > 0
    one_sided = replace(wrong, rows=[replace(row, selfie=False) for row in wrong.rows])
    assert adapt(prior, one_sided, range(10), STRENGTHS[0]) is prior


def test_photos_of_another_kind_are_learnt_and_told(prior: LinearModel) -> None:
    photos = dataset(prior, 240, is_foreign=True)
    # The bundled weights know nothing of such labels.
    assert choose_strength(prior, photos, range(240)) > STRENGTHS[0]
    results = judge_adapted(prior, photos, assign_folds(photos.rows), 1)
    told = compare(results, "strict")
    assert told is not None
    low, high = told["interval"]
    assert 0 < low <= told["difference"] <= high
    assert "the adapted ones are better on such photos" in told["sentence"]
    right = {name: side["right"]["flagged"] for name, side in told["sides"].items()}
    assert f"the adapted weights are right about {right['adapted']}" in told["sentence"]
    assert f"the bundled ones about {right['bundled']}:" in told["sentence"]
    assert told["difference"] == pytest.approx(
        (right["adapted"] - right["bundled"]) / 240, abs=1e-4
    )
    for name in ("adapted", "bundled"):
        assert sum(fold[name]["right"] for fold in told["folds"]) == right[name]
    assert sum(fold["photos"] for fold in told["folds"]) == 240


def test_where_the_bundled_weights_are_right_nothing_better_is_claimed(prior: LinearModel) -> None:
    photos = dataset(prior, 80)
    results = judge_adapted(prior, photos, assign_folds(photos.rows), 1)
    told = compare(results, "strict")
    assert told is not None
    assert told["sides"]["bundled"]["right"]["share"] == 1
    assert told["interval"][0] <= 0
    assert "the adapted ones are better" not in told["sentence"]
    # Folds of sixteen photos tell nothing by themselves.
    [pooled] = told["folds"]
    assert pooled["is_pooled"]
    assert pooled["name"] == "5 small folds together"
    # The same answers to eighty photos do not prove that they are the same to all.
    same = compare(replace(results, bundled=results), "strict")
    assert same is not None
    assert same["interval"] == [-0.0458, 0.0458]
    few = dataset(prior, MIN_PHOTOS - 1, is_foreign=True)
    told = compare(judge_adapted(prior, few, assign_folds(few.rows), 1), "strict")
    assert told is not None
    assert told["sentence"].endswith("so few photos tell next to nothing.")


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Drawn people near and far, of whom the bundled weights call hardly one a selfie."""
    folder = tmp_path_factory.mktemp("own")
    generator = np.random.default_rng(0)
    lines = ["path,label"]
    for number in range(12):
        selfie = number % 2 == 0
        face = generator.uniform(0.45, 0.7) if selfie else generator.uniform(0.12, 0.3)
        image = draw_person(240, 320, (0.5, 0.5), face)
        (folder / f"{number}.jpg").write_bytes(encode(image, ".jpg"))
        lines.append(f"{number}.jpg,{'selfie' if selfie else 'other'}")
    (folder / "said.csv").write_text("\n".join(lines) + "\n")
    return folder / "said.csv"


def test_a_dozen_photos_make_weights_a_card_and_a_report(
    manifest: Path, tmp_path: Path, prior: LinearModel, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "mine.json"
    command = ["train", str(manifest), "--with-bundled", "--cache", str(tmp_path / "cache")]
    assert main([*command, "-o", str(mine), "--jobs", "1"]) == 0
    told = capsys.readouterr().err
    model = load_model(mine)
    assert model.card["adapted_from"] == {"name": prior.name, "sha256": prior.digest}
    assert model.feature_names == prior.feature_names
    assert model.margins == prior.margins
    assert not np.array_equal(model.coef, prior.coef)
    report = json.loads((tmp_path / "mine.report.html.json").read_text())
    sentence = report["comparison"]["sentence"]
    assert sentence.startswith("Of 12 photos that they had not seen, the adapted weights are right")
    assert sentence in told
    html = (tmp_path / "mine.report.html").read_text(encoding="utf-8")
    assert f"<strong>{sentence}</strong>" in html
    assert "small folds together <strong>(*)</strong>" in html
    assert "Folds of fewer than 30 photos are too small to tell anything" in html
    card = mine.with_suffix(".md").read_text(encoding="utf-8")
    assert sentence in card
    assert prior.name in card
    again = tmp_path / "again" / "mine.json"
    again.parent.mkdir()
    assert main([*command, "-o", str(again), "--jobs", "2"]) == 0
    assert again.read_bytes() == mine.read_bytes()
    # Its own photos are no proof.
    arguments = ["evaluate", str(manifest), "--weights", str(mine), "-o", str(tmp_path / "r.html")]
    assert main([*arguments, "--jobs", "1"]) == 2
    assert "was trained on these very photos" in capsys.readouterr().err


def test_a_photo_is_corrected_in_the_browser_and_the_weights_learn_it(
    browser: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """From the gallery by keyboard to a CSV, from that to weights, and from those to a report."""
    photos, later = tmp_path / "photos", tmp_path / "later"
    for folder, start in ((photos, 0), (later, 20)):
        folder.mkdir()
        for number in range(start, start + 4):
            near = encode(draw_person(240 + number, 320, face=0.5), ".jpg")
            (folder / f"near {number}.jpg").write_bytes(near)
            (folder / f"room {number}.jpg").write_bytes(
                encode(draw_scene(320, 240, number), ".jpg")
            )
    gallery, manifest = tmp_path / "gallery", tmp_path / "corrections.csv"
    assert main(["explore", str(photos), "-o", str(gallery), "--jobs", "1"]) == 0
    page = browser.new_page()
    page.goto((gallery / "index.html").as_uri())
    page.locator("#strip").focus()
    page.keyboard.press("Tab")
    for _ in range(8):
        name = page.evaluate("document.activeElement.getAttribute('aria-label')")
        said = "selfie" if "near" in name else "no selfie"
        is_right = ("does not" not in name and "no face" not in name) == (said == "selfie")
        page.keyboard.press("r" if is_right else "w")
        page.keyboard.press("ArrowRight")
    page.locator("#download").focus()
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    download.value.save_as(manifest)
    page.close()
    mine = tmp_path / "mine.json"
    train = ["train", str(manifest), "--with-bundled", "-o", str(mine), "--jobs", "1"]
    assert main(train) == 0
    lines = ["path,label"]
    for path in sorted(later.iterdir()):
        lines.append(f"{path.name},{'selfie' if 'near' in path.name else 'other'}")
    (later / "later.csv").write_text("\n".join(lines) + "\n")
    means = {}
    for name in ("bundled", "mine"):
        weights = tmp_path / f"{name}.json"
        if name == "bundled":
            weights.write_text(load_model("yunet").to_json(), encoding="utf-8")
        report = tmp_path / f"{name}.html"
        arguments = ["evaluate", str(later / "later.csv"), "--weights", str(weights)]
        assert main([*arguments, "-o", str(report), "--jobs", "1"]) == 0
        figures = json.loads(report.with_name(f"{name}.html.json").read_text())
        missed = [photo["probability"] for photo in figures["errors"]["missed"]]
        found = figures["thresholds"]["strict"]["true_positives"]
        means[name] = (sum(missed) + found) / 4  # of the selfies; found ones count as sure
    assert means["mine"] > means["bundled"]
