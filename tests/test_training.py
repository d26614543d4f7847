"""Training: from a manifest of drawn photos to weights that load, the same on every run."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from classicselfie import SelfieDetector
from classicselfie.benchmark.drawing import draw_person, draw_scene
from classicselfie.errors import ManifestError, TargetError
from classicselfie.faces import Face
from classicselfie.features import FEATURE_NAMES, GROUPS

pytest.importorskip("sklearn", reason="the extra train is not installed")
pytest.importorskip("joblib", reason="the extra train is not installed")

from sklearn.metrics import roc_auc_score

from classicselfie.cli import main
from classicselfie.model import BUNDLED, load_model
from classicselfie.resources import resource
from classicselfie.training.augment import augment
from classicselfie.training.bands import BRIGHTNESS, SKIN_TONE, band, measure_face
from classicselfie.training.card import card_text
from classicselfie.training.command import train
from classicselfie.training.dataset import VERSIONS, Dataset, FeatureCache, extract_dataset
from classicselfie.training.fit import (
    KIND_WEIGHTS,
    Settings,
    calibrate,
    fit,
    fit_linear,
    sample_weights,
)
from classicselfie.training.folds import Score, assign_folds, held_out
from classicselfie.training.judge import judge_left_out
from classicselfie.training.manifest import (
    Row,
    data_hash,
    read_folders,
    read_manifest,
    without_groups,
)
from classicselfie.training.report import figures_path
from classicselfie.training.resampling import (
    MIN_GROUPS,
    draw_groups,
    drawn_auc,
    drawn_tpr,
    highest_passed,
)
from classicselfie.training.selection import C_CHOICES, choose_c, choose_settings
from classicselfie.training.thresholds import ALL, LIMITS, PARTS, choose_thresholds
from classicselfie.training.validation import (
    rates,
    tpr_at_fpr,
    wilson,
)


def row(name: str, *, selfie: bool, group: str = "g", kind: str = "", subject: str = "") -> Row:
    return Row(Path(name), name, selfie, group, group, subject, kind or "k", (100, 100))


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Near heads are selfies, far heads and empty rooms are not; two sources of each."""
    folder = tmp_path_factory.mktemp("drawn")
    generator = np.random.default_rng(0)
    lines = []
    for index in range(48):
        selfie, source = index % 2 == 0, "ab"[index // 2 % 2]
        width, height = (360, 480) if index % 3 else (480, 360)
        if index % 8 == 7:
            image = draw_scene(width, height, seed=index)
        else:
            face = generator.uniform(0.45, 0.7) if selfie else generator.uniform(0.12, 0.3)
            centre = (generator.uniform(0.4, 0.6), generator.uniform(0.45, 0.6))
            image = draw_person(width, height, centre, face)
        name = f"{index}.jpg"
        cv2.imwrite(str(folder / name), image)
        label, group = ("selfie", f"me_{source}") if selfie else ("other", f"rest_{source}")
        lines.append([name, label, group, "people"])
    lines.append(["broken.jpg", "other", "rest_a", "people"])
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no photo")
    path = folder / "manifest.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["path", "label", "source", "kind"])
        writer.writerows(lines)
    return path


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The option by which those that only learn share what is extracted of the manifest."""
    return ["--cache", str(tmp_path_factory.mktemp("features"))]


@pytest.mark.parametrize("detector", ["yunet", "haar"])
def test_the_bundled_cards_are_those_of_their_weights(detector: str) -> None:
    card = resource("models", BUNDLED[detector]).with_suffix(".md").read_text(encoding="utf-8")
    assert card == card_text(load_model(detector))


def test_training_writes_weights_that_load_and_a_card(
    manifest: Path, cache: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = tmp_path / "mine.json", tmp_path / "again" / "mine.json"
    second.parent.mkdir()
    assert main(["train", str(manifest), "-o", str(first), "--jobs", "1", *cache]) == 0
    assert "left out broken.jpg: the picture's header is damaged" in capsys.readouterr().err
    assert main(["train", str(manifest), "-o", str(second), "--jobs", "2"]) == 0
    assert first.read_bytes() == second.read_bytes()
    model = load_model(first)
    assert model.name == f"mine@{hashlib.sha256(first.read_bytes()).hexdigest()[:8]}"
    assert model.card["training_data"]["selfies"] == 24
    assert model.card["training_data"]["unreadable"] == 1
    assert model.card["training_data"]["sha256"] == data_hash(read_manifest(manifest)[:48])
    assert model.card["figures"]["whole_sources"]
    figures = model.card["figures"]["left_out"]
    assert figures["overall"]["auc"] > 0.9  # near and far heads are easy to tell
    assert set(figures["left_out_group"]) == {"me_a", "me_b"}
    card = first.with_suffix(".md").read_text(encoding="utf-8")
    assert f"{figures['overall']['auc']:.3f}" in card
    # What to expect comes first: what is found, and what is flagged wrongly.
    strict = model.card["figures"]["at_thresholds"]["strict"]
    head = card[: card.index("## Training data")]
    assert f"{strict['recall']['share']:.1%} of the 24 selfies are found" in head
    alarms = strict["limits"]["all others"]
    assert alarms["photos"] == 24
    assert f"| all others | 24 | {alarms['flagged']} | {alarms['share']:.1%} |" in head
    assert model.card["training_data"]["sha256"] in card
    detector = SelfieDetector(first, threshold=0.5)
    assert detector.check(draw_person(face=0.6)).label == "selfie"
    assert detector.check(draw_person(face=0.15)).label == "not_selfie"


def test_two_folders_make_weights(
    manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for row in read_manifest(manifest):
        folder = tmp_path / ("selfies" if row.selfie else "others")
        folder.mkdir(exist_ok=True)
        shutil.copy(row.path, folder)
    (tmp_path / "selfies" / "notes.txt").write_text("no photo")
    (tmp_path / "selfies" / ".hidden.jpg").write_bytes(b"no photo")
    output = tmp_path / "mine.json"
    folders = [str(tmp_path / "selfies"), str(tmp_path / "others")]
    assert main(["train", *folders, "-o", str(output), "--jobs", "1"]) == 0
    model = load_model(output)
    assert model.card["training_data"]["selfies"] == 24
    assert not model.card["figures"]["whole_sources"]
    card = output.with_suffix(".md").read_text(encoding="utf-8")
    assert "The sources are too few to be left out whole" in card
    for place in folders:
        (Path(place) / "phone").mkdir()
        shutil.copy(next(Path(place).glob("*.jpg")), Path(place) / "phone" / "a.jpg")
    rows = read_folders(*map(Path, folders))
    assert {(row.group, row.selfie) for row in rows if row.name.endswith("phone/a.jpg")} == {
        ("phone", True),
        ("phone", False),
    }
    assert main(["train", *folders, folders[0], "-o", str(output)]) == 2
    assert main(["train", folders[0], str(tmp_path / "none"), "-o", str(output)]) == 2
    assert "is no folder" in capsys.readouterr().err


def test_no_photo_is_judged_by_a_model_that_saw_its_fold() -> None:
    folds = np.arange(60) % 4
    seen: dict[int, set[int]] = {}

    def score(train: Sequence[int], test: Sequence[int]) -> np.ndarray:
        assert not set(train) & set(test)
        assert {int(folds[i]) for i in test}.isdisjoint(int(folds[i]) for i in train)
        seen.update({i: set(train) for i in test})
        return np.array(test, float)

    # One process, so that the spy sees every call.
    np.testing.assert_array_equal(held_out(folds, score, 1), np.arange(60))
    assert all(len(train) == 45 for train in seen.values())


def test_labels_without_sense_are_not_learnt() -> None:
    """What was seen in training would be known by heart: left out, chance is all there is."""
    generator = np.random.default_rng(0)
    rows = [row(f"p{i}", selfie=i % 2 == 0, group=f"{'so'[i % 2]}{i // 2 % 4}") for i in range(240)]
    features = generator.normal(0, 1, (240, VERSIONS, len(FEATURE_NAMES))).astype(np.float32)
    dataset = Dataset(rows, features, features[:, :2], np.zeros((240, 2), np.float32), [])
    folds = assign_folds(rows)
    assert folds.whole_sources
    results = judge_left_out(dataset, "yunet", folds, settings=Settings(), baseline=False, n_jobs=1)
    assert 0.35 < roc_auc_score(results.selfie, results.decisions) < 0.65
    np.testing.assert_allclose(
        results.decisions - results.shares.sum(axis=1),
        [
            (results.decisions - results.shares.sum(axis=1))[folds.index == f][0]
            for f in folds.index
        ],
        atol=1e-9,
    )  # one bias a fold: the shares are the rest of the decision
    own = fit(dataset, range(240), Settings(), "yunet")
    learnt = own.decision_function(features[:, 0][:, own.columns])
    assert roc_auc_score(results.selfie, learnt) > 0.9


def test_the_report_of_train_is_that_of_evaluate(
    manifest: Path, cache: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights, report = tmp_path / "mine.json", tmp_path / "left_out.html"
    arguments = [str(manifest), "--jobs", "1", *cache]
    assert main(["train", *arguments, "-o", str(weights)]) == 0
    beside = json.loads((tmp_path / "mine.report.html.json").read_text(encoding="utf-8"))
    assert main(["evaluate", *arguments, "-o", str(report)]) == 0
    # The same folds, settings and seeds: train's report is evaluate's.
    figures = json.loads(figures_path(report).read_text(encoding="utf-8"))
    assert figures == beside
    names = [fold["name"] for fold in figures["headline"]["folds"]]
    assert names == ["sources 1", "sources 2"]
    assert figures["retrained"] == []
    assert figures["counts"]["unreadable"] == 1
    assert set(figures["tables"]["strict"]["bands"]) == {
        "brightness of the face",
        "skin tone in the picture",
    }
    # Every group is told, whether it was chosen or not.
    assert {entry["group"] for entry in figures["ablation"]} == {group.name for group in GROUPS}
    assert "<svg" in report.read_text(encoding="utf-8")
    # The weights refuse to be praised on their own training photos ...
    whole = [*arguments, "--weights", str(weights), "-o", str(report), "--force"]
    assert main(["evaluate", *whole]) == 2
    assert "trained on these very photos" in capsys.readouterr().err
    # ... but judge others, and say so where the names of the sources are known to them.
    part = manifest.with_name("part.csv")
    lines = manifest.read_text(encoding="utf-8").splitlines()
    part.write_text("\n".join(lines[:17]) + "\n", encoding="utf-8")
    whole[0] = str(part)
    assert main(["evaluate", *whole]) == 0
    figures = json.loads(figures_path(report).read_text(encoding="utf-8"))
    assert figures["counts"]["selfies"] == 8
    assert "16 of the 16 photos come from sources that the weights name" in figures["provenance"]
    detector = SelfieDetector(weights)
    flagged = sum(
        detector.check(row.path).label == "selfie" for row in read_manifest(part) if row.selfie
    )
    assert figures["thresholds"]["strict"]["true_positives"] == flagged
    assert main(["evaluate", *arguments, "-o", str(tmp_path / "report.json")]) == 2
    assert "must end in .html" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("name,label\na.jpg,selfie\n", "column 'path' is missing"),
        ("path,label\na.jpg,selfie\nb.jpg,cat\n", "line 3: label 'cat'"),
        ("path,label\n,selfie\n", "line 2: the path is empty"),
        ("path,label\na.jpg,selfie\n", "both selfies and others"),
        ("", "column 'label' is missing"),
        ("path,label\na.jpg,selfie\nb.jpg,other\n", "too few readable photos"),
    ],
)
def test_a_bad_manifest_is_one_line_with_the_row(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, complaint: str
) -> None:
    path = tmp_path / "manifest.csv"
    path.write_text(text, encoding="utf-8")
    assert main(["train", str(path), "-o", str(tmp_path / "w.json"), "--jobs", "1"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert re.search(complaint, lines[-1])
    assert all(line.startswith("left out ") for line in lines[:-1])
    with pytest.raises(TargetError, match=r"folder .* does not exist"):
        train([], detector="yunet", output=tmp_path / "none" / "w.json")


SPREADSHEETS = [
    pytest.param(text, encoding, id=name)
    for name, text, encoding in (
        ("plain", "path,label\nä.jpg,selfie\nb.jpg,other\n", "utf-8"),
        ("byte order mark", "path,label\nä.jpg,selfie\nb.jpg,other\n", "utf-8-sig"),
        ("semicolons", "path;label\nä.jpg;selfie\nb.jpg;other\n", "utf-8"),
        ("both", "path;label\r\nä.jpg;selfie\r\nb.jpg;other\r\n", "utf-8-sig"),
        ("hint", "sep=;\r\npath;label\r\nä.jpg;selfie\r\nb.jpg;other\r\n", "utf-8-sig"),
        ("UTF-16", "path\tlabel\r\nä.jpg\tselfie\r\nb.jpg\tother\r\n", "utf-16"),
        ("UTF-16, no mark", "path,label\nä.jpg,selfie\nb.jpg,other\n", "utf-16-le"),
        ("UTF-16, turned", "path,label\nä.jpg,selfie\nb.jpg,other\n", "utf-16-be"),
        ("UTF-32", "path;label\nä.jpg;selfie\nb.jpg;other\n", "utf-32"),
        ("old Mac", "path,label\rä.jpg,selfie\rb.jpg,other\r", "utf-8"),
        ("quotes, blanks", ' Path ; "Label"\n\n"ä.jpg" ;"selfie"\n;\nb.jpg; other', "utf-8"),
        ("zeros in EXIF texts", "path,make,label\nä.jpg,TCL\0\0,selfie\nb.jpg,,other\n", "utf-8"),
        ("more columns", "kind,label,path\n,selfie,ä.jpg\nroom;dark,other,b.jpg\n", "utf-8"),
    )
]


@pytest.mark.parametrize(("text", "encoding"), SPREADSHEETS)
def test_a_manifest_is_read_as_any_spreadsheet_saves_it(
    tmp_path: Path, text: str, encoding: str
) -> None:
    path = tmp_path / "manifest.csv"
    path.write_bytes(text.encode(encoding))
    rows = read_manifest(path)
    assert [(row.name, row.selfie) for row in rows] == [("ä.jpg", True), ("b.jpg", False)]
    assert rows[0].path == tmp_path / "ä.jpg"


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ("path,label\nä.jpg,selfie\n".encode("cp1252"), "neither UTF-8 nor UTF-16 text (line 2)"),
        ("path,label\nä.jpg,selfie\n".encode("utf-16") + b"x", "neither UTF-8 nor UTF-16"),
        (b"PK\3\4\x14\0\6\0\x08\0\0\0!\0\xe2\x9b", "neither UTF-8 nor UTF-16"),  # a workbook
        (b"path,la\0bel\na.jpg,selfie\n", "is no text"),
        ("path,label\na.jpg,selfie\n".encode("utf-32-le"), "is no text"),
        (b"path,label\n" + b"a" * 200_000 + b",selfie\n", "is no CSV file"),
    ],
)
def test_a_manifest_in_an_unknown_encoding_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], data: bytes, complaint: str
) -> None:
    path = tmp_path / "manifest.csv"
    path.write_bytes(data)
    assert main(["train", str(path), "-o", str(tmp_path / "w.json"), "--jobs", "1"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert str(path) in line
    assert complaint in line


def test_bad_options_are_one_line(
    manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("no folder")
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "features.sqlite").write_bytes(b"no database, whatever its name" * 99)
    out = str(tmp_path / "w.json")
    report, yunet = str(tmp_path / "r.html"), str(resource("models", "yunet.json"))
    for arguments, complaint in (
        (["train", str(manifest), "-o", str(tmp_path / "w.md")], "must end in .json"),
        (["train", str(manifest), "-o", str(tmp_path / "folder.json")], "is a folder"),
        (["train", str(manifest), "-o", out, "--cache", str(tmp_path / "file")], "cannot be used"),
        (
            ["train", str(manifest), "-o", out, "--cache", str(tmp_path / "broken")],
            "cannot be used",
        ),
        (
            ["evaluate", str(manifest), "-o", report, "--detector", "haar", "--weights", yunet],
            "was trained with detector='yunet'",
        ),
    ):
        assert main(arguments) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert complaint in line
    with pytest.raises(SystemExit, match="2"):
        main(["train", str(manifest), "-o", out, "--jobs", "0"])
    assert "not a number of processes" in capsys.readouterr().err


def test_what_was_extracted_is_kept(manifest: Path, tmp_path: Path) -> None:
    rows = read_manifest(manifest)
    first = extract_dataset(rows[:8], "yunet", 1, tmp_path / "cache")
    database = sqlite3.connect(tmp_path / "cache" / "features.sqlite", isolation_level=None)
    assert database.execute("SELECT count(*) FROM photos").fetchone() == (8,)
    # A mark in the kept vectors shows that the second run reads them and extracts the rest.
    kept = np.concatenate([first.features[0].ravel(), first.early[0].ravel(), first.face_light[0]])
    (key,) = database.execute(
        "SELECT key FROM photos WHERE numbers = ?", (kept.tobytes(),)
    ).fetchone()
    database.execute("UPDATE photos SET numbers = ? WHERE key = ?", ((kept + 1).tobytes(), key))
    database.close()
    second = extract_dataset(rows, "yunet", 1, tmp_path / "cache")
    np.testing.assert_array_equal(second.features[0], first.features[0] + 1)
    np.testing.assert_array_equal(second.features[1:8], first.features[1:])
    assert len(second.rows) == 48
    assert [row.name for row, _ in second.unreadable] == ["broken.jpg"]
    # Another content under the same name is another photo.
    changed = tmp_path / rows[0].name
    changed.write_bytes(rows[1].path.read_bytes())
    third = extract_dataset([replace(rows[0], path=changed)], "yunet", 1, tmp_path / "cache")
    assert not np.array_equal(third.features[0], second.features[0])


def test_other_libraries_measure_anew(manifest: Path, tmp_path: Path) -> None:
    """OpenCV and Pillow decode and compute: what another version gave is not mixed in."""
    (one,) = read_manifest(manifest)[:1]
    with FeatureCache(tmp_path, "yunet") as cache:
        key = cache.key(one)
        for library in ("cv2", "PIL"):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(f"{library}.__version__", "0.0.1")
                assert cache.key(one) != key
        assert cache.key(one) == key


def shape(rows: Sequence[Row], folds: np.ndarray) -> list[tuple[int, int]]:
    """Selfies and others of every fold."""
    return [
        (
            sum(r.selfie for r, f in zip(rows, folds, strict=True) if f == fold),
            sum(not r.selfie for r, f in zip(rows, folds, strict=True) if f == fold),
        )
        for fold in sorted(set(folds.tolist()))
    ]


def test_groups_are_left_out_whole_in_folds_that_are_even() -> None:
    generator = np.random.default_rng(0)
    rows = []
    for group in range(40):
        selfies = int(generator.integers(5, 60)) if group < 20 else 0
        others = int(generator.integers(5, 90)) if group % 3 or not selfies else 0
        rows += [row(f"s{group}-{i}", selfie=True, group=f"g{group}") for i in range(selfies)]
        rows += [row(f"o{group}-{i}", selfie=False, group=f"g{group}") for i in range(others)]
    folds = assign_folds(rows)
    assert folds.whole_sources
    assert len(folds.names) == 8
    for group in {r.group for r in rows}:
        members = [place for place, r in enumerate(rows) if r.group == group]
        assert len(set(folds.index[members].tolist())) == 1
    selfies, others = np.array(shape(rows, folds.index)).T
    assert selfies.max() < 1.3 * selfies.min()
    assert others.max() < 1.3 * others.min()
    # The order of the manifest means nothing.
    shuffled = [rows[place] for place in generator.permutation(len(rows))]
    again = dict(zip((r.name for r in shuffled), assign_folds(shuffled).index, strict=True))
    assert [again[r.name] for r in rows] == folds.index.tolist()


def test_as_many_folds_as_can_hold_both_classes() -> None:
    few = [row(f"s{i}", selfie=True, group=f"me{i % 3}") for i in range(9)]
    few += [row(f"o{i}", selfie=False, group=f"rest{i % 2}") for i in range(40)]
    folds = assign_folds(few)
    assert folds.whole_sources
    assert shape(few, folds.index) == [(6, 20), (3, 20)]
    # A fold of selfies alone could not be judged: the large group is joined by others' groups.
    rows = [row(f"a{i}", selfie=True, group="alone") for i in range(50)]
    for group in ("both1", "both2"):
        rows += [row(f"{group}{i}", selfie=i < 5, group=group) for i in range(10)]
    folds = assign_folds(rows)
    assert all(selfies and others for selfies, others in shape(rows, folds.index))


def test_too_few_sources_are_shared_out_and_subjects_stay_together() -> None:
    rows = [row(f"s{i}", selfie=True, group=f"g{i % 3}") for i in range(9)]
    rows += [row(f"p{i}", selfie=False, group="far", subject=f"who{i // 10}") for i in range(60)]
    folds = assign_folds(rows)
    assert not folds.whole_sources
    assert folds.names == ("g0", "g1", "g2")
    for fold in range(3):
        held = {r.group for r, f in zip(rows, folds.index, strict=True) if f == fold and r.selfie}
        assert held == {f"g{fold}"}
    by_subject: dict[str, set[int]] = {}
    for r, f in zip(rows[9:], folds.index[9:], strict=True):
        by_subject.setdefault(r.subject, set()).add(int(f))
    assert all(len(found) == 1 for found in by_subject.values())
    one = [row(f"p{i}", selfie=i % 2 == 0) for i in range(100)]
    parts = assign_folds(one)
    assert not parts.whole_sources
    assert parts.without_both(one) is None
    assert parts.without_both([replace(r, selfie=True) for r in one]) == "part 1"


def test_groups_are_left_out_of_everything_on_demand(
    manifest: Path, cache: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "mine.json"
    arguments = ["train", str(manifest), "-o", str(output), "--jobs", "1", *cache]
    assert main([*arguments, "--without", "rest_a", "--without", "me_b"]) == 0
    card = load_model(output).card
    assert card["training_data"]["sources"] == ["me_a", "rest_b"]
    assert card["training_data"]["groups_left_out"] == ["me_b", "rest_a"]
    assert "broken.jpg" not in capsys.readouterr().err  # it is of rest_a, and not even read
    text = output.with_suffix(".md").read_text(encoding="utf-8")
    assert (
        "Left out of training and of every figure, though they were at hand: me_b, rest_a." in text
    )
    for groups, complaint in (
        (["rest"], "there is no group 'rest' to leave out; there are: me_a, me_b, rest_a, rest_b"),
        (["me_a", "me_b"], "without me_a, me_b there are not both selfies and others"),
    ):
        options = [option for group in groups for option in ("--without", group)]
        assert main([*arguments, "--force", *options]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert complaint in line
    rows = read_manifest(manifest)
    assert without_groups(rows, []) == rows


def test_a_family_of_features_is_left_out_on_demand() -> None:
    """What only the face tells is lost without it; what two groups tell is not."""
    generator = np.random.default_rng(0)
    rows = [row(f"p{i}", selfie=i % 2 == 0, group=f"{'so'[i % 2]}{i // 2 % 4}") for i in range(240)]
    selfie = np.array([r.selfie for r in rows])
    features = np.zeros((240, VERSIONS, len(FEATURE_NAMES)), np.float32)
    # One cue that the face has to itself, and one that both groups of maps share.
    for names, cue in ((("face.",), selfie), (("maps.", "maps_pairs."), selfie)):
        heard = cue + generator.normal(0, 0.6, 240)
        for place, name in enumerate(FEATURE_NAMES):
            if name.startswith(names):
                features[:, :, place] = heard[:, None]
    dataset = Dataset(rows, features, features[:, :2], np.zeros((240, 2), np.float32), [])
    results = judge_left_out(
        dataset,
        "yunet",
        assign_folds(rows),
        settings=Settings(),
        baseline=False,
        retrain=True,
        n_jobs=1,
    )
    auc = {name: roc_auc_score(selfie, values) for name, values in results.retrained.items()}
    families = {group.name.partition("_")[0] for group in GROUPS}
    assert set(auc) == {"", *families}
    assert auc["face"] < auc[""] - 0.02
    assert auc["maps"] < auc[""] - 0.02  # both of them are gone at once
    assert auc["light"] == pytest.approx(auc[""])


def test_weights_balance_classes_and_sources_and_raise_groups() -> None:
    rows = [row(f"s{i}", selfie=True) for i in range(10)]
    rows += [row(f"t{i}", selfie=True, kind="group") for i in range(6)]
    rows += [row(f"o{i}", selfie=False, group="o", kind="people") for i in range(36)]
    rows += [row(f"p{i}", selfie=False, group="p", kind="portrait_by_other") for i in range(4)]
    weights = sample_weights(rows)
    assert weights.mean() == pytest.approx(1)
    assert weights[:16].sum() == pytest.approx(weights[16:].sum())
    assert KIND_WEIGHTS["selfie", "group"] > 1
    assert weights[10] == pytest.approx(KIND_WEIGHTS["selfie", "group"] * weights[0])
    # A source counts by the root of its size, and a portrait no more than another photo.
    assert weights[-1] == pytest.approx(3 * weights[16])
    # Only selfies of that kind are raised, not other photos that a manifest calls so.
    shown = [*rows[:16], replace(rows[16], kind="group"), *rows[17:]]
    assert sample_weights(shown) == pytest.approx(weights)


def test_what_is_the_same_on_all_photos_is_left_out_of_the_weights() -> None:
    """As a face detector's maps are with a detector that has none."""
    generator = np.random.default_rng(0)
    rows = [row(f"p{i}", selfie=i % 2 == 0, group=f"g{i % 4}") for i in range(80)]
    features = generator.normal(0, 1, (80, 1, len(FEATURE_NAMES))).astype(np.float32)
    still = [i for i, name in enumerate(FEATURE_NAMES) if name.startswith("hog_")]
    features[:, :, still] = 0.5
    dataset = Dataset(rows, features, features[:, :2], np.zeros((80, 2), np.float32), [])
    model = fit(dataset, range(80), Settings(), "haar")
    kept = tuple(name for name in FEATURE_NAMES if not name.startswith("hog_"))
    assert model.feature_names == kept
    only = fit(dataset, range(80), Settings(groups=("face", "hog_face")), "haar")
    assert only.feature_names == tuple(n for n in FEATURE_NAMES if n.startswith("face."))
    with pytest.raises(ManifestError, match="nothing to learn"):
        fit(dataset, range(80), Settings(groups=("hog_face",)), "haar")


def test_versions_of_a_photo_weigh_as_much_as_the_photo() -> None:
    """A selfie's copies that look like others pull it over, at half the weight each."""
    rows = [row(f"p{i}", selfie=i % 2 == 0, group=f"g{i % 4}") for i in range(80)]
    generator = np.random.default_rng(0)
    features = generator.normal(0, 1, (80, 2, len(FEATURE_NAMES))).astype(np.float32)
    features[:, 1] = features[:, 0]
    nothing = np.zeros((80, 2), np.float32)
    twice = Dataset(rows, features, features[:, :2], nothing, [])
    once = Dataset(rows, features[:, :1], features[:, :2], nothing, [])
    both = [fit(dataset, range(80), Settings(), "yunet") for dataset in (twice, once)]
    np.testing.assert_allclose(both[0].coef, both[1].coef, atol=2e-4)
    features[:, 1] = generator.normal(0, 1, features[:, 1].shape)
    other = fit(twice, range(80), Settings(), "yunet")
    assert np.abs(other.coef - both[1].coef).max() > 2e-3


def test_what_is_written_is_what_was_measured() -> None:
    """Rounded before it is measured: standardisation, weights and bias have four digits."""
    generator = np.random.default_rng(0)
    x = generator.normal(3, 2, (200, 5))
    selfie = x[:, 0] > 3
    mean, scale, coef, intercept = fit_linear(x, selfie, np.ones(200), 0.01)
    for values in (mean, scale, coef, np.array([intercept])):
        assert values.tolist() == [float(f"{value:.4g}") for value in values]
    decisions = np.clip((x - mean) / scale, -3, 3) @ coef + intercept
    assert roc_auc_score(selfie, decisions) > 0.95


def test_few_photos_make_no_steep_calibration() -> None:
    """24 and 24 that are told apart without a fault: 25 of 26 is what they prove."""
    rows = [row(f"p{i}", selfie=i < 24, group=f"{'so'[i // 24]}{i % 2}") for i in range(48)]
    decisions = np.repeat([1.0, -1.0], 24)
    assert calibrate(decisions, rows) == pytest.approx((np.log(25), 0), abs=1e-3)
    # The more there are, the surer it may get, whatever the scale of the decisions.
    slope, _ = calibrate(np.repeat([0.01, -0.01], 2400), [r for r in rows for _ in range(100)])
    assert slope == pytest.approx(100 * np.log(2401), rel=1e-3)
    generator = np.random.default_rng(0)
    decisions = generator.normal(np.repeat([1.0, -1.0], 24), 0.3)
    assert 2 < calibrate(decisions, rows)[0] < 5


def test_calibration_weighs_sources_and_classes_as_training_does() -> None:
    rows = [row(f"s{i}", selfie=True) for i in range(400)]
    rows += [row(f"o{i}", selfie=False, group="many") for i in range(3600)]
    rows += [row(f"f{i}", selfie=False, group="few") for i in range(36)]
    # Nine selfies in ten look like one; so do all others of the small source, and only those.
    decisions = np.concatenate(
        [np.repeat([1.0, -1.0], (360, 40)), np.repeat([-1.0, 1.0], (3600, 36))]
    )
    slope, intercept = calibrate(decisions, rows)
    few = 36**0.5 / (36**0.5 + 3600**0.5)  # a source counts by the root of its size
    expected = 0.9 / (0.9 + few)
    assert 1 / (1 + np.exp(-slope - intercept)) == pytest.approx(expected, abs=0.003)
    expected = 0.1 / (0.1 + 1 - few)  # and both classes alike
    assert 1 / (1 + np.exp(slope - intercept)) == pytest.approx(expected, abs=0.003)
    # A source of twenty copies of each photo proves less than as many photos would.
    alone = [row(f"s{i}", selfie=i % 2 == 0, group=f"{i % 2}lone") for i in range(8)]
    copies = [row(f"c{i}", selfie=i % 2 == 0, group=f"{i % 2}many") for i in range(800)]
    told_apart = np.array([1.0 if r.selfie else -1.0 for r in alone + copies])
    assert calibrate(told_apart, alone + copies)[0] < np.log(404 + 1) - 0.1


SOURCES, OF_EACH = 50, 60


def rows_of_sources() -> list[Row]:
    """Others of many kinds from `SOURCES` sources with `OF_EACH` photos, and some selfies."""
    kinds = [min(kinds) for kinds in PARTS.values()]
    rows = [
        row(f"o{g}-{i}", selfie=False, group=f"g{g}", kind=kinds[g % len(kinds)])
        for g in range(SOURCES)
        for i in range(OF_EACH)
    ]
    return rows + [row(f"s{i}", selfie=True, group="me") for i in range(100)]


def values_of_others(generator: np.random.Generator, sources: int) -> np.ndarray:
    """Decision values; photos of one source are more alike than others."""
    means = generator.normal(0, 0.5, (sources, 1))
    return generator.normal(means, 1, (sources, OF_EACH)).ravel()


def test_thresholds_keep_their_limits_on_sources_not_yet_seen() -> None:
    rows, trials = rows_of_sources(), 24
    kept = dict.fromkeys(LIMITS, 0)
    for seed in range(trials):
        generator = np.random.default_rng(seed)
        others = values_of_others(generator, SOURCES)
        selfies = generator.normal(4, 1, 100)
        chosen = choose_thresholds(np.concatenate([others, selfies]), rows)
        assert chosen["sensitive"] < chosen["strict"]
        new = values_of_others(generator, 2000)
        for name, cut in chosen.items():
            # On the photos that chose it each limit holds ...
            assert (others >= cut).mean() <= LIMITS[name][ALL].share
            # ... and mostly on those of two thousand other sources.
            kept[name] += int((new >= cut).mean() <= LIMITS[name][ALL].share)
    assert all(count / trials >= 0.75 for count in kept.values()), kept


def test_each_kind_has_a_limit_of_its_own() -> None:
    generator = np.random.default_rng(0)
    rows = rows_of_sources()
    others = values_of_others(generator, SOURCES)
    decisions = np.concatenate([others, generator.normal(4, 1, 100)])
    plain = choose_thresholds(decisions, rows)
    for part, kinds in PARTS.items():
        # Three photos of a kind's six hundred look like selfies: within every limit.
        members = [i for i, r in enumerate(rows) if r.kind in kinds]
        assert len(members) == 600
        few, many = decisions.copy(), decisions.copy()
        few[generator.choice(members, 1)] = 9
        many[members[::30]] = 9  # 20 of 600: 0.7 % of all, but 3.3 % of the kind
        assert set(LIMITS["strict"]) == {ALL, *PARTS}
        assert choose_thresholds(few, rows)["strict"] < 9, part
        assert choose_thresholds(many, rows)["strict"] > 9, part
        assert choose_thresholds(many, rows)["sensitive"] < 9, part
    assert plain == choose_thresholds(decisions, rows)  # the same draws on every run


def test_one_source_that_is_flagged_often_raises_the_threshold() -> None:
    """3 % of the others flagged is within 5 %, but not if they might have been three sources."""
    names = [f"g{i % 20}" for i in range(2000)]
    rows = [row(f"o{i}", selfie=False, group=name, kind="other") for i, name in enumerate(names)]
    spread, lumped = np.zeros(2000), np.zeros(2000)
    spread[::34] = 9  # over all sources
    lumped[[i for i, name in enumerate(names) if name == "g0"][:60]] = 9
    assert choose_thresholds(spread, rows)["sensitive"] < 9
    assert choose_thresholds(lumped, rows)["sensitive"] > 9


def test_few_sources_leave_the_draws_to_single_photos() -> None:
    rows = [row(f"o{i}", selfie=False, group=f"g{i % 3}", kind="other") for i in range(300)]
    counts = draw_groups(rows)
    assert len({tuple(draw) for draw in counts.T.tolist()}) > 290
    many = [row(f"o{i}", selfie=False, group=f"g{i % MIN_GROUPS}") for i in range(300)]
    counts = draw_groups(many)
    assert len({tuple(draw) for draw in counts.T.tolist()}) == MIN_GROUPS
    assert (counts.reshape(len(counts), -1)[:, :MIN_GROUPS].sum(axis=1) == MIN_GROUPS).all()
    values = np.arange(300.0)
    strict = choose_thresholds(values, rows)["strict"]
    assert values[-4] < strict <= np.nextafter(values[-1], np.inf)
    # Nobody flagged at all, or no others: nothing breaks.
    faceless = choose_thresholds(np.full(300, -np.inf), rows)
    assert not any(np.isfinite(cut) and cut > -1e300 for cut in faceless.values())
    assert choose_thresholds(np.ones(2), [row("a", selfie=True)] * 2) == dict.fromkeys(
        LIMITS, -np.inf
    )


def test_draws_are_counted_as_if_photos_stood_there_several_times() -> None:
    generator = np.random.default_rng(0)
    selfie = np.arange(60) % 3 == 0
    decisions = np.round(generator.normal(selfie), 1)  # with ties
    counts = generator.integers(0, 4, (5, 60))
    counts[4] = 0
    for draw, auc, tpr in zip(
        counts,
        drawn_auc(selfie, decisions, counts),
        drawn_tpr(selfie, decisions, counts, 0.1),
        strict=True,
    ):
        copies = np.repeat(np.arange(60), draw)
        if not copies.size:
            assert np.isnan(auc)
            assert np.isnan(tpr)
            continue
        assert auc == pytest.approx(roc_auc_score(selfie[copies], decisions[copies]))
        assert tpr == pytest.approx(tpr_at_fpr(selfie[copies], decisions[copies], 0.1))
    values = np.array([1.0, 3.0, 2.0])
    assert highest_passed(values, np.array([[1, 1, 1], [0, 0, 2], [0, 0, 0]]), 0.34).tolist() == [
        2.0,
        2.0,
        -np.inf,
    ]


def test_figures() -> None:
    selfie = np.array([True] * 4 + [False] * 100)
    decisions = np.concatenate([[3.0, 2.0, 0.5, -1.0], np.linspace(-3, 1, 100)])
    assert tpr_at_fpr(selfie, decisions, 0.01) == 0.5
    low, high = wilson(8, 10)
    assert (low, high) == (pytest.approx(0.490, abs=0.001), pytest.approx(0.943, abs=0.001))
    rows = [row("a", selfie=True, kind="arm"), row("b", selfie=False, kind="people")]
    table = rates(rows, np.array([True, False]), "kind")
    assert table["recall"]["arm"]["share"] == 1
    assert table["false_positive_rate"]["people"]["flagged"] == 0


def test_c_is_chosen_by_sources_that_are_left_out() -> None:
    """Of the C that are tried, that which does best on sources that it has not seen wins."""
    rows = [
        row(f"{source}-{i}", selfie=i % 2 == 0, group=f"{'so'[i % 2]}{source}")
        for source in range(9)
        for i in range(60)
    ]
    selfie = np.array([r.selfie for r in rows])
    groups = np.array([r.group for r in rows])
    noise = np.random.default_rng(0).normal(size=len(rows))
    asked: list[float] = []

    def score_of(good: float) -> Callable[[float], Score]:
        def with_c(c: float) -> Score:
            def score(train: Sequence[int], test: Sequence[int]) -> np.ndarray:
                assert set(groups[train]).isdisjoint(groups[test])
                asked.append(c)
                # Only the good one tells the classes apart on what it has not seen.
                return np.where(selfie[test], 2.0 if c == good else 0.5, 0.0) + noise[test]

            return score

        return with_c

    for good in C_CHOICES:
        assert choose_c(rows, range(len(rows)), score_of(good)) == good
    assert set(asked) == set(C_CHOICES)
    # Of equals the smallest; where nothing can be told, the default.
    assert choose_c(rows, range(len(rows)), score_of(0)) == min(C_CHOICES)
    alone = [i for i in range(len(rows)) if selfie[i]]
    assert choose_c(rows, alone, score_of(0)) == Settings().c


def test_the_choice_of_c_looks_at_its_own_rows_alone() -> None:
    generator = np.random.default_rng(0)
    rows = [
        row(f"{source}-{i}", selfie=i % 2 == 0, group=f"{'so'[i % 2]}{source}")
        for source in range(8)
        for i in range(20)
    ]
    features = generator.normal(0, 1, (160, VERSIONS, len(FEATURE_NAMES))).astype(np.float32)
    features[:, :, 0] += 2 * np.array([r.selfie for r in rows])[:, None]
    dataset = Dataset(rows, features, features[:, :2], np.zeros((160, 2), np.float32), [])
    half = [i for i, r in enumerate(rows) if r.group[1] in "0123"]
    before = choose_settings(dataset, half, "yunet")
    assert before.c in C_CHOICES
    features[[i for i in range(len(rows)) if i not in half]] = 1e6
    assert choose_settings(dataset, half, "yunet") == before


def test_light_and_skin_tone_are_measured_on_the_face() -> None:
    face = Face((40.0, 40.0, 80.0, 100.0), (), 0.9)
    image = np.zeros((200, 200, 3), np.uint8)
    for bgr, brightness, tone in (
        ((180, 200, 235), "5 very bright", "6 very light"),
        ((90, 120, 170), "3 medium", "3 tan"),
        ((35, 50, 80), "1 very dark", "1 dark"),
    ):
        image[40:140, 40:120] = bgr
        luma, angle = measure_face(image, face)
        assert luma == pytest.approx(0.114 * bgr[0] + 0.587 * bgr[1] + 0.299 * bgr[2], abs=1)
        assert band(luma, BRIGHTNESS).startswith(brightness)
        assert band(angle, SKIN_TONE).startswith(tone), angle
    # Grey or blue light leaves no angle, no face no measure at all.
    image[:] = 128
    assert band(measure_face(image, face)[1], SKIN_TONE) == ""
    assert [band(measure_face(image, None)[0], BRIGHTNESS)] == [""]


def test_augmentation_changes_the_picture_but_not_its_kind() -> None:
    image = draw_person()
    versions: Sequence[np.ndarray] = [
        augment(image, np.random.default_rng(seed)) for seed in range(20)
    ]
    assert all(v.dtype == np.uint8 and v.shape[2] == 3 for v in versions)
    assert len({v.shape for v in versions}) > 10
    height, width = image.shape[:2]
    for version in versions:  # nothing is turned, and little is cut off or changed
        tall, wide = version.shape[:2]
        assert wide / tall == pytest.approx(width / height, rel=0.2)
        resized = cv2.resize(image, (wide, tall), interpolation=cv2.INTER_AREA)
        assert np.corrcoef(resized.ravel(), version.ravel())[0, 1] > 0.5
        assert not np.array_equal(resized, version)
    again = augment(image, np.random.default_rng(7))
    np.testing.assert_array_equal(again, versions[7])
