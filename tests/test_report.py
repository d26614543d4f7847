"""The report: its figures against hand counts, its page against what a browser needs."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from classicselfie.benchmark.drawing import draw_person, draw_scene

pytest.importorskip("sklearn", reason="the extra train is not installed")
pytest.importorskip("matplotlib", reason="the extra train is not installed")
pytest.importorskip("jinja2", reason="the extra train is not installed")

from matplotlib import rc_context, rcParams
from sklearn.metrics import precision_score, roc_auc_score, roc_curve

from classicselfie.errors import ManifestError
from classicselfie.files import write_files
from classicselfie.training.manifest import Row
from classicselfie.training.report import (
    THUMBNAIL,
    WORST,
    confusion,
    curve,
    figures,
    figures_path,
    precision_at,
    report_files,
)
from classicselfie.training.results import Results
from classicselfie.training.validation import tpr_at_fpr, wilson

NAMES = ("face", "light", "skin")


def make(
    selfies: Sequence[bool],
    decisions: Sequence[float],
    *,
    paths: Sequence[Path] = (Path("none.jpg"),),
    **changes: Any,
) -> Results:
    """Results of one fold whose first feature group is the whole score."""
    values = np.array(decisions, np.float64)
    rows = [
        Row(
            path=paths[i % len(paths)],
            name=f"photo{i}.jpg",
            selfie=selfie,
            source=f"src{i % 3}",
            group=f"src{i % 3}",
            subject="",
            kind=("arm", "group")[i % 2] if selfie else ("people", "document")[i % 2],
            size=None,
        )
        for i, selfie in enumerate(selfies)
    ]
    given = Results(
        model="trial-1",
        provenance="Drawn photos.",
        rows=rows,
        folds=np.zeros(len(rows), np.int64),
        fold_names=["all"],
        whole_sources=True,
        decisions=values,
        warned=values,
        early=np.stack([values, values], axis=1),
        early_warned=np.stack([values, values], axis=1),
        probabilities=1 / (1 + np.exp(-values)),
        flags={"strict": values >= 1},
        shares=np.stack([values, np.zeros_like(values), np.zeros_like(values)], axis=1),
        share_names=NAMES,
        baseline=None,
        retrained={},
        bands={},
        unreadable=[],
    )
    return replace(given, **changes)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("drawn")
    images = [draw_person(240, 320, face=0.6), draw_person(320, 240, face=0.3), draw_scene(90, 60)]
    paths = [folder / f"{index}.jpg" for index in range(len(images))]
    for path, image in zip(paths, images, strict=True):
        cv2.imwrite(str(path), image)
    return paths


@pytest.fixture(scope="module")
def results(pictures: list[Path]) -> Results:
    """180 photos in three folds, the last without others; some without a face."""
    generator = np.random.default_rng(1)
    selfies = [i % 2 == 0 or i >= 160 for i in range(180)]
    values = generator.normal(np.where(selfies, 1.2, -1.2))
    faceless = generator.random(180) < 0.1
    warned = np.where(faceless, -np.inf, values)
    noise = generator.normal(size=180)
    return make(
        selfies,
        values.tolist(),
        paths=pictures,
        folds=np.array([0] * 80 + [1] * 80 + [2] * 20),
        fold_names=["first", "second", "selfies only"],
        warned=warned,
        flags={"strict": warned >= 1.0, "sensitive": warned >= 0.0},
        shares=np.stack([values - noise, noise, np.zeros(180)], axis=1),
        baseline=generator.normal(np.where(selfies, 0.3, -0.3)),
        bands={
            "face height": [("", "near", "far")[i % 3] for i in range(180)],
            "one class": ["yes" if selfie else "" for selfie in selfies],
        },
        unreadable=[("broken.jpg", "the picture is damaged")],
    )


def write_report(results: Results, path: Path) -> dict[str, Any]:
    told, files = report_files(results, path)
    write_files(files)
    return told


@pytest.fixture(scope="module")
def written(results: Results, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    path = tmp_path_factory.mktemp("report") / "report.html"
    return write_report(results, path), path


class Page(HTMLParser):
    """What a browser would find, and whether every element is closed."""

    VOID = frozenset({"meta", "img", "br"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def values(self, *names: str) -> list[str]:
        return [a[name] or "" for _, a in self.tags for name in names if name in a]


def check_page(html: str) -> Page:
    """Assert what every report's page promises."""
    page = Page(html)
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    for target in page.values("src", "href", "xlink:href", "srcset", "action", "data"):
        assert target.startswith("data:image/jpeg;base64,") or target.removeprefix("#") in ids
    assert set(re.findall(r"url\(([^)]*)\)", html)) <= {f"#{name}" for name in ids}
    # Every colour is set twice, for light and for dark.
    for variable in set(re.findall(r"var\((--\w+)\)", html)):
        assert html.count(f"{variable}: #") == 2
    assert "http:" not in html
    assert "https:" not in html
    assert not page.all("script")
    assert not page.all("link")
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert page.all("html") == [{"lang": "en"}]
    assert len(page.all("caption")) == len(page.all("table"))
    assert all(th.get("scope") for th in page.all("th"))
    assert all(image.get("alt") for image in page.all("img"))
    assert all(a["role"] == "img" and a["aria-label"] for a in page.all("svg"))
    assert len(page.all("svg")) == 7
    return page


