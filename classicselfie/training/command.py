"""`classicselfie train`, which makes the shipped weights, and `classicselfie evaluate`."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import asdict, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classicselfie import __version__
from classicselfie.console import note
from classicselfie.errors import ManifestError, MissingExtraError, ModelError
from classicselfie.files import refuse_targets, write_files
from classicselfie.model import LinearModel, load_model
from classicselfie.names import printable
from classicselfie.training.manifest import Row, data_hash

if TYPE_CHECKING:
    from classicselfie.training.dataset import Dataset


# Photos that are easy to part would allow any cut: what is likely no selfie is never flagged.
LOWEST = {"strict": 0.5, "sensitive": 0.1}


def train(
    rows: Sequence[Row],
    *,
    detector: str,
    output: Path,
    n_jobs: int = -1,
    cache: Path | None = None,
    force: bool = False,
) -> LinearModel:
    """Train weights, measure them on left-out sources, and write them with their card.

    Parameters
    ----------
    rows : sequence of Row
        Of `read_manifest` or `read_folders`.
    detector : {"yunet", "haar"}
    output : Path
        Weights file, after which the weights are named; beside it its card (.md) and the report
        on left-out photos (.report.html, .report.html.json) are written.
    n_jobs : int
        Processes; -1 for one per core.
    cache : Path, optional
        Folder that keeps extracted features; a second run starts from them.
    force : bool
        Whether files that exist may be replaced.

    Returns
    -------
    LinearModel

    Raises
    ------
    ManifestError
        If the photos are too few.
    TargetError
        If a file exists already, or must not be written.
    OutputError
        If the files cannot be written.
    MissingExtraError
        If the extra "train" is not installed.
    """
    _refuse_missing_extra()
    import numpy as np
    import sklearn

    from classicselfie.training import fit, folds, judge
    from classicselfie.training.card import card_figures, card_text
    from classicselfie.training.dataset import extract_dataset
    from classicselfie.training.report import figures_path, report_files
    from classicselfie.training.selection import choose_settings
    from classicselfie.training.staging import choose_margin

    card, report = output.with_suffix(".md"), output.with_suffix(".report.html")
    refuse_targets([output, card, report, figures_path(report)], force=force)
    dataset = _readable(extract_dataset(rows, detector, n_jobs, cache))
    rows = dataset.rows
    group_folds = folds.leave_one_group_out(rows)
    _refuse_too_few(folds.fold_without_both(rows, group_folds))
    note("leaving out one group of selfies after the other")
    left_out = judge.judge_left_out(
        dataset, detector, group_folds, folds.fold_names(rows), n_jobs=n_jobs
    )
    source_folds = folds.leave_sources_out(rows)
    sources_out = None
    if not np.array_equal(source_folds, group_folds):  # there are sources enough
        note("leaving out whole sources of other photos")
        sources_out = judge.judge_left_out(
            dataset,
            detector,
            source_folds,
            [f"sources {place + 1}" for place in range(source_folds.max() + 1)],
            baseline=False,
            n_jobs=n_jobs,
        )
    note("training on everything")
    settings = choose_settings(dataset, range(len(rows)), detector)
    model = fit.fit(dataset, range(len(rows)), settings, detector)
    calibrated = replace(model, calibration=fit.calibrate(left_out.decisions, rows))
    cuts = fit.choose_thresholds(left_out.warned, rows)
    figures = card_figures(left_out, sources_out)
    final = replace(
        calibrated,
        title=printable(output.stem),
        # Without figures of what it costs, no early answer.
        thumbnail_margin=(
            choose_margin(left_out, np.arange(len(rows))) if figures["thumbnails"] else None
        ),
        thresholds={
            name: min(max(round(calibrated.probability(cut), 4), LOWEST[name]), 0.9999)
            for name, cut in cuts.items()
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
            "made_with": {
                "classicselfie": __version__,
                "scikit-learn": sklearn.__version__,
                "python": platform.python_version(),
            },
            "figures": figures,
        },
    )
    weights = final.to_json().encode()
    files = {output: weights, card: card_text(final).encode(), **report_files(left_out, report)[1]}
    write_files(files, force=force)
    means = final.card["figures"]["leave_one_group_out"]
    note(
        f"wrote {output} ({len(weights) / 1000:.0f} kB), {card} and {report}: "
        f"left-out groups' mean AUC {means['mean_auc']:.4f}, "
        f"mean recall at 1 % false alarms {means['mean_tpr_at_1_percent_fpr']:.3f}"
    )
    return final


def evaluate(
    rows: Sequence[Row],
    *,
    weights: Path | None,
    detector: str | None,
    output: Path,
    n_jobs: int = -1,
    cache: Path | None = None,
    force: bool = False,
) -> dict[str, Any]:
    """Write a report on labelled photos.

    Parameters
    ----------
    rows : sequence of Row
        Of `read_manifest` or `read_folders`.
    weights : Path or None
        Weights that judge the photos as they are; they must not have been trained on them.
        None trains new ones for each group of selfies, without it: every photo is judged by
        weights that have not seen its group.
    detector : {"yunet", "haar"}, optional
        By default that of the weights, or else YuNet.
    output : Path
        The report, one HTML file; the same figures are written beside it as JSON.
    n_jobs : int
        Processes; -1 for one per core.
    cache : Path, optional
        Folder that keeps extracted features.
    force : bool
        Whether files that exist may be replaced.

    Returns
    -------
    dict
        The figures.

    Raises
    ------
    ManifestError
        If the photos are too few, or the very ones that the weights were trained on.
    ModelError
        If the weights cannot be used, or not with this detector.
    TargetError
        If a file exists already, or must not be written.
    OutputError
        If the files cannot be written.
    MissingExtraError
        If the extra "train" is not installed.
    """
    _refuse_missing_extra()
    from classicselfie.training import folds, judge
    from classicselfie.training.dataset import extract_dataset
    from classicselfie.training.report import figures_path, write_report

    refuse_targets([output, figures_path(output)], force=force)
    model = load_model(weights) if weights else None
    if model and detector not in (None, model.detector):
        raise ModelError(f"{weights} was trained with detector={model.detector!r}")
    detector = model.detector if model else detector or "yunet"
    dataset = _readable(extract_dataset(rows, detector, n_jobs, cache))
    if not dataset.rows:
        raise ManifestError("none of the photos can be read")
    if model and model.card.get("training_data", {}).get("sha256") == data_hash(dataset.rows):
        raise ManifestError(
            f"{weights} was trained on these very photos; leave --weights out, and each photo is "
            "judged by weights that have not seen it"
        )
    if model:
        results = judge.judge_with(model, dataset, n_jobs)
    else:
        group_folds = folds.leave_one_group_out(dataset.rows)
        _refuse_too_few(folds.fold_without_both(dataset.rows, group_folds))
        note("leaving out one group of selfies after the other")
        results = judge.judge_left_out(
            dataset, detector, group_folds, folds.fold_names(dataset.rows), n_jobs=n_jobs
        )
    figures = write_report(results, output, force=force)
    note(f"wrote {output} and {figures_path(output)}")
    return figures


def _refuse_missing_extra() -> None:
    """Complain before the work begins."""
    for package in ("joblib", "sklearn", "tqdm", "matplotlib", "jinja2"):
        if find_spec(package) is None:
            raise MissingExtraError(package, "train")


def _readable(dataset: Dataset) -> Dataset:
    for row, why in dataset.unreadable:
        note(f"left out {row.name}: {why}")
    return dataset


def _refuse_too_few(fold: str | None) -> None:
    if fold is not None:
        raise ManifestError(
            f"too few readable photos: {fold} has not both selfies and others to be judged on"
        )
