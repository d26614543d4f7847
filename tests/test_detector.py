"""From any photo to a verdict: the same every time, with reasons, and never a traceback."""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from conftest import with_exif
from faulty_detectors import CRASHES, FaultyDetector
from PIL import Image
from test_faces import overlap
from test_metadata import make_exif

import classicselfie
from classicselfie import SelfieDetector, Verdict
from classicselfie.benchmark.drawing import BgrImage, draw_person, draw_scene, turned
from classicselfie.resources import resource


def test_a_verdict_tells_all_it_promises(detector: SelfieDetector, person_path: Path) -> None:
    verdict = detector.check(person_path)
    assert verdict.label in ("selfie", "not_selfie")
    assert verdict.probability is not None
    assert 0 <= verdict.probability <= 1
    assert verdict.front_camera is None
    assert verdict.size == (480, 640)
    assert verdict.path == str(person_path)
    assert verdict.model == detector.model.name
    assert list(verdict.timings_ms) == [
        "open",
        "metadata",
        "thumbnail",
        "decode",
        "faces",
        "skin",
        "features",
        "score",
        "reasons",
    ]
    assert verdict.stage == "pixels"
    *seen, look = verdict.reasons
    assert look.signal == "look"
    strengths = [abs(reason.contribution) for reason in seen]
    assert strengths == sorted(strengths, reverse=True)
    assert all(reason.sentence for reason in verdict.reasons)
    (face,) = verdict.faces
    assert overlap(face.bbox, (151, 192, 178, 256)) > 0.5  # pixels of the original


def test_reasons_and_bias_add_up_to_the_decision_value(
    detector: SelfieDetector, person_jpeg: bytes
) -> None:
    exif = make_exif(lens="iPhone 13 front camera 2.71mm f/2.2", focal35=23)
    verdict = detector.check(with_exif(person_jpeg, exif))
    assert verdict.probability is not None
    slope, offset = detector.model.calibration
    decision = (np.log(verdict.probability / (1 - verdict.probability)) - offset) / slope
    _, bias = detector.model.contributions(detector.model.mean[None])
    total = sum(reason.contribution for reason in verdict.reasons) + bias
    assert total == pytest.approx(decision, abs=1e-6)


def test_metadata_shifts_the_score_and_is_told(
    detector: SelfieDetector, person_jpeg: bytes
) -> None:
    plain = detector.check(with_exif(person_jpeg, Image.Exif()))
    verdicts = {
        side: detector.check(with_exif(person_jpeg, make_exif(lens=f"iPhone 13 {side} camera")))
        for side in ("front", "back")
    }
    assert verdicts["front"].front_camera is True
    assert verdicts["back"].front_camera is False
    assert verdicts["back"].probability < plain.probability < verdicts["front"].probability
    sentences = {reason.signal: reason.sentence for reason in verdicts["front"].reasons}
    assert sentences["front_camera"] == "the file says that the front camera took it"


def test_nobody_is_warned_without_a_face(detector: SelfieDetector) -> None:
    room = io.BytesIO()
    pixels = draw_scene(640, 480, seed=3)[..., ::-1]
    exif = make_exif(lens="iPhone 13 front camera 2.71mm f/2.2")
    Image.fromarray(np.ascontiguousarray(pixels)).save(room, "JPEG", exif=exif)
    for verdict in (
        detector.check(room.getvalue()),
        SelfieDetector(threshold=0.0).check(room.getvalue()),
    ):
        assert verdict.label == "not_selfie"
        assert verdict.front_camera is True
        assert verdict.confidence == "clear"
        assert verdict.reasons[0].signal == "no_face"
        assert verdict.summary.startswith("No face was found, so this is not called a selfie (")
        assert "%" not in verdict.summary


def test_the_threshold_decides_the_label(person_jpeg: bytes) -> None:
    probability = SelfieDetector().check(person_jpeg).probability
    assert probability is not None
    assert SelfieDetector(threshold=probability).check(person_jpeg).label == "selfie"
    above = min(1.0, probability + 1e-9)
    assert SelfieDetector(threshold=above).check(person_jpeg).label == "not_selfie"
    with pytest.raises(ValueError, match="threshold must be"):
        SelfieDetector(threshold="lenient")


