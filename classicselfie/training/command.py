"""`classicselfie train`: the one command that makes the shipped weights."""

from __future__ import annotations

import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from classicselfie import __version__
from classicselfie.errors import ManifestError, MissingExtraError
from classicselfie.features import FEATURE_VERSION
from classicselfie.model import LinearModel
from classicselfie.training.manifest import Row, data_hash


def train(
    rows: Sequence[Row],
    *,
    detector: str,
    output: Path,
    n_jobs: int = -1,
    cache: Path | None = None,
) -> LinearModel:
    """Train weights, measure them on left-out sources, and write them with their card.

    Parameters
    ----------
    rows : sequence of Row
        Of `read_manifest` or `read_folders`.
    detector : {"yunet", "haar"}
    output : Path
        Weights file; its card is written beside it with the ending .md.
    n_jobs : int
        Processes; -1 for one per core.
    cache : Path, optional
        Folder that keeps extracted features; a second run starts from them.

    Returns
    -------
    LinearModel

    Raises
    ------
    ManifestError
        If the photos are too few.
    MissingExtraError
        If the extra "train" is not installed.
    """
    if not output.parent.is_dir():
        raise ManifestError(f"the folder {output.parent} of the output does not exist")
    for package in ("joblib", "sklearn", "tqdm"):
        if find_spec(package) is None:
            raise MissingExtraError(package, "train")
    import numpy as np
    import sklearn

    from classicselfie.training import fit, validation
    from classicselfie.training.card import write_card
    from classicselfie.training.dataset import extract_dataset

    dataset = extract_dataset(rows, detector, n_jobs, cache)
    for row, why in dataset.unreadable:
        _say(f"left out {row.name}: {why}")
    rows = dataset.rows
    folds = validation.leave_one_group_out(rows)
    short = validation.fold_without_both(rows, folds)
    if short is not None:
        raise ManifestError(
            f"too few readable photos: {short} has not both selfies and others to be judged on"
        )
    settings = fit.Settings()
    score = validation.ModelScore(dataset, settings, detector)

    _say("leaving out one group of selfies after the other")
    decisions = validation.held_out_decisions(folds, score, n_jobs)
    _say("leaving out whole sources of other photos")
    source_folds = validation.leave_sources_out(rows)
    source_decisions = validation.held_out_decisions(source_folds, score, n_jobs)
    _say("the same for the metadata-only baseline")
    baseline = validation.held_out_decisions(folds, validation.BaselineScore(rows), n_jobs)

    _say("training on everything")
    model = fit.fit(dataset, range(len(rows)), settings, detector)
    slope, intercept = fit.calibrate(decisions, rows)
    calibrated = replace(model, calibration=(slope, intercept))
    warned = validation.without_faceless(dataset, decisions)
    source_warned = validation.without_faceless(dataset, source_decisions)
    flags = validation.flags_at_thresholds(rows, folds, warned)
    source_flags = validation.flags_at_thresholds(rows, source_folds, source_warned)
    baseline_flags = validation.flags_at_thresholds(rows, folds, baseline)
    untouched = np.array([row.split == "valid" for row in rows])
    figures: dict[str, Any] = {
        "leave_one_group_out": validation.figures_per_group(rows, folds, decisions),
        "leave_one_group_out_valid_split": (
            validation.figures_per_group(
                [row for row in rows if row.split == "valid"],
                folds[untouched],
                decisions[untouched],
            )
            if untouched.any()
            and validation.fold_without_both(
                [row for row in rows if row.split == "valid"], folds[untouched]
            )
            is None
            else None
        ),
        "metadata_only_baseline": {
            **validation.figures_per_group(rows, folds, baseline),
            "by_kind": {
                name: validation.rates(rows, baseline_flags[name], "kind")
                for name in baseline_flags
            },
        },
        "calibration_error": validation.calibration_error(rows, folds, decisions),
        "at_thresholds": {
            name: {
                "by_kind": validation.rates(rows, flags[name], "kind"),
                "by_source": validation.rates(rows, flags[name], "source"),
                "by_source_left_out_whole": validation.rates(rows, source_flags[name], "source"),
            }
            for name in flags
        },
    }
    final = replace(
        calibrated,
        name=f"classicselfie-{detector}-{__version__}",
        thresholds={
            name: round(calibrated.probability(cut), 4)
            for name, cut in fit.choose_thresholds(warned, rows).items()
        },
        card={
            "training_data": {
                "sha256": data_hash(rows),
                "selfies": sum(row.selfie for row in rows),
                "others": sum(not row.selfie for row in rows),
                "sources": sorted({row.source for row in rows}),
                "unreadable": len(dataset.unreadable),
            },
            "settings": asdict(settings),
            "feature_version": FEATURE_VERSION,
            "made_with": {
                "classicselfie": __version__,
                "scikit-learn": sklearn.__version__,
                "python": platform.python_version(),
            },
            "figures": figures,
        },
    )
    output.write_text(final.to_json(), encoding="utf-8")
    write_card(final, output.with_suffix(".md"))
    means = figures["leave_one_group_out"]
    _say(
        f"wrote {output} ({output.stat().st_size / 1000:.0f} kB) and {output.with_suffix('.md')}: "
        f"left-out groups' mean AUC {means['mean_auc']:.4f}, "
        f"mean recall at 1 % false alarms {means['mean_tpr_at_1_percent_fpr']:.3f}"
    )
    return final


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