def test_summary_per_fold_and_pooled(results: Results) -> None:
    head = figures(results)["headline"]
    expected = [
        (
            roc_auc_score(results.selfie[part], results.decisions[part]),
            tpr_at_fpr(results.selfie[part], results.decisions[part]),
        )
        for part in (slice(0, 80), slice(80, 160))
    ]
    told = [(fold["auc"], fold["tpr_at_1_percent_fpr"]) for fold in head["folds"]]
    assert told == [pytest.approx(pair, abs=1e-4) for pair in expected]
    assert [fold["name"] for fold in head["folds"]] == ["first", "second"]
    assert head["skipped"] == ["selfies only"]
    pooled = roc_auc_score(results.selfie, results.decisions)
    assert head["pooled"]["auc"] == pytest.approx(pooled, abs=1e-4)
    low, high = figures(results)["left_out"]["model"]["overall"]["auc_interval"]
    assert low < pooled < high
    assert high - low < 0.15
    base = roc_auc_score(results.selfie, results.baseline)
    assert head["pooled_baseline"]["auc"] == pytest.approx(base, abs=1e-4)
    assert head["folds"][0]["baseline"]["auc"] == pytest.approx(
        roc_auc_score(results.selfie[:80], results.baseline[:80]), abs=1e-4
    )


def test_a_groups_selfies_stand_against_the_others_of_their_folds() -> None:
    # Two groups of selfies in two folds; the others of the second fold score high.
    selfies = [True, True, False, False, True, True, False, False]
    given = make(
        selfies,
        [1.0, 2.0, 0.0, 0.5, 1.0, 2.0, 1.5, 3.0],
        folds=np.repeat([0, 1], 4),
        fold_names=["first", "second"],
        baseline=np.zeros(8),
    )
    groups = ["a", "a", "x", "x", "b", "b", "y", "y"]
    rows = [replace(r, group=g, source=g) for r, g in zip(given.rows, groups, strict=True)]
    told = figures(replace(given, rows=rows))["left_out"]
    table = told["model"]["left_out_group"]
    assert {name: (f["selfies"], f["others"], f["auc"]) for name, f in table.items()} == {
        "a": (2, 2, 1.0),
        "b": (2, 2, 0.25),
    }
    assert told["model"]["mean_auc"] == 0.625
    assert told["model"]["same_source"] == {}  # too few photos of both classes
    assert told["baseline"]["left_out_group"]["b"]["auc"] == 0.5
    # A group that holds many of both is also told by itself, whatever the other groups' scores.
    many = make([i % 2 == 0 for i in range(200)], [float(i % 2 == 0) for i in range(200)])
    rows = [replace(r, group="both" if i < 120 else "rest") for i, r in enumerate(many.rows)]
    values = np.where([r.group == "both" for r in rows], many.decisions, -many.decisions)
    told = figures(replace(many, rows=rows, decisions=values))["left_out"]["model"]
    assert list(told["same_source"]) == ["both"]
    assert told["same_source"]["both"] == {
        "selfies": 60,
        "others": 60,
        "auc": 1.0,
        "tpr_at_1_percent_fpr": 1.0,
    }


