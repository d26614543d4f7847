"""A linear model: its shares add up, its file is exact, and damage is told in one line."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from classicselfie import ModelError, SelfieDetector
from classicselfie.features import FEATURE_INDEX, FEATURE_NAMES
from classicselfie.model import BUNDLED, LinearModel, load_model
from classicselfie.resources import resource


@pytest.fixture
def small() -> LinearModel:
    return LinearModel(
        title="small",
        detector="yunet",
        feature_names=("face.height", "pose.roll"),
        mean=np.array([0.3, 5.0]),
        scale=np.array([0.1, 10.0]),
        coef=np.array([0.5, -0.25]),
        intercept=-0.125,
        calibration=(2.0, 0.5),
        thresholds={"strict": 0.8, "sensitive": 0.4},
    )


def test_the_decision_value_is_the_sum_of_its_terms(small: LinearModel) -> None:
    # Standardised: 2 and 1.
    expected = 0.5 * 2 - 0.25 * 1 - 0.125
    assert small.decision_function([[0.5, 15.0]])[0] == pytest.approx(expected)


def test_standardised_features_are_clipped(small: LinearModel) -> None:
    assert small.standardise([[9.0, -999.0]]).tolist() == [[3.0, -3.0]]


@pytest.mark.parametrize("name", BUNDLED)
def test_contributions_add_up_to_the_decision_value(name: str) -> None:
    model = load_model(name)
    generator = np.random.default_rng(0)
    x = generator.normal(model.mean, model.scale * 1.5, (200, len(model.mean)))
    shares, bias = model.contributions(x)
    assert shares.shape == x.shape
    np.testing.assert_allclose(shares.sum(axis=1) + bias, model.decision_function(x), atol=1e-9)


def test_contributions_tell_each_features_own_part(small: LinearModel) -> None:
    shares, bias = small.contributions([[0.3, 5.0], [0.5, 15.0], [9.0, 5.0]])
    assert bias == -0.125
    # An average photo has nothing to say; an odd number says no more than three spreads do.
    np.testing.assert_allclose(shares, [[0, 0], [1.0, -0.25], [1.5, 0]], atol=1e-12)


def test_features_may_stand_in_any_order(small: LinearModel) -> None:
    names = ("face.height", "pose.roll", "face.width")
    mixed = replace(
        small,
        feature_names=names,
        mean=np.array([0.3, 5.0, 0.1]),
        scale=np.array([0.1, 10.0, 1.0]),
        coef=np.array([0.5, -0.25, 4.0]),
    )
    again = LinearModel.from_json(mixed.to_json())
    assert again.feature_names == names
    assert again.coef.tolist() == [0.5, -0.25, 4.0]
    assert [FEATURE_NAMES[column] for column in again.columns] == list(names)


def test_five_thousand_features_fit_into_300_kilobytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """With names of 24 letters and a card's worth of room left."""
    names = [f"maps.middle_surround_{i:04d}" for i in range(5100)]
    assert max(map(len, names)) >= 24
    for place, name in enumerate(names):
        monkeypatch.setitem(FEATURE_INDEX, name, place)
    generator = np.random.default_rng(0)
    mean, scale, coef = (
        np.array([float(f"{v:.4g}") for v in generator.lognormal(-4, 2, len(names))])
        for _ in range(3)
    )
    model = LinearModel(
        title="large",
        detector="yunet",
        feature_names=tuple(names),
        mean=mean,
        scale=scale,
        coef=coef * generator.choice([-1, 1], len(names)),
        intercept=0.1,
        calibration=(1.0, 0.0),
        thresholds={},
    )
    assert len(model.to_json().encode()) <= 260_000
    again = LinearModel.from_json(model.to_json())
    assert again.digest == model.digest


def test_the_file_is_exact(small: LinearModel) -> None:
    again = LinearModel.from_json(small.to_json())
    assert again.to_json() == small.to_json()
    x = np.random.default_rng(0).normal(small.mean, small.scale, (50, 2))
    np.testing.assert_array_equal(again.decision_function(x), small.decision_function(x))


def test_weights_carry_their_own_name_and_a_hash_that_tells_them_apart(
    small: LinearModel, tmp_path: Path
) -> None:
    path = tmp_path / "renamed later.json"
    path.write_bytes(small.to_json().encode())
    digest = hashlib.sha256(path.read_bytes()).hexdigest()  # as sha256sum prints it
    detector = SelfieDetector(path)
    assert detector.model.digest == digest
    verdict = detector.check("no-such-file.jpg")
    assert verdict.model == detector.check(np.zeros((300, 300, 3), np.uint8)).model
    assert verdict.model == f"small@{digest[:8]}"
    other = replace(small, intercept=0.0)
    assert other.title == small.title
    assert other.name != small.name