def test_between_the_published_thresholds_a_photo_may_be_a_selfie(
    person_jpeg: bytes, tmp_path: Path
) -> None:
    """A number of one's own draws the line alone, and without a face nothing may be one."""
    probability = SelfieDetector().check(person_jpeg).probability
    assert probability is not None

    def confidences(photo: Any, sensitive: float, strict: float) -> list[tuple[str, str | None]]:
        cuts = {"sensitive": sensitive, "strict": strict}
        model = replace(SelfieDetector().model, thresholds=cuts)
        (tmp_path / "mine.json").write_text(model.to_json(), encoding="utf-8")
        told = []
        for threshold in ("sensitive", "strict", sensitive):
            detector = SelfieDetector(tmp_path / "mine.json", threshold=threshold)
            verdict = detector.check(photo)
            assert verdict.threshold == detector.threshold
            told.append((verdict.label, verdict.confidence))
        return told

    above, below = min(1.0, probability + 1e-9), probability - 1e-9
    assert confidences(person_jpeg, probability, above) == [
        ("selfie", "maybe"),
        ("not_selfie", "maybe"),
        ("selfie", "clear"),
    ]
    assert confidences(person_jpeg, below, probability) == [("selfie", "clear")] * 3
    assert confidences(draw_scene(640, 480, seed=3), 0.0, 1.0) == [("not_selfie", "clear")] * 3


def test_arrays_may_be_rgb(detector: SelfieDetector, person: BgrImage, person_path: Path) -> None:
    rgb, grey = person[..., ::-1], person[..., 1].copy()
    expected = [detector.check(photo) for photo in (person, grey, person_path)]
    assert detector.check(rgb).probability != expected[0].probability  # it matters
    assert classicselfie.check(rgb, colour="rgb").probability == expected[0].probability
    for n_jobs in (1, 2):
        # Only arrays of three channels have an order that anybody must tell.
        verdicts = detector.check_many([rgb, grey, person_path], n_jobs=n_jobs, colour="rgb")
        assert list(verdicts) == expected
    for refused in (detector.check, detector.check_many):
        with pytest.raises(ValueError, match="colour must be 'bgr' or 'rgb', not 'RGB'"):
            refused([rgb] if refused == detector.check_many else rgb, colour="RGB")


@pytest.mark.parametrize("name", ["yunet", "haar"])
@pytest.mark.parametrize("size", [(400, 560), (641, 1283), (1999, 1501)])
def test_all_orientations_give_the_same_answer(name: str, size: tuple[int, int]) -> None:
    detector = SelfieDetector(detector=name)
    upright = draw_person(*size)
    expected = detector.check(upright)
    assert expected.probability is not None
    for orientation in range(1, 9):
        data = io.BytesIO()
        exif = make_exif(orientation=orientation)
        Image.fromarray(turned(upright, orientation)[..., ::-1].copy()).save(data, "PNG", exif=exif)
        verdict = detector.check(data.getvalue())
        assert (verdict.label, verdict.size) == (expected.label, size)
        assert verdict.probability == pytest.approx(expected.probability, abs=0.01)
        assert len(verdict.faces) == len(expected.faces)


def test_orientation_never_changes_a_verdict_of_a_real_photo(
    real_photos: list[tuple[Path, bool]], detector: SelfieDetector
) -> None:
    for path, _ in real_photos[::20]:
        with Image.open(path) as image:
            pixels = np.asarray(image.convert("RGB"))
        probabilities = []
        for orientation in range(1, 9):
            data = io.BytesIO()
            exif = make_exif(orientation=orientation)
            Image.fromarray(turned(pixels, orientation)).save(data, "PNG", exif=exif)
            probabilities.append(detector.check(data.getvalue()).probability)
        assert max(probabilities) - min(probabilities) < 1e-6


@pytest.mark.parametrize("source", [b"", b"no picture", "/no/such/file.jpg", b"\xff\xd8\xff\xe0"])
def test_what_cannot_be_read_is_unknown(detector: SelfieDetector, source: object) -> None:
    verdict = detector.check(source)
    assert (verdict.label, verdict.probability, verdict.faces) == ("unknown", None, ())
    (reason,) = verdict.reasons
    assert reason.signal == "unreadable"
    assert str(verdict) == f"Cannot be judged: {reason.sentence}."