def test_what_a_family_is_worth_is_told_by_models_trained_without_it(tmp_path: Path) -> None:
    selfies = [True] * 5 + [False] * 5
    given = make(
        selfies,
        VALUES,
        retrained={
            "": np.array(VALUES),
            "hog": np.array(VALUES),
            "face": np.zeros(10),
        },
    )
    told = figures(given)["retrained"]
    assert [entry["family"] for entry in told] == ["face", "hog"]
    assert told[0]["without"] == {"auc": 0.5, "tpr_at_1_percent_fpr": 0.0}
    assert told[0]["lost"]["auc"] == pytest.approx(0.84 - 0.5)
    assert told[1]["lost"] == {"auc": 0.0, "tpr_at_1_percent_fpr": 0.0}
    write_report(given, tmp_path / "r.html")
    html = (tmp_path / "r.html").read_text(encoding="utf-8")
    check_page(html)
    assert "What the others cannot make up for" in html


def test_limits_of_the_published_thresholds_are_told(tmp_path: Path) -> None:
    given = make(TEN, VALUES)
    told = write_report(given, tmp_path / "r.html")["limits"]
    assert list(told) == ["strict"]  # the only threshold here
    flagged = sum(value >= 1 for value in VALUES[5:])
    assert (told["strict"]["all others"]["photos"], told["strict"]["all others"]["flagged"]) == (
        5,
        flagged,
    )
    assert told["strict"]["all others"]["limit"] == 0.01
    assert set(told["strict"]) == {"all others", "people", "no people"}
    assert "False alarms and their limits, at strict" in (tmp_path / "r.html").read_text("utf-8")


def test_confusion_by_hand() -> None:
    selfie = np.array([True] * 4 + [False] * 4)
    flags = np.array([True, True, True, False, True, False, False, False])
    found = confusion(selfie, flags)
    counts = [found[f"{a}_{b}"] for a in ("true", "false") for b in ("positives", "negatives")]
    assert counts == [3, 3, 1, 1]
    assert found["recall"]["share"] == 0.75
    assert found["recall"]["interval"] == [round(bound, 4) for bound in wilson(3, 4)]
    assert found["false_positive_rate"]["share"] == 0.25
    assert found["precision"]["share"] == precision_score(selfie, flags)
    at_rate = found["precision_at_base_rate"]
    assert at_rate["share"] == pytest.approx(0.05 * 0.75 / (0.05 * 0.75 + 0.95 * 0.25), abs=1e-4)
    (low, high), (alarm_low, alarm_high) = wilson(3, 4), wilson(1, 4)
    assert at_rate["interval"] == [
        pytest.approx(0.05 * low / (0.05 * low + 0.95 * alarm_high), abs=1e-4),
        pytest.approx(0.05 * high / (0.05 * high + 0.95 * alarm_low), abs=1e-4),
    ]
    assert found["balanced_accuracy"]["share"] == 0.75
    assert found["balanced_accuracy"]["interval"] == [
        pytest.approx((low + 1 - alarm_high) / 2, abs=1e-4),
        pytest.approx((high + 1 - alarm_low) / 2, abs=1e-4),
    ]


def test_precision_where_nothing_is_flagged_is_not_known() -> None:
    found = confusion(np.array([True, False]), np.array([False, False]))
    assert found["precision"] == {"share": None, "interval": [0.0, 1.0]}
    assert found["precision_at_base_rate"] == {"share": None, "interval": [0.0, 1.0]}
    assert precision_at(0.05, 0.5, 0.0) == 1.0


