"""A linear model: its shares add up, its file is exact, and damage is told in one line."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from classicselfie import ModelError, SelfieDetector
from classicselfie.features import FEATURE_NAMES
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
        split_feature=np.array([[0, 1, 1], [1, 0, 0]]),
        split_threshold=np.array([[0.4, 10.0, 20.0], [15.0, 0.2, 3.4e38]]),
        leaf_coef=np.array([[-1.0, -0.5, 0.5, 1.0], [0.1, 0.2, 0.3, 0.4]]),
        leaf_share=np.array([[0.4, 0.3, 0.2, 0.1], [0.25, 0.25, 0.5, 0.0]]),
        intercept=-0.125,
        calibration=(2.0, 0.5),
        thresholds={"strict": 0.8, "sensitive": 0.4},
    )


def test_the_decision_value_is_the_sum_of_its_terms(small: LinearModel) -> None:
    # Standardised: 2 and 1. First tree: large, roll not above 20: leaf 2. Second: roll not above
    # 15, large: leaf 1.
    assert small.leaves([[0.5, 15.0]]).tolist() == [[2, 1]]
    expected = 0.5 * 2 - 0.25 * 1 + 0.5 + 0.2 - 0.125
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


def test_contributions_follow_the_path(small: LinearModel) -> None:
    shares, bias = small.contributions([[0.3, 5.0]])
    # At the means only the trees speak: from the mean of all leaves to the leaf that was met.
    roots = (-0.4 - 0.15 + 0.1 + 0.1) + (0.025 + 0.05 + 0.15)
    assert bias == pytest.approx(-0.125 + roots)
    assert shares.sum() + bias == pytest.approx(-1.0 + 0.2 - 0.125)


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


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_weights_are_named_by_their_file(name: str) -> None:
    data = Path(resource("models", BUNDLED[name])).read_bytes()
    short = hashlib.sha256(data).hexdigest()[:8]
    assert load_model(name).name == f"{json.loads(data)['name']}@{short}"


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_weights_are_small_plain_and_tell_where_they_come_from(name: str) -> None:
    model = load_model(name)
    text = model.to_json()
    assert len(text.encode()) <= 150_000
    data = json.loads(text, parse_constant=pytest.fail)  # no NaN or Infinity: ports read it too
    assert data["schema_version"] == 2
    assert len(data["card"]["training_data"]["sha256"]) == 64
    assert 0 < model.thresholds["sensitive"] < model.thresholds["strict"] < 1
    assert set(model.feature_names) <= set(FEATURE_NAMES)
    groups = data["card"]["figures"]["leave_one_group_out"]
    assert list(groups["same_source"])[:2] == ["instagram_tags", "tweets"]
    assert json.loads(Path(resource("models", BUNDLED[name])).read_text(encoding="utf-8")) == data


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda d: d.pop("coef"), "no valid weights file"),
        (lambda d: d.update(schema_version=99), "schema 99"),
        (lambda d: d.update(feature_version=99), "features 99"),
        (lambda d: d.update(feature_names=["face.height", "face.nose"]), "no feature 'face.nose'"),
        (lambda d: d.update(mean=[0.3]), "mean has shape"),
        (lambda d: d.update(coef=[float("nan"), 0]), "not finite"),
        (lambda d: d.update(split_feature=[[0, 7, 1], [0, 0, 0]]), "outside the features"),
        (lambda d: d.update(calibration="x"), "no valid weights file"),
        (lambda d: d.update(calibration=[0, 0]), "slope must be above 0"),
        (lambda d: d.update(calibration=[float("nan"), 0]), "slope must be above 0"),
        (lambda d: d.update(scale=[0.1, 0]), "scale must be above 0"),
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
