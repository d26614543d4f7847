"""The report: what a model is worth on labelled photos, as one HTML file and as JSON."""

from __future__ import annotations

import base64
import json
from collections import Counter
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from sklearn.metrics import confusion_matrix

from classicselfie.errors import ManifestError, PhotoError
from classicselfie.images import fitted
from classicselfie.photo import load_photo
from classicselfie.templates import render
from classicselfie.training.comparison import MIN_PHOTOS, compare
from classicselfie.training.plots import charts
from classicselfie.training.results import Flags, Floats, Results
from classicselfie.training.validation import (
    BAND_MARGIN,
    band_table,
    expected_calibration_error,
    figures_left_out,
    kept_limits,
    marked_bands,
    rates,
    reliability,
    separation,
    share_of,
    wilson,
)

MAIN = "strict"  # the library's default threshold
BASE_RATE = 0.05  # share of selfies where a precision is told for a more usual collection
WEAKEST = 5  # kinds named where the model is weak
WORST = 24  # photos on a contact sheet
THUMBNAIL = 160  # longest side in pixels
HISTOGRAM_BINS = 20


def figures(results: Results) -> dict[str, Any]:
    """Work out everything that the report shows.

    Parameters
    ----------
    results : Results

    Returns
    -------
    dict
        Strict JSON. Of single photos it names the worst errors only, and the unreadable ones.

    Raises
    ------
    ManifestError
        If there are not both selfies and others.
    """
    selfie = results.selfie
    if selfie.all() or not selfie.any():
        raise ManifestError("a report needs readable selfies and readable others")
    main = _main_threshold(results)
    tables = {name: _tables(results, flags) for name, flags in results.flags.items()}
    bins = reliability(results.rows, results.probabilities)
    return {
        "model": results.model,
        "provenance": results.provenance,
        "counts": _counts(results),
        "base_rate": BASE_RATE,
        "band_margin": BAND_MARGIN,
        "main_threshold": main,
        "whole_sources": results.whole_sources,
        "comparison": None if main is None else compare(results, main),
        "headline": {
            "pooled": separation(selfie, results.decisions),
            "pooled_baseline": (
                None if results.baseline is None else separation(selfie, results.baseline)
            ),
            "folds": (folds := _folds(results)),
            "skipped": [
                name for name in results.fold_names if name not in {fold["name"] for fold in folds}
            ],
        },
        "left_out": {
            name: None if values is None else figures_left_out(results.rows, results.folds, values)
            for name, values in (("model", results.decisions), ("baseline", results.baseline))
        },
        "limits": kept_limits(results.rows, results.flags),
        "weak": None if main is None else _weak(tables[main]["kind"]),
        "curves": _curves(results),
        "calibration": {
            "error": round(expected_calibration_error(bins), 4),
            "bins": [{key: round(value, 4) for key, value in entry.items()} for entry in bins],
        },
        "histogram": {
            side: np.histogram(results.probabilities[members], HISTOGRAM_BINS, (0, 1))[0].tolist()
            for side, members in (("selfies", selfie), ("others", ~selfie))
        },
        "thresholds": {name: confusion(selfie, flags) for name, flags in results.flags.items()},
        "marked_bands": [
            mark for name, table in tables.items() for mark in marked_bands(name, table["bands"])
        ],
        "tables": tables,
        "ablation": _ablation(results),
        "retrained": _retrained(results),
        "errors": {
            side: [_told(results, place) for place in places]
            for side, places in _worst(results).items()
        },
        "unreadable": [{"name": name, "why": why} for name, why in results.unreadable],
    }


def report_files(results: Results, path: Path) -> tuple[dict[str, Any], dict[Path, bytes]]:
    """Make the report and its figures.

    Parameters
    ----------
    results : Results
    path : Path
        Becomes one HTML file that needs no other; the figures lie beside it, see
        `figures_path`. The HTML holds small copies of the worst errors' photos.

    Returns
    -------
    told : dict
        Of `figures`.
    files : dict of Path to bytes
        The report and its figures, to be written.
    """
    told = figures(results)
    html = render(
        Path(__file__).with_name("report.html.j2"),
        figures=told,
        charts=charts(told),
        min_photos=MIN_PHOTOS,
        thumbnails={
            side: [_thumbnail(results.rows[place].path) for place in places]
            for side, places in _worst(results).items()
        },
    )
    # Bytes, so that lines end alike everywhere; a file name need not be valid Unicode.
    return told, {
        path: html.encode("utf-8", "replace"),
        figures_path(path): json.dumps(told, indent=1, allow_nan=False).encode("ascii"),
    }


def figures_path(report: Path) -> Path:
    """Name the JSON beside a report; its double ending never meets a weights file's name."""
    return report.with_name(f"{report.name}.json")