def test_curve_by_hand_and_as_scikit_learn_draws_it(results: Results) -> None:
    selfie = np.array([True, False, True, False, True, False])
    # Two tie, and the last two can never be flagged.
    drawn = curve(selfie, np.array([3.0, 2.0, 2.0, 1.0, -np.inf, -np.inf]))
    assert drawn["recall"] == pytest.approx([0, 1 / 3, 2 / 3, 2 / 3], abs=1e-5)
    assert drawn["false_positive_rate"] == pytest.approx([0, 0, 1 / 3, 2 / 3], abs=1e-5)
    assert drawn["precision"] == [None, 1.0, 0.6667, 0.5]
    assert drawn["precision_at_base_rate"][:2] == [None, 1.0]
    assert drawn["precision_at_base_rate"][2] == pytest.approx(0.1 / (0.1 + 0.95), abs=1e-4)
    told = figures(results)["curves"]
    fpr, tpr, _ = roc_curve(results.selfie, results.decisions)
    np.testing.assert_allclose(told["model"]["false_positive_rate"], fpr, atol=1e-5)
    np.testing.assert_allclose(told["model"]["recall"], tpr, atol=1e-5)
    reached = np.isfinite(results.warned)[results.selfie].mean()
    assert told["warned"]["recall"][-1] == pytest.approx(reached, abs=1e-5)
    assert reached < 1


def test_calibration_by_hand() -> None:
    selfies = [True, True, True, False, False, False, False, False]
    probability = np.array([0.97, 1.0, 0.3, 0.0, 0.05, 0.35, 0.05, 0.92])
    given = make(selfies, [0.0] * 8, probabilities=probability)
    # One source a class, so that each class weighs 4 in all: 4/3 a selfie, 4/5 an other.
    given = replace(given, rows=[replace(r, source="s", group="s", kind="any") for r in given.rows])
    told = figures(given)
    low = 3 * 0.8 * (0.1 / 3)
    middle = abs(4 / 3 * (1 - 0.3) + 0.8 * (0 - 0.35))
    high = abs(4 / 3 * (0.03 + 0.0) + 0.8 * (0 - 0.92))
    assert told["calibration"]["error"] == pytest.approx((low + middle + high) / 8, abs=1e-4)
    assert [(entry["bin"], entry["photos"]) for entry in told["calibration"]["bins"]] == [
        (0, 3),
        (3, 2),
        (9, 3),
    ]
    assert told["calibration"]["bins"][1]["selfies"] == pytest.approx((4 / 3) / (4 / 3 + 0.8), 1e-3)
    assert sum(told["histogram"]["selfies"]) == 3
    assert sum(told["histogram"]["others"]) == 5
    assert told["histogram"]["selfies"][-1] == 2  # 0.97 and 1.0


def test_a_group_that_carries_all_the_signal() -> None:
    generator = np.random.default_rng(0)
    selfies = [i < 50 for i in range(100)]
    signal, noise = np.where(selfies, 2.0, -2.0), generator.normal(size=100)
    still = np.zeros(100)
    given = make(
        selfies,
        (signal + noise).tolist(),
        shares=np.stack([still, noise, signal], axis=1),
    )
    told = figures(given)
    whole, order = told["headline"]["pooled"], told["ablation"]
    assert order[0]["group"] == "skin"
    assert order[0]["without"]["auc"] == pytest.approx(roc_auc_score(selfies, noise), abs=1e-4)
    assert order[0]["alone"] == {"auc": 1.0, "tpr_at_1_percent_fpr": 1.0}
    for key in ("auc", "tpr_at_1_percent_fpr"):
        assert order[0]["lost"][key] == pytest.approx(whole[key] - order[0]["without"][key])
    by_group = {entry["group"]: entry for entry in order}
    assert by_group["face"]["lost"] == {"auc": 0.0, "tpr_at_1_percent_fpr": 0.0}
    assert by_group["face"]["alone"]["auc"] == 0.5
    assert order[-1]["group"] == "light"  # without the noise the score is better
    assert order[-1]["lost"]["auc"] < 0


