"""Training: from a manifest of drawn photos to weights that load, the same on every run."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import shutil
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from classicselfie import SelfieDetector
from classicselfie.benchmark.drawing import draw_person, draw_scene
from classicselfie.errors import TargetError
from classicselfie.faces import Face
from classicselfie.features import FEATURE_NAMES, GROUPS

pytest.importorskip("sklearn", reason="the extra train is not installed")
pytest.importorskip("joblib", reason="the extra train is not installed")

from sklearn.metrics import roc_auc_score

from classicselfie.cli import main
from classicselfie.model import load_model
from classicselfie.resources import resource
from classicselfie.training.augment import augment
from classicselfie.training.bands import brightness_band, measure_face, skin_tone_band
from classicselfie.training.command import train
from classicselfie.training.dataset import VERSIONS, Dataset, extract_dataset
from classicselfie.training.fit import (
    LIMITS,
    Settings,
    calibrate,
    choose_thresholds,
    fit,
    sample_weights,
)
from classicselfie.training.folds import (
    fold_names,
    held_out,
    leave_one_group_out,
    leave_sources_out,
)
from classicselfie.training.judge import judge_left_out
from classicselfie.training.manifest import Row, data_hash, read_folders, read_manifest
from classicselfie.training.report import figures_path
from classicselfie.training.selection import C_CHOICES, GROUP_CHOICES, choose_settings
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


def test_training_writes_weights_that_load_and_a_card(
    manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = tmp_path / "mine.json", tmp_path / "again" / "mine.json"
    second.parent.mkdir()
    assert main(["train", str(manifest), "-o", str(first), "--jobs", "1"]) == 0
    assert "left out broken.jpg: the picture's header is damaged" in capsys.readouterr().err
    assert main(["train", str(manifest), "-o", str(second), "--jobs", "2"]) == 0
    assert first.read_bytes() == second.read_bytes()
    model = load_model(first)
    assert model.name == f"mine@{hashlib.sha256(first.read_bytes()).hexdigest()[:8]}"
    assert model.card["training_data"]["selfies"] == 24
    assert model.card["training_data"]["unreadable"] == 1
    assert model.card["training_data"]["sha256"] == data_hash(read_manifest(manifest)[:48])
    figures = model.card["figures"]["leave_one_group_out"]
    assert figures["mean_auc"] > 0.9  # near and far heads are easy to tell
    card = first.with_suffix(".md").read_text(encoding="utf-8")
    assert f"{figures['mean_auc']:.3f}" in card
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
    assert "part 1" in model.card["figures"]["leave_one_group_out"]["left_out_group"]
    card = output.with_suffix(".md").read_text(encoding="utf-8")
    assert "All selfies are of one source" in card
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
    dataset = Dataset(rows, features, features[:, 0], np.zeros((240, 2), np.float32), [])
    folds = leave_one_group_out(rows)
    results = judge_left_out(
        dataset, "yunet", folds, fold_names(rows), settings=Settings(), baseline=False, n_jobs=1
    )
    assert 0.35 < roc_auc_score(results.selfie, results.decisions) < 0.65
    np.testing.assert_allclose(
        results.decisions - results.shares.sum(axis=1),
        [(results.decisions - results.shares.sum(axis=1))[folds == f][0] for f in folds],
        atol=1e-9,
    )  # one bias a fold: the shares are the rest of the decision
    own = fit(dataset, range(240), Settings(), "yunet")
    learnt = own.decision_function(features[:, 0][:, own.columns])
    assert roc_auc_score(results.selfie, learnt) > 0.9


def test_the_report_of_train_is_that_of_evaluate(
    manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights, report = tmp_path / "mine.json", tmp_path / "left_out.html"
    arguments = [str(manifest), "--jobs", "1", "--cache", str(tmp_path / "cache")]
    assert main(["train", *arguments, "-o", str(weights)]) == 0
    beside = json.loads((tmp_path / "mine.report.html.json").read_text(encoding="utf-8"))
    assert main(["evaluate", *arguments, "-o", str(report)]) == 0
    # The same folds, settings and seeds: train's report is evaluate's.
    figures = json.loads(figures_path(report).read_text(encoding="utf-8"))
    assert figures == beside
    assert [fold["name"] for fold in figures["headline"]["folds"]] == ["me_a", "me_b"]
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
        (b"path,label\na\0.jpg,selfie\n", "is no text"),
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
    assert "no number of processes" in capsys.readouterr().err


def test_what_was_extracted_is_kept(manifest: Path, tmp_path: Path) -> None:
    rows = read_manifest(manifest)
    first = extract_dataset(rows[:8], "yunet", 1, tmp_path / "cache")
    database = sqlite3.connect(tmp_path / "cache" / "features.sqlite", isolation_level=None)
    assert database.execute("SELECT count(*) FROM photos").fetchone() == (8,)
    # A mark in the kept vectors shows that the second run reads them and extracts the rest.
    kept = np.concatenate([first.features[0].ravel(), first.thumbnails[0], first.face_light[0]])
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


def test_training_sees_each_photo_mirrored_as_well(tmp_path: Path) -> None:
    """Who holds the camera in the other hand is no other kind of person."""
    picture = draw_person(480, 360, (0.25, 0.5), 0.4)
    cv2.imwrite(str(tmp_path / "a.png"), picture)
    cv2.imwrite(str(tmp_path / "mirrored.png"), picture[:, ::-1])
    rows = [
        replace(row(name, selfie=True), path=tmp_path / name) for name in ("a.png", "mirrored.png")
    ]
    there, mirrored = extract_dataset(rows, "yunet", 1).features
    assert not np.array_equal(there[0], mirrored[0])
    # The version after the photo itself is what a photo of the mirrored scene would give.
    np.testing.assert_allclose(there[1], mirrored[0], atol=1e-4)
    np.testing.assert_allclose(mirrored[1], there[0], atol=1e-4)


def test_no_photo_is_in_two_folds_and_subjects_stay_together() -> None:
    rows = [row(f"s{i}", selfie=True, group=f"g{i % 3}") for i in range(9)]
    rows += [row(f"o{i}", selfie=False, group="g0") for i in range(3)]
    rows += [row(f"p{i}", selfie=False, group="far", subject=f"who{i // 10}") for i in range(60)]
    folds = leave_one_group_out(rows)
    for fold in range(3):
        held_out = {r.group for r, f in zip(rows, folds, strict=True) if f == fold and r.selfie}
        assert held_out == {f"g{fold}"}
    assert {int(f) for r, f in zip(rows, folds, strict=True) if r.group == "g0"} == {0}
    by_subject: dict[str, set[int]] = {}
    for r, f in zip(rows[12:], folds[12:], strict=True):
        by_subject.setdefault(r.subject, set()).add(int(f))
    assert all(len(found) == 1 for found in by_subject.values())
    sources = leave_sources_out(rows, folds=4)
    for group in ("g0", "g1", "g2", "far"):
        assert len({int(f) for r, f in zip(rows, sources, strict=True) if r.group == group}) == 1


def test_weights_balance_classes_and_raise_hard_negatives() -> None:
    rows = [row(f"s{i}", selfie=True) for i in range(10)]
    rows += [row(f"o{i}", selfie=False, group="o", kind="people") for i in range(30)]
    rows += [row("p", selfie=False, group="o", kind="portrait_by_other")]
    weights = sample_weights(rows)
    assert weights.mean() == pytest.approx(1)
    assert weights[:10].sum() == pytest.approx(weights[10:].sum())
    assert weights[-1] == pytest.approx(3 * weights[-2])


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


def test_thresholds_keep_their_limits() -> None:
    generator = np.random.default_rng(0)
    kinds = ["no_people", "people", "portrait_by_other", "painting"]
    rows = [row(f"o{i}", selfie=False, kind=kinds[i % 4]) for i in range(4000)]
    rows += [row(f"s{i}", selfie=True) for i in range(100)]
    shift = np.array([{"people": 1.0, "portrait_by_other": 2.0}.get(r.kind, 0.0) for r in rows])
    decisions = generator.normal(shift)
    chosen = choose_thresholds(decisions, rows)
    assert chosen["sensitive"] < chosen["strict"]
    others = np.array([not r.selfie for r in rows])
    for name, cut in chosen.items():
        flagged = decisions >= cut
        assert flagged[others].mean() <= LIMITS[name]["all"]
    strict = decisions >= chosen["strict"]
    for kind, share in (("no_people", 0.005), ("people", 0.02), ("portrait_by_other", 0.08)):
        members = np.array([r.kind == kind for r in rows])
        assert strict[members].mean() <= share


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


def test_c_and_groups_are_chosen_by_sources_that_are_left_out() -> None:
    """HOG knows the source and nothing else; the face's size is the same truth everywhere."""
    generator = np.random.default_rng(0)
    rows = [
        row(f"{source}{i}", selfie=i % 2 == 0, group=f"{'so'[i % 2]}{source}")
        for source in range(9)
        for i in range(60)
    ]
    selfie = np.array([r.selfie for r in rows])
    features = np.zeros((len(rows), VERSIONS, len(FEATURE_NAMES)), np.float32)
    size = FEATURE_NAMES.index("face.height")
    features[:, :, size] = generator.normal(selfie * 2.5)[:, None]
    hogs = [i for i, name in enumerate(FEATURE_NAMES) if name.startswith("hog_")]
    per_source = {r.group: generator.normal(0, 1, len(hogs)) for r in rows}
    shown = np.array([per_source[r.group] for r in rows])
    features[:, :, hogs] = generator.normal(shown, 0.3)[:, None]
    dataset = Dataset(rows, features, features[:, 0], np.zeros((len(rows), 2), np.float32), [])
    chosen = choose_settings(dataset, range(len(rows)), "yunet")
    assert chosen.groups == GROUP_CHOICES[1]  # without HOG
    assert chosen.c in C_CHOICES
    # Rows that may not be looked at change nothing.
    half = [i for i, r in enumerate(rows) if r.group[1] in "01234"]
    before = choose_settings(dataset, half, "yunet")
    features[[i for i in range(len(rows)) if i not in half]] = 0
    assert choose_settings(dataset, half, "yunet") == before
    alone = [i for i in half if selfie[i]]
    assert choose_settings(dataset, alone, "yunet") == Settings()


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
        assert brightness_band(luma).startswith(brightness)
        assert skin_tone_band(angle).startswith(tone), angle
    # Grey or blue light leaves no angle, no face no measure at all.
    image[:] = 128
    assert skin_tone_band(measure_face(image, face)[1]) == ""
    assert [brightness_band(measure_face(image, None)[0])] == [""]


def test_augmentation_changes_the_picture_but_not_its_kind() -> None:
    image = draw_person()
    versions: Sequence[np.ndarray] = [
        augment(image, np.random.default_rng(seed)) for seed in range(20)
    ]
    assert all(v.dtype == np.uint8 and v.shape[2] == 3 for v in versions)
    assert len({v.shape for v in versions}) > 10
    # Frames and bars are among them, of one colour along a whole side.
    framed = [v for v in versions if (v[:2] == v[0, 0]).all() or (v[:, :2] == v[0, 0]).all()]
    assert 3 <= len(framed) <= 15
    again = augment(image, np.random.default_rng(7))
    np.testing.assert_array_equal(again, versions[7])


def test_a_change_of_aspect_keeps_the_face() -> None:
    image = np.zeros((300, 400, 3), np.uint8)
    image[100:180, 300:360] = 255
    kept = []
    for seed in range(40):
        version = augment(image, np.random.default_rng(seed), (300.0, 100.0, 60.0, 80.0))
        kept.append((version > 128).mean() > 0.02)
    # The small crops and frames that follow may still cut it.
    assert np.mean(kept) > 0.9
