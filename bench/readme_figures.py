"""Write what depends on the bundled weights into README.md and docs/accuracy.md.

python bench/readme_figures.py

A test compares. The figures come from the weights' cards, the verdicts from the README's command.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import fill
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from generated import ROOT, filled, write

from classicselfie.model import load_model

README = ROOT / "README.md"
ACCURACY = ROOT / "docs" / "accuracy.md"


def documents() -> dict[Path, str]:
    yunet, haar = (load_model(name).card["figures"] for name in ("yunet", "haar"))
    return {
        README: filled(README, {"check": verdicts(), "sentence": sentence(yunet)}),
        ACCURACY: filled(
            ACCURACY,
            {
                "left out": "\n".join([*left_out(yunet, haar), ""]),
                "found": "\n".join([*found(yunet), ""]),
                "flagged": "\n".join([*flagged(yunet), ""]),
            },
        ),
    }


def verdicts() -> str:
    """Run the README's first command, but for the setting up, and show what it prints."""
    (arguments,) = re.findall(r"bin/classicselfie (check .+)", README.read_text(encoding="utf-8"))
    run = subprocess.run(
        [sys.executable, "-m", "classicselfie", *arguments.split()],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,  # 1: a photo looks like a selfie
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
        encoding="utf-8",
    )
    comment = "<!-- not run: printed by the command above; bench/readme_figures.py writes it -->"
    return f"{comment}\n```\n{run.stdout}```\n"


def sentence(figures: dict[str, Any]) -> str:
    """Say what the two thresholds find and flag, in numbers that anybody can picture."""

    def finds(threshold: str) -> list[str]:
        recall = figures["at_thresholds"][threshold]["by_kind"]["recall"]
        return [in_ten(recall[kind]["share"]) for kind in ("arm", "group", "mirror")]

    def flags(threshold: str) -> str:
        return f"{figures['at_thresholds'][threshold]['limits']['all others']['share'] * 1000:.0f}"

    arm, group, mirror = finds("strict")
    text = (
        f"**At the default setting it finds about {arm} of 10 selfies taken at arm's length, "
        f"{group} of 10 group selfies and {mirror} of 10 mirror selfies, and it flags about "
        f"{flags('strict')} of 1,000 other photos.** "
    )
    arm, group, mirror = finds("sensitive")
    text += (
        f"With `--threshold sensitive` it finds about {arm}, {group} and {mirror} of 10, and flags "
        f"about {flags('sensitive')} of 1,000. This was measured on photos from sources that the "
        "weights had never seen; [How good is it?](docs/accuracy.md) has all the tables."
    )
    return fill(text, 118, break_on_hyphens=False) + "\n"


def in_ten(share: float) -> str:
    return f"{share * 10:.0f}" if share >= 0.05 else "fewer than 1"


def left_out(yunet: dict[str, Any], haar: dict[str, Any]) -> Iterator[str]:
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


def found(figures: dict[str, Any]) -> Iterator[str]:
    strict, sensitive = (figures["at_thresholds"][name] for name in ("strict", "sensitive"))
    yield "| selfies | photos | found at `strict` (95 % interval) | at `sensitive` |"
    yield "|---|---|---|---|"
    rows = [
        (kind, row, sensitive["by_kind"]["recall"][kind])
        for kind, row in strict["by_kind"]["recall"].items()
    ]
    for kind, row, other in (*rows, ("all", strict["recall"], sensitive["recall"])):
        yield f"| {kind} | {row['photos']} | {estimate(row)} | {estimate(other)} |"


def flagged(figures: dict[str, Any]) -> Iterator[str]:
    yield "| other photos | photos | flagged at `strict` (95 % interval) |"
    yield "|---|---|---|"
    for part, row in figures["at_thresholds"]["strict"]["limits"].items():
        yield f"| {part} | {row['photos']} | {estimate(row)} |"


def shown(figures: dict[str, Any]) -> str:
    return f"{figures['auc']:.3f} / {figures['tpr_at_1_percent_fpr']:.2f}"


def estimate(row: dict[str, Any]) -> str:
    low, high = row["interval"]
    return f"{row['share']:.1%} ({low:.1%}–{high:.1%})"


if __name__ == "__main__":
    write(documents())