def test_the_baseline_is_given_as_many_false_alarms() -> None:
    selfies = [True] * 4 + [False] * 6
    baseline = np.array([9.0, 6.5, 3.0, 1.0, 8.0, 7.0, 6.0, 5.0, 4.0, 2.0])
    flags = np.array([True, True, False, False, True, True, False, False, False, False])
    given = make(selfies, [0.0] * 10, baseline=baseline, flags={"strict": flags})
    table = figures(given)["tables"]["strict"]["kind_baseline"]
    # Two of the others may pass the cut, 8 and 7: it lies at 6, and 9 and 6.5 are found.
    assert {kind: e["flagged"] for kind, e in table["recall"].items()} == {"arm": 1, "group": 1}
    assert sum(e["flagged"] for e in table["false_positive_rate"].values()) == 2
    everything = replace(given, flags={"strict": np.ones(10, bool)})
    table = figures(everything)["tables"]["strict"]["kind_baseline"]
    assert all(e["share"] == 1 for side in table.values() for e in side.values())


def test_tables_skip_unknown_bands_and_mark_low_ones() -> None:
    # 100 near selfies, 90 found; 40 far, 20 found; 4 tiny, 3 found; 30 unknown, none found.
    groups = (("near", 100, 90), ("far", 40, 20), ("tiny", 4, 3), ("", 30, 0))
    bands = [name for name, photos, _ in groups for _ in range(photos)] + ["near", "far"]
    flags = [i < found for _, photos, found in groups for i in range(photos)] + [True, False]
    given = make(
        [True] * 174 + [False] * 2,
        [0.0] * 176,
        flags={"loose": np.array(flags)},
        bands={"distance": bands, "unknown": [""] * 176},
    )
    told = figures(given)
    table = told["tables"]["loose"]["bands"]["distance"]
    assert list(table["recall"]) == ["far", "near", "tiny"]
    assert table["recall"]["far"] == {
        "photos": 40,
        "flagged": 20,
        "share": 0.5,
        "interval": [round(bound, 4) for bound in wilson(20, 40)],
    }
    assert table["false_positive_rate"]["near"]["share"] == 1
    assert table["whole"]["recall"]["photos"] == 144
    assert table["whole"]["recall"]["share"] == round(113 / 144, 4)
    assert [(mark["band"], mark["may_be_chance"]) for mark in told["marked_bands"]] == [
        ("far", False)
    ]
    assert told["main_threshold"] == "loose"
    small = np.array([*flags[:140], True, True, False, False, *flags[144:]])
    marks = figures(replace(given, flags={"loose": small}))["marked_bands"]
    assert [(mark["band"], mark["may_be_chance"]) for mark in marks] == [
        ("far", False),
        ("tiny", True),
    ]


@pytest.mark.parametrize(("found", "marked"), [(50, ["a"]), (51, [])])
def test_a_band_is_marked_beyond_five_points(found: int, marked: list[str]) -> None:
    # The whole is 111 of 200, 55.5 %, either way.
    flags = [i < found for i in range(100)] + [i < 111 - found for i in range(100)]
    given = make(
        [True] * 200 + [False],
        [0.0] * 201,
        flags={"strict": np.array([*flags, False])},
        bands={"letter": ["a"] * 100 + ["b"] * 100 + [""]},
    )
    assert [mark["band"] for mark in figures(given)["marked_bands"]] == marked


def test_weak_kinds_come_in_order(results: Results) -> None:
    told = figures(results)
    assert told["main_threshold"] == "strict"
    shares = told["tables"]["strict"]["kind"]
    weak = {side: [entry["kind"] for entry in told["weak"][side]] for side in ("selfies", "others")}
    by_recall = sorted(shares["recall"], key=lambda kind: shares["recall"][kind]["share"])
    assert weak["selfies"] == by_recall
    # Others: only "document" is ever flagged here.
    flags = np.array([r.kind == "document" or r.selfie for r in results.rows])
    alarms = figures(replace(results, flags={"strict": flags}))["weak"]["others"]
    assert [(entry["kind"], entry["share"]) for entry in alarms] == [("document", 1.0)]