def test_weights_laid_out_by_hand_are_named_by_their_file_too(
    small: LinearModel, tmp_path: Path
) -> None:
    path = tmp_path / "indented.json"
    path.write_text(json.dumps(json.loads(small.to_json()), indent=4))
    model = load_model(path)
    assert model.digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert replace(model, title="other").digest != model.digest


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_weights_are_named_by_their_file(name: str) -> None:
    data = Path(resource("models", BUNDLED[name])).read_bytes()
    short = hashlib.sha256(data).hexdigest()[:8]
    assert load_model(name).name == f"{json.loads(data)['name']}@{short}"


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_weights_are_small_plain_and_tell_where_they_come_from(name: str) -> None:
    model = load_model(name)
    text = model.to_json()
    assert len(text.encode()) <= 300_000
    data = json.loads(text, parse_constant=pytest.fail)  # no NaN or Infinity: ports read it too
    assert data["schema_version"] == 3
    assert len(data["card"]["training_data"]["sha256"]) == 64
    assert 0 < model.thresholds["sensitive"] < model.thresholds["strict"] < 1
    assert set(model.feature_names) <= set(FEATURE_NAMES)
    figures = data["card"]["figures"]
    assert figures["whole_sources"]
    # Groups with fifty photos of each class.
    assert {"instagram_tags", "tweets"} <= set(figures["left_out"]["same_source"])
    assert "ucf" in data["card"]["training_data"]["groups_left_out"]
    # What a port has to do, in a few lines and without this package.
    photo = dict(zip(model.feature_names, model.mean + 2 * model.scale, strict=True))
    decision = data["intercept"] + sum(
        coef * max(-3, min(3, (photo[f"{group['group']}.{part}"] - mean) / scale))
        for group in data["groups"]
        for part, mean, scale, coef in zip(
            *(group[key] for key in ("parts", "mean", "scale", "coef")), strict=True
        )
    )
    told = model.decision_function([list(photo.values())])[0]
    assert decision == pytest.approx(told, abs=1e-9)
    assert json.loads(Path(resource("models", BUNDLED[name])).read_text(encoding="utf-8")) == data


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda d: d.pop("groups"), "no valid weights file"),
        (lambda d: d["groups"][0].pop("coef"), "no valid weights file"),
        (lambda d: d.update(groups=7), "no valid weights file"),
        (lambda d: d.update(schema_version=99), "schema 99"),
        (lambda d: d.update(feature_version=99), "features 99"),
        (lambda d: d["groups"][0].update(parts=["nose"]), "no feature 'face.nose'"),
        (lambda d: d["groups"][0].update(mean=[0.3, 0.4]), "group 'face' lacks numbers or names"),
        (lambda d: d["groups"][1].update(parts=[]), "group 'pose' lacks numbers or names"),
        (lambda d: d["groups"][0].update(coef=[float("nan")]), "not finite"),
        (lambda d: d["groups"][0].update(coef=[[0.5]]), "valid weights file|has shape"),
        (lambda d: d.update(intercept=float("inf")), "intercept is not finite"),
        (lambda d: d.update(calibration="x"), "no valid weights file"),
        (lambda d: d.update(calibration=[0, 0]), "slope must be above 0"),
        (lambda d: d.update(calibration=[float("nan"), 0]), "slope must be above 0"),
        (lambda d: d["groups"][1].update(scale=[0]), "scale must be above 0"),
        (lambda d: d.update(thresholds={"strict": 7}), "threshold is not between"),
    ],
)
def test_a_damaged_file_is_told_in_one_line(
    small: LinearModel, change: object, complaint: str
) -> None:
    data = json.loads(small.to_json())
    change(data)
    with pytest.raises(ModelError, match=complaint) as error:
        LinearModel.from_json(json.dumps(data))
    assert "\n" not in str(error.value)


def test_missing_and_foreign_files(tmp_path: Path, small: LinearModel) -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        load_model(tmp_path / "none.json")
    (tmp_path / "photo.json").write_bytes(b"\xff\xd8\xff")
    with pytest.raises(ModelError, match="cannot be read"):
        load_model(tmp_path / "photo.json")
    haar = replace(small, detector="haar")
    (tmp_path / "haar.json").write_text(haar.to_json(), encoding="utf-8")
    with pytest.raises(ModelError, match="trained with detector='haar'"):
        SelfieDetector(tmp_path / "haar.json")
    (tmp_path / "bare.json").write_text(replace(small, thresholds={}).to_json(), encoding="utf-8")
    with pytest.raises(ModelError, match="have no threshold 'strict'"):
        SelfieDetector(tmp_path / "bare.json")


def test_probability_and_thresholds(small: LinearModel) -> None:
    assert small.probability(-0.25) == pytest.approx(0.5)
    assert small.probability(1e9) == pytest.approx(1.0)
    assert small.probability(-1e9) == pytest.approx(0.0)
    assert small.threshold("strict") == 0.8
    assert small.threshold(0.3) == 0.3
    for bad in ("lenient", 1.5, -0.1, float("nan")):
        with pytest.raises(ValueError, match="threshold must be"):
            small.threshold(bad)
