"""Print the README's table of figures from the bundled weights' cards; a test compares them.

python bench/readme_figures.py
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from classicselfie.model import load_model


def lines() -> Iterator[str]:
    yunet, haar = (load_model(name).card["figures"] for name in ("yunet", "haar"))
    columns = [yunet["left_out"], haar["left_out"], yunet["metadata_only_baseline"]]
    yield "| left out (AUC / recall at 1 % false alarms) | YuNet | Haar | no pixels |"
    yield "|---|---|---|---|"
    overall = (shown(column["overall"]) for column in columns)
    yield f"| **all photos, whole sources left out** | {' | '.join(overall)} |"
    means = (f"{c['mean_auc']:.3f} / {c['mean_tpr_at_1_percent_fpr']:.2f}" for c in columns)
    yield f"| mean of left-out groups | {' | '.join(means)} |"
    for part, note in (("same_source", ", by themselves"), ("left_out_group", "")):
        for name in columns[0][part]:
            cells = (shown(column[part][name]) for column in columns)
            yield f"| {name}{note} | {' | '.join(cells)} |"
    valid = (shown(f["left_out_valid_split"]) for f in (yunet, haar))
    yield f"| all photos on which no feature was chosen | {' | '.join(valid)} | |"
    yield ""
    strict = yunet["at_thresholds"]["strict"]
    yield "What the default threshold `strict` finds with YuNet, on photos of left-out sources:"
    yield ""
    yield "| selfies | found (95 % interval) |"
    yield "|---|---|"
    for kind, row in (*strict["by_kind"]["recall"].items(), ("all", strict["recall"])):
        yield f"| {kind} | {estimate(row)} |"
    yield ""
    yield "and what it flags wrongly:"
    yield ""
    yield "| others | photos | flagged (95 % interval) |"
    yield "|---|---|---|"
    for part, row in strict["limits"].items():
        yield f"| {part} | {row['photos']} | {estimate(row)} |"


def shown(found: dict[str, Any]) -> str:
    return f"{found['auc']:.3f} / {found['tpr_at_1_percent_fpr']:.2f}"


def estimate(row: dict[str, Any]) -> str:
    low, high = row["interval"]
    return f"{row['share']:.1%} ({low:.1%}–{high:.1%})"


if __name__ == "__main__":
    print("\n".join(lines()))
