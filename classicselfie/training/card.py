"""The model card: where the weights come from, what they are worth, and where they fail."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from classicselfie.metadata import FRONT_GIVEN_OTHER, FRONT_GIVEN_SELFIE
from classicselfie.model import EARLY_STAGES, LinearModel
from classicselfie.templates import render
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

_FOLDER = Path(__file__).parent


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
    text = render(
        _FOLDER / "card.md.j2",
        model=model,
        groups=sorted({name.partition(".")[0] for name in model.feature_names}),
        marks=list(marked_bands(MAIN, model.card["figures"]["at_thresholds"][MAIN]["by_band"])),
        MAIN=MAIN,
        SURE=SURE,
        BAND_MARGIN=BAND_MARGIN,
        FRONT_GIVEN_SELFIE=FRONT_GIVEN_SELFIE,
        FRONT_GIVEN_OTHER=FRONT_GIVEN_OTHER,
    )
    return f"{text}\n"


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
    return render(_FOLDER / "card_adapted.md.j2", model=model, comparison=comparison)