def test_a_photo_larger_than_asked_for_is_unknown_and_keeps_its_time(
    detector: SelfieDetector, person_jpeg: bytes
) -> None:
    refused = detector.check(person_jpeg, max_pixels=480 * 640 - 1)
    assert refused.label == "unknown"
    assert str(refused.reasons[0].sentence).startswith("it has 480 × 640 pixels, more than")
    assert set(refused.timings_ms) == {"open"}
    taken = detector.check(person_jpeg, max_pixels=480 * 640)
    assert taken.probability == detector.check(person_jpeg).probability


def test_the_one_liner(person_jpeg: bytes, detector: SelfieDetector) -> None:
    assert classicselfie.check(person_jpeg) == detector.check(person_jpeg)


def test_the_same_bytes_give_the_same_probability_from_any_thread(
    detector: SelfieDetector, pictures: list[BgrImage]
) -> None:
    before = cv2.getNumThreads()
    try:
        answers = []
        for threads in (1, 2, 4):
            cv2.setNumThreads(threads)
            answers.append([detector.check(picture) for picture in pictures])
    finally:
        cv2.setNumThreads(before)
    assert answers[0] == answers[1] == answers[2]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(detector.check, pictures * 10)) == answers[0] * 10


@pytest.fixture(scope="session")
def pictures() -> list[BgrImage]:
    shapes = ((480, 640, 0.5), (640, 480, 0.3), (600, 600, 0.7), (720, 405, 0.2))
    return [draw_person(w, h, (0.45, 0.5), face) for w, h, face in shapes]


def test_processes_give_the_same_in_order(
    detector: SelfieDetector, pictures: list[BgrImage], tmp_path: Path
) -> None:
    paths = []
    for index, picture in enumerate(pictures * 3):
        paths.append(tmp_path / f"{index}.png")
        cv2.imwrite(str(paths[-1]), picture)
    paths.insert(5, tmp_path / "missing.png")
    alone = list(detector.check_many(paths))
    assert [verdict.path for verdict in alone] == [str(path) for path in paths]
    assert alone[5].label == "unknown"
    pytest.importorskip("joblib", reason="the extra scan is not installed")
    assert list(detector.check_many(paths, n_jobs=2)) == alone


def test_processes_refuse_what_they_cannot_share(
    detector: SelfieDetector, person_jpeg: bytes
) -> None:
    pytest.importorskip("joblib", reason="the extra scan is not installed")
    with pytest.raises(TypeError, match="read it first"):
        list(detector.check_many([io.BytesIO(person_jpeg)], n_jobs=2))
    (verdict,) = detector.check_many([bytearray(person_jpeg)], n_jobs=2)
    assert verdict == detector.check(person_jpeg)


def test_one_photo_in_place_of_many_is_refused(
    detector: SelfieDetector, person: BgrImage, person_path: Path, person_jpeg: bytes
) -> None:
    """A str and a picture are iterable as well: letter by letter, row by row."""
    one = (
        str(person_path),
        person_path,
        person_jpeg,
        bytearray(person_jpeg),
        person,
        person[..., 0],
    )
    for photo in (*one, io.BytesIO(person_jpeg), Image.fromarray(person)):
        for n_jobs in (1, 2):
            with pytest.raises(TypeError, match=r"check_many\(\[photo\]\)"):
                detector.check_many(photo, n_jobs=n_jobs)  # type: ignore[arg-type]
    assert len(list(detector.check_many(np.stack([person, person])))) == 2
    with pytest.raises(ValueError, match="n_jobs must not be 0"):
        detector.check_many([person], n_jobs=0)


