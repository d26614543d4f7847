"""`classicselfie train`, which makes the shipped weights, and `classicselfie evaluate`."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classicselfie import __version__
from classicselfie.console import note
from classicselfie.errors import ManifestError, MissingExtraError, ModelError
from classicselfie.files import refuse_targets, write_files
from classicselfie.model import LinearModel, load_model
from classicselfie.names import printable
from classicselfie.training.manifest import Row, data_hash, without_groups

if TYPE_CHECKING:
    from classicselfie.training.dataset import Dataset
    from classicselfie.training.folds import Folds
    from classicselfie.training.results import Results


# Photos that are easy to part would allow any cut: what is likely no selfie is never flagged.
LOWEST = {"strict": 0.5, "sensitive": 0.1}


def train(
    rows: Sequence[Row],
    *,
    detector: str,
    output: Path,
    without: Sequence[str] = (),
    with_bundled: bool = False,
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
    without : sequence of str
        Groups of the photos that are left out of everything; the card names them.
    with_bundled : bool
        Whether to adapt the bundled weights to the photos, which may be few; their calibration
        and thresholds stay.
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
    MissingExtraError.unless_installed("train")
    import numpy as np

    from classicselfie.training import fit, judge
    from classicselfie.training.card import adapted_card_text, card_figures, card_text
    from classicselfie.training.dataset import extract_dataset
    from classicselfie.training.report import figures_path, report_files
    from classicselfie.training.selection import choose_settings
    from classicselfie.training.staging import choose_margin
    from classicselfie.training.thresholds import choose_thresholds

    card, report = output.with_suffix(".md"), output.with_suffix(".report.html")
    refuse_targets([output, card, report, figures_path(report)], force=force)
    dataset = _readable(extract_dataset(without_groups(rows, without), detector, n_jobs, cache))
    rows = dataset.rows
    if with_bundled:
        final, left_out = _adapted(dataset, detector, sorted(without), n_jobs)
        final = replace(final, title=printable(output.stem))
        told, files = report_files(left_out, report)
        weights = final.to_json().encode()
        text = adapted_card_text(final, told["comparison"])
        write_files({output: weights, card: text.encode(), **files}, force=force)
        note(f"wrote {output}, {card} and {report}", told["comparison"]["sentence"])
        return final
    left_out = judge.judge_left_out(dataset, detector, _folds(rows), n_jobs=n_jobs)
    note("training on everything")
    settings = choose_settings(dataset, range(len(rows)), detector)
    model = fit.fit(dataset, range(len(rows)), settings, detector)
    calibrated = replace(model, calibration=fit.calibrate(left_out.decisions, rows))
    cuts = choose_thresholds(left_out.warned, rows)
    figures = card_figures(left_out)
    everything = np.arange(len(rows))
    final = replace(
        calibrated,
        title=printable(output.stem),
        # Without figures of what it costs, no early answer.
        margins={
            stage: margin
            for stage, costs in figures["early"].items()
            if costs and (margin := choose_margin(left_out, everything, stage)) is not None
        },
        thresholds={
            name: min(max(round(calibrated.probability(cut), 4), LOWEST[name]), 0.9999)
            for name, cut in cuts.items()
        },
        card={
            "training_data": _training_data(dataset, sorted(without)),
            "settings": asdict(settings),
            "made_with": _versions(),
            "figures": figures,
        },
    )
    weights = final.to_json().encode()
    files = {output: weights, card: card_text(final).encode(), **report_files(left_out, report)[1]}
    write_files(files, force=force)
    overall = figures["left_out"]["overall"]
    note(
        f"wrote {output} ({len(weights) / 1000:.0f} kB), {card} and {report}: on left-out photos "
        f"AUC {overall['auc']:.4f}, recall at 1 % false alarms "
        f"{overall['tpr_at_1_percent_fpr']:.3f}"
    )
    return final


def _adapted(
    dataset: Dataset, detector: str, without: list[str], n_jobs: int
) -> tuple[LinearModel, Results]:
    """Adapt the bundled weights to all photos, and judge each by the others."""
    from classicselfie.training import adapt
    from classicselfie.training.folds import assign_folds

    rows, prior = dataset.rows, load_model(detector)
    if len({row.selfie for row in rows}) < 2:
        raise ManifestError("too few readable photos: there must be both selfies and others")
    left_out = adapt.judge_adapted(prior, dataset, assign_folds(rows), n_jobs)
    note("learning from everything")
    strength = adapt.choose_strength(prior, dataset, range(len(rows)))
    model = replace(
        adapt.adapt(prior, dataset, range(len(rows)), strength),
        card={
            "adapted_from": {"name": prior.name, "sha256": prior.digest},
            "training_data": _training_data(dataset, without),
            "settings": {"strength": strength},
            "made_with": _versions(),
        },
    )
    return model, left_out


def _training_data(dataset: Dataset, without: list[str]) -> dict[str, Any]:
    rows = dataset.rows
    return {
        "sha256": data_hash(rows),
        "selfies": sum(row.selfie for row in rows),
        "others": sum(not row.selfie for row in rows),
        "sources": sorted({row.source for row in rows}),
        "unreadable": len(dataset.unreadable),
        "groups_left_out": without,
    }


def _versions() -> dict[str, str]:
    import sklearn

    return {
        "classicselfie": __version__,
        "scikit-learn": sklearn.__version__,
        "python": platform.python_version(),
    }


def evaluate(
    rows: Sequence[Row],
    *,
    weights: Path | None,
    detector: str | None,
    output: Path,
    without: Sequence[str] = (),
    retrain: bool = False,
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
        None trains new ones for each fold of sources, without it: every photo is judged by
        weights that have not seen its source.
    detector : {"yunet", "haar"}, optional
        By default that of the weights, or else YuNet.
    output : Path
        The report, one HTML file; the same figures are written beside it as JSON.
    without : sequence of str
        Groups of the photos that are left out of everything.
    retrain : bool
        Whether to train again without each family of feature groups, to tell what it is worth;
        not with `weights`.
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
    MissingExtraError.unless_installed("train")
    from classicselfie.training import judge
    from classicselfie.training.dataset import extract_dataset
    from classicselfie.training.report import figures_path, report_files

    refuse_targets([output, figures_path(output)], force=force)
    model = load_model(weights) if weights else None
    if model and detector not in (None, model.detector):
        raise ModelError(f"{weights} was trained with detector={model.detector!r}")
    detector = model.detector if model else detector or "yunet"
    dataset = _readable(extract_dataset(without_groups(rows, without), detector, n_jobs, cache))
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
        results = judge.judge_left_out(
            dataset, detector, _folds(dataset.rows), retrain=retrain, n_jobs=n_jobs
        )
    figures, files = report_files(results, output)
    write_files(files, force=force)
    note(f"wrote {output} and {figures_path(output)}")
    return figures


def _readable(dataset: Dataset) -> Dataset:
    for row, why in dataset.unreadable:
        note(f"left out {row.name}: {why}")
    return dataset


def _folds(rows: Sequence[Row]) -> Folds:
    """Assign the photos to folds; complain where they are too few."""
    from classicselfie.training.folds import assign_folds

    folds = assign_folds(rows)
    lacking = folds.without_both(rows)
    if lacking is not None:
        raise ManifestError(
            f"too few readable photos: {lacking} has not both selfies and others to be judged on"
        )
    note(
        f"leaving out {len(folds.names)} parts of the "
        + ("sources, each source as a whole" if folds.whole_sources else "photos")
    )
    return folds
