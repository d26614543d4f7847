"""Print the README's table of figures from the bundled weights' cards; a test compares them.

python bench/readme_figures.py
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from classicselfie.model import load_model

PORTRAITS = (
    "portrait_by_other",
    "phone_portrait_by_other",
    "people_same_source",
    "selfie_taking_or_portrait",
)


def lines() -> Iterator[str]:
    yunet, haar = (load_model(name).card["figures"] for name in ("yunet", "haar"))
    columns = [
        yunet["leave_one_group_out"],
        haar["leave_one_group_out"],
        yunet["metadata_only_baseline"],
    ]
    yield "| left out (AUC / recall at 1 % false alarms) | YuNet | Haar | no pixels |"
    yield "|---|---|---|---|"
    for part, note in (("same_source", ", by themselves"), ("left_out_group", "")):
        for name in columns[0][part]:
            cells = [column[part][name] for column in columns]
            shown = (f"{c['auc']:.3f} / {c['tpr_at_1_percent_fpr']:.2f}" for c in cells)
            yield f"| {name}{note} | {' | '.join(shown)} |"
    means = (f"{c['mean_auc']:.3f} / {c['mean_tpr_at_1_percent_fpr']:.2f}" for c in columns)
    yield f"| **mean of left-out groups** | {' | '.join(means)} |"
    valid = [f["leave_one_group_out_valid_split"] for f in (yunet, haar)]
    cells = (f"{v['mean_auc']:.3f} / {v['mean_tpr_at_1_percent_fpr']:.2f}" for v in valid)
    yield f"| the same on the photos on which no feature was chosen | {' | '.join(cells)} | |"
    yield ""
    yield "What the default threshold `strict` finds with YuNet, on left-out photos:"
    yield ""
    yield "| selfies | found (95 % interval) |"
    yield "|---|---|"
    by_kind = yunet["at_thresholds"]["strict"]["by_kind"]
    for kind, row in by_kind["recall"].items():
        low, high = row["interval"]
        yield f"| {kind} | {row['share']:.0%} ({low:.0%}–{high:.0%}) |"
    yield ""
    others = by_kind["false_positive_rate"]
    yield (
        f"and what it flags wrongly: {count(others, 'no_people', 'document', 'painting')} photos "
        f"without people, {count(others, 'people')} photos of people, {count(others, *PORTRAITS)} "
        "portraits and people photographed by others, "
        f"{count(others, 'painted_people')} painted people."
    )


def count(others: dict[str, Any], *kinds: str) -> str:
    flagged = sum(others[kind]["flagged"] for kind in kinds)
    return f"{flagged} of {sum(others[kind]['photos'] for kind in kinds)}"


if __name__ == "__main__":
    print("\n".join(lines()))