def test_processes_judge_as_the_detector_that_asks(
    person_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither another working folder nor a weights file that is gone changes anything."""
    shutil.copy(resource("models", "yunet.json"), tmp_path / "mine.json")
    shutil.copy(person_path, tmp_path / "me.jpg")
    monkeypatch.chdir(tmp_path)
    detector = SelfieDetector("mine.json", threshold=0.01)
    (tmp_path / "mine.json").unlink()
    verdicts = detector.check_many(iter(["me.jpg"] * 3), n_jobs=2)
    first = next(verdicts)
    assert (first.label, first.path) == ("selfie", "me.jpg")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert [verdict.label for verdict in verdicts] == ["selfie"] * 2
    assert list(detector.check_many([person_path], n_jobs=2)) == [detector.check(person_path)]


def test_the_threshold_is_settled_when_the_detector_is_made(detector: SelfieDetector) -> None:
    with pytest.raises(AttributeError):
        detector.threshold = 0.1  # type: ignore[misc]


def test_a_photo_that_kills_its_process_is_unknown(person_jpeg: bytes) -> None:
    photos = [person_jpeg, person_jpeg + CRASHES, person_jpeg]
    labels = [verdict.label for verdict in FaultyDetector().check_many(photos, n_jobs=2)]
    assert labels == ["not_selfie", "unknown", "not_selfie"]


def test_many_photos_are_read_lazily(detector: SelfieDetector, person_jpeg: bytes) -> None:
    taken = 0

    def photos() -> Iterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield person_jpeg

    verdicts = detector.check_many(photos())
    assert isinstance(next(verdicts), Verdict)
    assert taken == 1


def test_real_photos_are_the_same_in_processes_and_threads(
    real_photos: list[tuple[Path, bool]], detector: SelfieDetector
) -> None:
    pytest.importorskip("joblib", reason="the extra scan is not installed")
    paths = [path for path, _ in real_photos[::4]]
    alone = [detector.check(path) for path in paths]
    assert list(detector.check_many(paths, n_jobs=2)) == alone
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(detector.check, paths)) == alone


def test_real_selfies_and_others_are_told_apart(
    known_photos: list[tuple[Path, bool]], detector: SelfieDetector
) -> None:
    # A smoke test on photos of the sources that the weights were trained on, so it is no
    # figure: it fails when the pipeline and the weights no longer fit together. How often
    # photos of other sources are flagged is in the model cards.
    flags = {True: [0, 0], False: [0, 0]}
    for path, selfie in known_photos:
        flags[selfie][0] += detector.check(path).label == "selfie"
        flags[selfie][1] += 1
    assert flags[True][0] > 0.6 * flags[True][1]
    assert flags[False][0] < 0.03 * flags[False][1]


def test_odd_files_are_judged_or_unknown(odd_dir: Path, detector: SelfieDetector) -> None:
    with (odd_dir / "index.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    verdicts = [detector.check(odd_dir / row["path"]) for row in rows]
    labels = [verdict.label for verdict in verdicts]
    assert 150 < labels.count("unknown") < 250  # broken, tiny, or of no supported format
    assert labels.count("selfie") <= 3
    for verdict in verdicts:
        assert verdict.reasons, verdict.path
        if verdict.label == "unknown":
            assert verdict.probability is None
            assert verdict.reasons[0].signal == "unreadable"


def test_checking_loads_no_training_library(person_path: Path) -> None:
    heavy = "sklearn skimage scipy joblib pandas matplotlib tqdm torch tensorflow"
    code = (
        "import sys, classicselfie\n"
        f"classicselfie.SelfieDetector().check({str(person_path)!r})\n"
        f"loaded = [name for name in {heavy.split()} if name in sys.modules]\n"
        "sys.exit(', '.join(loaded) or 0)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def test_the_limit_on_memory_and_time_holds_for_odd_files(odd_dir: Path) -> None:
    pytest.importorskip("resource", reason="memory is measured on Unix only")
    code = (
        "import sys, pathlib, resource, classicselfie\n"
        "for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):\n"
        "    classicselfie.check(path)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, str(odd_dir)],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    unit = 1024 if sys.platform != "darwin" else 1
    assert int(run.stdout) * unit < 10**9


def test_weights_may_lack_features_that_the_words_need(person: np.ndarray) -> None:
    """What is the same on all photos of somebody's own is left out of their weights."""
    detector = SelfieDetector()
    model = detector.model
    keep = [i for i, name in enumerate(model.feature_names) if name.endswith(("_0", "score"))]
    detector.model = replace(
        model,
        feature_names=tuple(model.feature_names[i] for i in keep),
        mean=model.mean[keep],
        scale=model.scale[keep],
        coef=model.coef[keep],
    )
    *seen, look = detector.check(person).reasons
    assert look.signal == "look"
    assert any("edge" in reason.sentence or "face" in reason.sentence for reason in seen)