def _main_threshold(results: Results) -> str | None:
    """Return `MAIN`, or else the first threshold; None without any."""
    return MAIN if MAIN in results.flags else next(iter(results.flags), None)


def _counts(results: Results) -> dict[str, Any]:
    found = Counter((row.source, row.selfie) for row in results.rows)
    return {
        "selfies": int(results.selfie.sum()),
        "others": int((~results.selfie).sum()),
        "unreadable": len(results.unreadable),
        "sources": {
            source: {"selfies": found[source, True], "others": found[source, False]}
            for source in sorted({row.source for row in results.rows})
        },
    }


def _folds(results: Results) -> list[dict[str, Any]]:
    """Of every fold that holds both classes."""
    folds = []
    for fold, name in enumerate(results.fold_names):
        inside = results.folds == fold
        selfie = results.selfie[inside]
        if len(set(selfie.tolist())) < 2:
            continue
        of_baseline = (
            None if results.baseline is None else separation(selfie, results.baseline[inside])
        )
        told = {"name": name, **separation(selfie, results.decisions[inside])}
        folds.append(told | {"baseline": of_baseline})
    return folds


def _weak(by_kind: dict[str, Any]) -> dict[str, Any]:
    """Kinds of selfies found least often, kinds of others flagged most often."""
    missed = sorted(by_kind["recall"].items(), key=lambda item: item[1]["share"])
    alarms = sorted(by_kind["false_positive_rate"].items(), key=lambda item: -item[1]["share"])
    return {
        "selfies": [{"kind": kind, **found} for kind, found in missed[:WEAKEST]],
        "others": [{"kind": kind, **found} for kind, found in alarms[:WEAKEST] if found["flagged"]],
    }


def _curves(results: Results) -> dict[str, Any]:
    """Of the decision values, of what the library would warn of, and of the baseline."""
    scores = {"model": results.decisions, "warned": results.warned, "baseline": results.baseline}
    return {
        name: None if values is None else curve(results.selfie, values)
        for name, values in scores.items()
    }


def curve(selfie: Flags, scores: Floats) -> dict[str, list[Any]]:
    """Follow the rates while the cut falls from above all scores to the lowest finite one.

    Parameters
    ----------
    selfie : ndarray of bool, shape (n,)
    scores : ndarray of float64, shape (n,)
        Photos at -inf are never flagged.

    Returns
    -------
    dict of str to list
        `false_positive_rate`, `recall`, and the `precision` here and at `BASE_RATE` (None where
        nothing is flagged). Points on a straight line between others are left out.
    """
    cuts, place = np.unique(-scores, return_inverse=True)
    finite = int(np.isfinite(cuts).sum())
    found, alarms = (
        np.concatenate([[0], np.cumsum(np.bincount(place[side], minlength=len(cuts)))[:finite]])
        for side in (selfie, ~selfie)
    )
    bend = (np.diff(found, 2) != 0) | (np.diff(alarms, 2) != 0)
    corner = np.concatenate([[True], bend, [True]])[: len(found)]
    corner[:2] = True  # where nothing is flagged there is no precision to draw a line from
    recall = found[corner] / selfie.sum()
    alarm_rate = alarms[corner] / (~selfie).sum()
    return {
        "false_positive_rate": [round(float(value), 5) for value in alarm_rate],
        "recall": [round(float(value), 5) for value in recall],
        **{
            key: [
                precision_at(prior, float(r), float(f))
                for r, f in zip(recall, alarm_rate, strict=True)
            ]
            for key, prior in (
                ("precision", float(selfie.mean())),
                ("precision_at_base_rate", BASE_RATE),
            )
        },
    }


def precision_at(base_rate: float, recall: float, false_positive_rate: float) -> float | None:
    """Share of selfies among the flagged where this share of all photos are selfies."""
    flagged = base_rate * recall + (1 - base_rate) * false_positive_rate
    return round(base_rate * recall / flagged, 4) if flagged else None


def confusion(selfie: Flags, flags: Flags) -> dict[str, Any]:
    """Count right and wrong flags, with shares and their 95 % intervals.

    Parameters
    ----------
    selfie, flags : ndarray of bool, shape (n,)

    Returns
    -------
    dict
        Intervals of shares of photos are Wilson's. Those of the precision at `BASE_RATE` and of
        the balanced accuracy put the unlucky ends of both rates' intervals together, and the
        lucky ends: wider than 95 %.
    """
    (passed, alarms), (missed, found) = confusion_matrix(
        selfie, flags, labels=(False, True)
    ).tolist()
    recall, alarm_rate = found / (found + missed), alarms / (alarms + passed)
    recall_low, recall_high = wilson(found, found + missed)
    alarm_low, alarm_high = wilson(alarms, alarms + passed)
    return {
        "true_positives": found,
        "false_negatives": missed,
        "false_positives": alarms,
        "true_negatives": passed,
        "recall": share_of(found, found + missed),
        "false_positive_rate": share_of(alarms, alarms + passed),
        "precision": share_of(found, found + alarms),
        "precision_at_base_rate": {
            "share": precision_at(BASE_RATE, recall, alarm_rate),
            "interval": [
                precision_at(BASE_RATE, recall_low, alarm_high),
                precision_at(BASE_RATE, recall_high, alarm_low),
            ],
        },
        "balanced_accuracy": {
            "share": round((recall + 1 - alarm_rate) / 2, 4),
            "interval": [
                round((recall_low + 1 - alarm_high) / 2, 4),
                round((recall_high + 1 - alarm_low) / 2, 4),
            ],
        },
    }


