"""The model card: where the weights come from, what they are worth, and where they fail."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from classicselfie.metadata import FRONT_GIVEN_OTHER, FRONT_GIVEN_SELFIE
from classicselfie.model import EARLY_STAGES, EarlyStage, LinearModel
from classicselfie.training.report import MAIN
from classicselfie.training.results import Results
from classicselfie.training.staging import staged_figures
from classicselfie.training.thresholds import SURE
from classicselfie.training.validation import (
    BAND_MARGIN,
    band_table,
    expected_calibration_error,
    figures_left_out,
    flags_at_thresholds,
    kept_limits,
    marked_bands,
    rates,
    reliability,
    tally,
)


def card_figures(left_out: Results) -> dict[str, Any]:
    """Work out what the card tells.

    Parameters
    ----------
    left_out : Results
        Of photos whose sources were left out, with the baseline.

    Returns
    -------
    dict
        Strict JSON.
    """
    rows, folds, baseline = left_out.rows, left_out.folds, left_out.baseline
    limits = kept_limits(rows, left_out.flags)
    figures: dict[str, Any] = {
        "whole_sources": left_out.whole_sources,
        "folds": len(left_out.fold_names),
        "left_out": figures_left_out(rows, folds, left_out.decisions),
        "left_out_valid_split": _of_valid_split(left_out),
        "early": {stage: staged_figures(left_out, stage) for stage in EARLY_STAGES},
        "calibration_error": round(
            expected_calibration_error(reliability(rows, left_out.probabilities)), 4
        ),
        "at_thresholds": {
            name: {
                "recall": tally(left_out.selfie, flags),
                "limits": limits.get(name, {}),
                "by_kind": rates(rows, flags, "kind"),
                "by_band": {
                    grouping: band_table(left_out.selfie, flags, bands)
                    for grouping, bands in left_out.bands.items()
                },
            }
            for name, flags in left_out.flags.items()
        },
        # At one threshold: the weights file shall stay small, and the report tells all.
        "by_source": rates(rows, left_out.flags[MAIN], "source"),
    }
    if baseline is not None:
        flags_of_baseline = flags_at_thresholds(rows, folds, baseline)
        figures["metadata_only_baseline"] = {
            **figures_left_out(rows, folds, baseline),
            "by_kind": {
                name: rates(rows, flags, "kind") for name, flags in flags_of_baseline.items()
            },
        }
    return figures


def _of_valid_split(results: Results) -> dict[str, Any] | None:
    """Figures of the photos on which nothing was chosen; None where they lack a class."""
    valid = np.array([row.split == "valid" for row in results.rows])
    rows = [row for row in results.rows if row.split == "valid"]
    if len({row.selfie for row in rows}) < 2:
        return None
    overall: dict[str, Any] = figures_left_out(
        rows, results.folds[valid], results.decisions[valid]
    )["overall"]
    return overall


def card_text(model: LinearModel) -> str:
    """Write the card of trained weights as Markdown; every figure comes from `model.card`."""
    return "\n".join(_lines(model)) + "\n"


def adapted_card_text(model: LinearModel, comparison: Mapping[str, Any]) -> str:
    """Write the card of adapted weights as Markdown.

    Parameters
    ----------
    model : LinearModel
    comparison : dict
        Of `classicselfie.training.comparison.compare`.

    Returns
    -------
    str
    """
    data, sides = model.card["training_data"], comparison["sides"]
    lines = [
        f"# {model.name}",
        "",
        f"The weights {model.card['adapted_from']['name']}, adapted by `classicselfie train "
        f"--with-bundled` to {data['selfies']} selfies and {data['others']} other photos (SHA-256 "
        f"of names, labels and contents `{data['sha256']}`); calibration and thresholds are those "
        "of the bundled weights, and so are the card's warnings.",
        "",
        comparison["sentence"],
        "",
        f"| at the threshold `{comparison['threshold']}` | adapted | bundled |",
        "|---|---|---|",
    ]
    for key, words in (
        ("right", "right answers"),
        ("recall", "selfies found"),
        ("false_positive_rate", "others flagged wrongly"),
    ):
        cells = (sides[side][key] for side in ("adapted", "bundled"))
        counts = " | ".join(f"{cell['flagged']} of {cell['photos']}" for cell in cells)
        lines.append(f"| {words} | {counts} |")
    return "\n".join(lines) + "\n"


def _lines(model: LinearModel) -> Iterable[str]:
    card, figures = model.card, model.card["figures"]
    data = card["training_data"]
    groups = sorted({name.partition(".")[0] for name in model.feature_names})
    yield f"# {model.name}"
    yield ""
    yield (
        f"A linear SVM over {len(model.feature_names)} named features of {len(groups)} groups "
        f"({', '.join(groups)}), with the {model.detector} face detector. Written by "
        "`classicselfie train`; do not edit."
    )
    yield ""
    yield from _first(figures)
    yield from _weak_bands(figures["at_thresholds"])
    yield "## Training data"
    yield ""
    yield (
        f"{data['selfies']} selfies and {data['others']} other photos from "
        f"{len(data['sources'])} collections ({', '.join(data['sources'])}); SHA-256 of names, "
        f"labels and contents `{data['sha256']}`. The rights in them, what is known of their "
        "labels and whom they show belong in a text beside this one (for the bundled weights: "
        "DATA.md)."
    )
    yield ""
    if data["groups_left_out"]:
        yield (
            "Left out of training and of every figure, though they were at hand: "
            f"{', '.join(data['groups_left_out'])}."
        )
        yield ""
    yield (
        "The weights of metadata signals are not trained: they are likelihood ratios from counts "
        "of camera models in real files and from stated "
        f"assumptions ({FRONT_GIVEN_SELFIE:.0%} of selfies and {FRONT_GIVEN_OTHER:.0%} of other "
        "photos with a face are a front camera's), added to the log-odds; see "
        "`classicselfie/metadata.py`. No figure below contains them."
    )
    yield ""
    yield from _sources(figures)
    yield (
        f"Expected calibration error on held-out photos: {figures['calibration_error']:.3f}. The "
        "probability is that of a collection in which every second photo is a selfie."
    )
    for name, threshold in model.thresholds.items():
        yield ""
        yield f"## At the threshold `{name}` (probability {threshold:.3f})"
        yield ""
        yield (
            "What the library says of left-out photos, at cuts that the other folds chose; shares "
            "with their 95 % Wilson intervals, which know nothing of other sources. A photo in "
            "which the detector finds no face is never flagged."
        )
        yield ""
        yield from _table(figures["at_thresholds"][name], "by_kind", "kind")
        yield ""
        if name == MAIN:
            yield from _table(figures, "by_source", "source")
            yield ""
        for grouping, table in figures["at_thresholds"][name]["by_band"].items():
            yield from _table({grouping: table}, grouping, grouping)
            yield ""
        yield "The baseline that sees no pixel, at thresholds chosen for it by the same rule:"
        yield ""
        yield from _table(figures["metadata_only_baseline"]["by_kind"], name, "kind")
    yield ""
    for stage in EARLY_STAGES:
        yield from _early(stage, model.margins.get(stage), figures["early"][stage])
    yield "## Limits"
    yield ""
    yield (
        "It judges how a picture was taken, from its composition: no identity, age, gender, "
        "beauty or liveness. Mirror selfies, small faces, groups and hidden faces are often "
        "missed; close portraits by others and painted people are sometimes flagged (see the "
        "tables), and people who are rare in the training photos may be found less "
        "often. Warn with it, never block."
    )


def _first(figures: Mapping[str, Any]) -> Iterable[str]:
    """Say first what the default threshold finds, and what it flags wrongly."""
    at = figures["at_thresholds"][MAIN]
    yield "## What to expect"
    yield ""
    if figures["whole_sources"]:
        yield (
            f"At the default threshold `{MAIN}`, on photos of sources that were left out of "
            f"training whole: {at['recall']['share']:.1%} of the {at['recall']['photos']} selfies "
            f"are found. The thresholds are the smallest whose limits hold in {SURE:.0%} of all "
            "draws of sources, those of animals and drawings, which few sources hold, in half of "
            "them. "
            "The false alarms below are at cuts that the other folds chose."
        )
    else:
        yield (
            f"At the default threshold `{MAIN}`, on photos that were left out of training: "
            f"{at['recall']['share']:.1%} of the {at['recall']['photos']} selfies are found. **The "
            "sources are too few to be left out whole**, so that parts of them were left out "
            "instead: these figures flatter the model. Put every source into a folder of its own."
        )
    yield ""
    yield "| others | photos | flagged | share | interval | limit |"
    yield "|---|---|---|---|---|---|"
    for part, row in at["limits"].items():
        yield f"| {part} {_cells(row)} | {row['limit']:.0%} |"
    yield ""
    yield "| selfies | photos | found | share | interval |"
    yield "|---|---|---|---|---|"
    for kind, row in at["by_kind"]["recall"].items():
        yield f"| {kind} {_cells(row)} |"
    yield ""


def _sources(figures: Mapping[str, Any]) -> Iterable[str]:
    """Tell how well selfies and others are parted on sources nobody trained on."""
    left_out, baseline = figures["left_out"], figures["metadata_only_baseline"]
    overall, without = left_out["overall"], baseline["overall"]
    yield "## Sources nobody trained on"
    yield ""
    yield (
        (
            f"All groups of photos were put into {figures['folds']} parts, each group as a whole, "
            "and each part was judged by weights that were trained and tuned without it. "
            if figures["whole_sources"]
            else f"The photos were put into {figures['folds']} parts, each judged by weights that "
            "were trained and tuned without it; sources are on both sides. "
        )
        + "In the first rows selfies and others come from one source, so that the source tells "
        "little about the class: they are the most honest ones. The other rows set the selfies of "
        "a group against all others of their part. The intervals of the last row are of draws of "
        "whole groups. The baseline sees no pixel, only aspect, size and bytes."
    )
    yield ""
    yield (
        "| left out | selfies | others | AUC | recall at 1 % false alarms "
        "| baseline AUC | baseline recall |"
    )
    yield "|---|---|---|---|---|---|---|"
    for part, note in (("same_source", ", same source only"), ("left_out_group", "")):
        for name, row in left_out[part].items():
            base = baseline[part][name]
            yield (
                f"| {name}{note} | {row['selfies']} | {row['others']} | {row['auc']:.3f} "
                f"| {row['tpr_at_1_percent_fpr']:.2f} | {base['auc']:.3f} "
                f"| {base['tpr_at_1_percent_fpr']:.2f} |"
            )
    yield (
        f"| mean of left-out groups | | | {left_out['mean_auc']:.3f} "
        f"| {left_out['mean_tpr_at_1_percent_fpr']:.2f} | {baseline['mean_auc']:.3f} "
        f"| {baseline['mean_tpr_at_1_percent_fpr']:.2f} |"
    )
    (low, high), (least, most) = overall["auc_interval"], overall["tpr_interval"]
    yield (
        f"| **all photos together** | {overall['selfies']} | {overall['others']} "
        f"| **{overall['auc']:.3f}** ({low:.3f}–{high:.3f}) "
        f"| **{overall['tpr_at_1_percent_fpr']:.2f}** ({least:.2f}–{most:.2f}) "
        f"| {without['auc']:.3f} | {without['tpr_at_1_percent_fpr']:.2f} |"
    )
    yield ""
    valid = figures["left_out_valid_split"]
    if valid:
        yield (
            "C was chosen within each training part. On the photos of the split `valid`, on which "
            f"no feature was chosen, AUC and recall are {valid['auc']:.3f} and "
            f"{valid['tpr_at_1_percent_fpr']:.2f}."
        )
        yield ""


def _early(stage: EarlyStage, margin: float | None, figures: Mapping[str, Any]) -> Iterable[str]:
    """Tell what an early answer costs."""
    if not margin or not figures:  # at 0 a later look tells nothing, as with a detector of no maps
        return
    title, told = _EARLY[stage]
    yield f"## {title}"
    yield ""
    yield told.format(margin=margin)
    yield ""
    yield "| threshold | settled early | labels changed | balanced accuracy | with early answers |"
    yield "|---|---|---|---|---|"
    for name, row in figures.items():
        yield (
            f"| {name} | {row['settled']:.1%} | {row['changed']:.2%} "
            f"| {row['balanced_accuracy']:.4f} | {row['balanced_accuracy_staged']:.4f} |"
        )
    yield ""


_EARLY: Mapping[EarlyStage, tuple[str, str]] = {
    "thumbnail": (
        "Embedded thumbnails",
        "A photo with a trustworthy embedded thumbnail is judged by that first; where its decision "
        "value is {margin:.3f} or more from that of every threshold, the pixels are not decoded. "
        "Measured on left-out photos shrunk to 160 px and encoded as JPEG of quality 75, with "
        "margins that the other folds chose:",
    ),
    "first_look": (
        "The second look",
        "Where a face was found and the decision value is less than {margin:.3f} from that of a "
        "threshold, the network sees the mirror image as well. Measured on left-out photos, with "
        "margins that the other folds chose, against two looks at every photo with a face:",
    ),
}


def _weak_bands(at_thresholds: Mapping[str, Any]) -> Iterable[str]:
    """Say first who is found less often than the whole at the default threshold."""
    marks = list(marked_bands(MAIN, at_thresholds[MAIN]["by_band"]))
    if not marks:
        return
    yield (
        f"**Found less often.** At the threshold `{MAIN}` the recall of these groups lies more "
        f"than {BAND_MARGIN * 100:.0f} points under that of all left-out selfies whose face was "
        "measured:"
    )
    yield ""
    for mark in marks:
        low, high = mark["interval"]
        yield (
            f"- {mark['grouping']}, {mark['band']}: {mark['share']:.0%} of {mark['photos']} "
            f"({low:.0%}–{high:.0%}) against {mark['whole']:.0%}"
            + ("; this may be chance" if mark["may_be_chance"] else "")
        )
    yield ""


def _table(tables: Mapping[str, Any], part: str, by: str) -> Iterable[str]:
    yield f"| {by} | photos | flagged | share | interval |"
    yield "|---|---|---|---|---|"
    for side, word in (("recall", "selfies"), ("false_positive_rate", "others")):
        for name, row in tables[part][side].items():
            yield f"| {word}: {name} {_cells(row)} |"


def _cells(row: Mapping[str, Any]) -> str:
    low, high = row["interval"]
    return f"| {row['photos']} | {row['flagged']} | {row['share']:.1%} | {low:.1%}–{high:.1%}"