def test_worst_errors(results: Results) -> None:
    told = figures(results)["errors"]
    flags, values = results.flags["strict"], results.decisions
    place = {row.name: i for i, row in enumerate(results.rows)}
    alarms = [place[photo["name"]] for photo in told["false_alarms"]]
    missed = [place[photo["name"]] for photo in told["missed"]]
    assert set(alarms) == set(np.flatnonzero(flags & ~results.selfie))
    assert values[alarms].tolist() == sorted(values[alarms], reverse=True)
    every = np.sort(values[~flags & results.selfie])
    assert len(every) > WORST
    np.testing.assert_array_equal(values[missed], every[:WORST])
    worst = told["missed"][0]
    shares = dict(zip(NAMES, results.shares[missed[0]], strict=True))
    strongest = sorted(shares, key=lambda name: -abs(shares[name]))[:2]
    assert [part["group"] for part in worst["strongest"]] == strongest
    assert worst["strongest"][0]["share"] == pytest.approx(shares[strongest[0]], abs=1e-3)
    assert worst["probability"] == pytest.approx(results.probabilities[missed[0]], abs=1e-4)
    assert {photo["face_found"] for photo in told["missed"]} == {True, False}


def test_a_sheet_holds_the_worst_only() -> None:
    given = make([True] * 3 + [False] * 40, [0.0] * 3 + [float(i) for i in range(2, 42)])
    told = figures(given)["errors"]
    assert [photo["decision"] for photo in told["false_alarms"]] == list(range(41, 41 - WORST, -1))
    assert [photo["decision"] for photo in told["missed"]] == [0.0] * 3


def test_the_json_is_what_is_returned(results: Results, written: tuple[Any, Path]) -> None:
    told, path = written
    text = figures_path(path).read_text(encoding="utf-8")

    def refuse(word: str) -> None:
        raise AssertionError(word)

    assert json.loads(text, parse_constant=refuse) == told == figures(results)
    shown = {photo["name"] for side in told["errors"].values() for photo in side}
    named = set(re.findall(r"photo\d+\.jpg", text))
    assert named == shown
    assert len(named) < len(results.rows) / 2


def test_the_page_stands_alone(written: tuple[Any, Path]) -> None:
    told, path = written
    html = path.read_text(encoding="utf-8")
    page = check_page(html)
    assert str(path.parent.parent) not in html  # no path of a photo either
    images = page.all("img")
    assert len(images) == sum(len(side) for side in told["errors"].values())
    assert "default-src 'none'" in html
    assert "prefers-color-scheme: dark" in html
    assert "broken.jpg: the picture is damaged" in html
    assert "lack selfies or others: selfies only" in html
    for found in told["thresholds"].values():
        for key in ("recall", "false_positive_rate", "precision_at_base_rate"):
            assert f"{found[key]['share']:.1%}" in html
    for fold in told["headline"]["folds"]:
        assert f"{fold['auc']:.3f}" in html
    assert all(name in html for name in NAMES)
    assert "−0.0000" not in html


def test_thumbnails_are_small_copies(pictures: list[Path], tmp_path: Path) -> None:
    import base64

    given = make([True, True, True, False], [-3.0, -2.0, -1.0, -5.0], paths=pictures)
    write_report(given, tmp_path / "r.html")
    page = Page((tmp_path / "r.html").read_text(encoding="utf-8"))
    shapes = []
    for image in page.all("img"):
        data = base64.b64decode((image["src"] or "").partition(",")[2])
        decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        shapes.append(decoded.shape[:2])
    assert shapes[:2] == [(THUMBNAIL, 120), (120, THUMBNAIL)]
    assert max(shapes[2]) <= THUMBNAIL