def _tables(results: Results, flags: Flags) -> dict[str, Any]:
    """Rates at one threshold per kind, per source and per band."""
    baseline = _baseline_flags(results, flags)
    return {
        "kind": rates(results.rows, flags, "kind"),
        "kind_baseline": None if baseline is None else rates(results.rows, baseline, "kind"),
        "source": rates(results.rows, flags, "source"),
        "bands": {
            grouping: band_table(results.selfie, flags, bands)
            for grouping, bands in results.bands.items()
        },
    }


def _baseline_flags(results: Results, flags: Flags) -> Flags | None:
    """Flag by the baseline: at most as many others as the model does."""
    if results.baseline is None:
        return None
    others = np.sort(results.baseline[~results.selfie])[::-1]
    allowed = int((flags & ~results.selfie).sum())
    # One cut for all folds; photos that tie with the first other beyond it are not flagged.
    cut = others[allowed] if allowed < len(others) else -np.inf
    return results.baseline > cut


def _ablation(results: Results) -> list[dict[str, Any]]:
    """Per feature group: the figures without its share of the sum, and of its share alone."""
    whole = _parted(results, results.decisions)
    found = []
    for name, share in zip(results.share_names, results.shares.T, strict=True):
        without = _parted(results, results.decisions - share)
        lost = _less(whole, without)
        alone = _parted(results, share)
        found.append({"group": name, "without": without, "lost": lost, "alone": alone})
    return sorted(found, key=lambda entry: tuple(entry["lost"].values()), reverse=True)


def _retrained(results: Results) -> list[dict[str, Any]]:
    """Per family of feature groups: the figures of models that were trained without it."""
    if not results.retrained:
        return []
    whole = _parted(results, results.retrained[""])
    found = [
        {"family": name, "without": (told := _parted(results, values)), "lost": _less(whole, told)}
        for name, values in results.retrained.items()
        if name
    ]
    return sorted(found, key=lambda entry: tuple(entry["lost"].values()), reverse=True)


def _parted(results: Results, decisions: Floats) -> dict[str, float]:
    found = separation(results.selfie, decisions)
    return {key: found[key] for key in ("auc", "tpr_at_1_percent_fpr")}


def _less(whole: dict[str, float], without: dict[str, float]) -> dict[str, float]:
    return {key: round(whole[key] - without[key], 4) for key in whole}


def _worst(results: Results) -> dict[str, list[int]]:
    """Places of the others that are flagged highest and the missed selfies that are lowest."""
    main = _main_threshold(results)
    if main is None:
        return {"false_alarms": [], "missed": []}
    flags, order = results.flags[main], np.argsort(results.decisions, kind="stable")
    return {
        "false_alarms": [int(i) for i in order[::-1] if flags[i] and not results.selfie[i]][:WORST],
        "missed": [int(i) for i in order if not flags[i] and results.selfie[i]][:WORST],
    }


def _told(results: Results, place: int) -> dict[str, Any]:
    """Tell of one photo what stands below its thumbnail."""
    row, shares = results.rows[place], results.shares[place]
    strongest = np.argsort(-np.abs(shares), kind="stable")[:2]
    return {
        "name": row.name,
        "kind": row.kind,
        "source": row.source,
        "decision": round(float(results.decisions[place]), 4),
        "probability": round(float(results.probabilities[place]), 4),
        "face_found": bool(np.isfinite(results.warned[place])),
        "strongest": [
            {"group": results.share_names[g], "share": round(float(shares[g]), 3)}
            for g in strongest
        ],
    }


def _thumbnail(path: Path) -> str | None:
    """Small JPEG of a photo as data URI; None where it can no longer be read."""
    try:
        image = load_photo(path).image
    except PhotoError:
        return None
    small = fitted(image, min(THUMBNAIL, max(image.shape[:2])))
    jpeg = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 80])[1]
    return "data:image/jpeg;base64," + base64.b64encode(jpeg.tobytes()).decode("ascii")