def test_charts_show_baseline_and_thresholds(results: Results, tmp_path: Path) -> None:
    named = replace(results, flags={"$a$ <b>": results.flags["strict"]})
    write_report(named, tmp_path / "with.html")
    write_report(replace(named, baseline=None), tmp_path / "without.html")
    svgs = [
        re.findall(r"<svg.*?</svg>", (tmp_path / name).read_text(encoding="utf-8"), re.DOTALL)
        for name in ("with.html", "without.html")
    ]
    assert ["metadata only" in svg for svg in svgs[0]] == [True] * 5 + [False] * 2
    assert not any("metadata only" in svg for svg in svgs[1])
    # A name is text, neither a formula nor an element.
    assert [">threshold $a$ &lt;b&gt;<" in svg for svg in svgs[0]] == [True] * 5 + [False] * 2
    for svg in svgs[0]:
        assert "var(--ink)" in svg
        assert ("var(--warned)" in svg) == ("expected calibration error" not in svg)
        assert "var(--model)" in svg
        assert not re.search(r"#(222222|cccccc|0072b2|d55e00|707070)", svg)


def test_hostile_names_are_only_text(pictures: list[Path], tmp_path: Path) -> None:
    given = make([True, False], [-1.0, 2.0], paths=pictures)
    evil = '<script>alert("x")</script>'
    rows = [replace(row, name=f"{evil}.jpg", kind=evil, source=evil) for row in given.rows]
    hostile = replace(
        given,
        model=evil,
        provenance=evil,
        rows=[rows[0], replace(rows[1], name="bad\udcff.jpg", path=Path("missing.jpg"))],
        fold_names=[evil],
        share_names=[evil, "b", "c"],
        flags={evil: np.array([False, True])},
        bands={evil: [evil, evil]},
        unreadable=[(f"{evil}.jpg", evil)],
    )
    write_report(hostile, tmp_path / "r.html")
    html = (tmp_path / "r.html").read_text(encoding="utf-8")
    page = check_page(html)
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert len(page.all("img")) == 1
    assert "bad?.jpg<br>can no longer be read" in html


def test_the_same_results_give_the_same_bytes(
    results: Results, written: tuple[Any, Path], tmp_path: Path
) -> None:
    _, first = written
    second = tmp_path / "again.html"
    # A style of the reader's own stays his own and does not reach the charts.
    with rc_context({"font.size": 30, "lines.markersize": 30}):
        write_report(results, second)
        assert rcParams["font.size"] == 30
    assert first.read_bytes() == second.read_bytes()
    assert figures_path(first).read_bytes() == figures_path(second).read_bytes()


TEN = [True] * 5 + [False] * 5
VALUES = [2.0, 1.5, 0.5, -0.5, -1.0, 0.4, -0.2, -1.2, -2.0, -3.0]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "No other photo is flagged at this threshold."),
        ({"flags": {}}, "No threshold was given, so that nothing is flagged."),
        ({"flags": {"strict": np.zeros(10, bool)}}, "threshold strict"),
        ({"flags": {"strict": np.ones(10, bool)}}, "<p>None.</p>"),
        ({"flags": {"0.5": np.array(VALUES) > 0}}, "threshold 0.5"),
        ({"warned": np.full(10, -np.inf)}, "no face found"),
        ({"baseline": np.zeros(10)}, "sees no pixel"),
        (
            {"folds": np.array([0] * 5 + [1] * 5), "fold_names": ["a", "b"]},
            "lack selfies or others: a, b",
        ),
        ({"bands": {"none": [""] * 10}}, "Per none, at strict"),
        ({"bands": {"mine": ["x"] * 5 + [""] * 5}}, "In no band"),
        (
            {"shares": np.zeros((10, 1)), "share_names": ["only"]},
            "photo4.jpg",
        ),
    ],
)
def test_little_and_odd_results(tmp_path: Path, changes: dict[str, Any], sentence: str) -> None:
    given = make(TEN, VALUES, **changes)
    told = write_report(given, tmp_path / "r.html")
    html = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert sentence in html
    check_page(html)
    assert json.loads((tmp_path / "r.html.json").read_text(encoding="utf-8")) == told
    assert told["headline"]["pooled"]["auc"] == 0.84


def test_one_class_alone_is_refused() -> None:
    with pytest.raises(ManifestError, match="readable selfies and readable others"):
        figures(make([True, True], [0.0, 1.0]))
