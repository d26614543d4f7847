"""Figures of a run: medians, their ratios to the yardsticks, a table, a file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from classicselfie.files import write_files

SCHEMA_VERSION = 1
ONE_PROCESS = "1 process"
ALL_CORES = "all cores"
EIGHTH = "1/8-scale decode alone"
FULL = "full decode alone"
MOBILENET = "MobileNetV2's forward pass alone"
WHOLE = "whole check"
AFTER_DECODING = "all stages after decoding"
IMPORTS_MEMORY = "peak memory, imports alone"
PEAK_MEMORY = "peak memory, whole check"
# Ratios are of the values as they are written, so that everybody can divide them again.
_DIGITS = 6


@dataclass(frozen=True)
class Figure:
    """One measured thing.

    Attributes
    ----------
    group : str
        What was measured together, in turns: a photo, a cold start ...
    name : str
        A stage or a yardstick.
    unit : {"ms", "MB", "photos/s"}
    p50 : float
        Median of the repetitions.
    p95 : float
        95th percentile of the repetitions.
    to_eighth : float or None
        `p50` by that of the 1/8-scale decode of the same group; for times only.
    to_mobilenet : float or None
        `p50` by that of MobileNetV2's forward pass; for `AFTER_DECODING` only.
    """

    group: str
    name: str
    unit: str
    p50: float
    p95: float
    to_eighth: float | None = None
    to_mobilenet: float | None = None


def many_group(megapixels: float) -> str:
    """Name the group in which `check_many` is measured."""
    return f"{megapixels:g} MP, check_many over the three kinds of the summary, a photo"


def times(group: str, samples: Mapping[str, Sequence[float]]) -> list[Figure]:
    """Make figures of the milliseconds of one group, which were measured in turns.

    Parameters
    ----------
    group : str
    samples : mapping of str to sequence of float
        Milliseconds per repetition and name; `EIGHTH` is among them.

    Returns
    -------
    list of Figure
    """
    medians = {name: round(float(np.median(ms)), _DIGITS) for name, ms in samples.items()}
    return [
        Figure(
            group,
            name,
            "ms",
            medians[name],
            round(float(np.percentile(ms, 95)), _DIGITS),
            to_eighth=_quotient(medians[name], medians[EIGHTH]),
            to_mobilenet=_quotient(medians[name], medians[MOBILENET])
            if name == AFTER_DECODING and MOBILENET in medians
            else None,
        )
        for name, ms in samples.items()
    ]


def _quotient(value: float, base: float) -> float | None:
    return round(value / base, _DIGITS) if base else None


def table(figures: Sequence[Figure], notes: Mapping[str, str]) -> Iterator[str]:
    """Lay figures out, a paragraph per group.

    Parameters
    ----------
    figures : sequence of Figure
    notes : mapping of str to str
        What to say of a group below its name.

    Yields
    ------
    str
        A line.
    """
    for group, members in groupby(figures, key=lambda figure: figure.group):
        yield ""
        yield group
        if group in notes:
            yield f"  ({notes[group]})"
        rows = list(members)
        heads = f"  {'':34} {'p50':>10} {'p95':>10}" + " " * 10 + "/ 1/8 decode"
        if any(row.to_mobilenet is not None for row in rows):
            heads += "  / MobileNetV2"
        yield heads
        for row in rows:
            line = f"  {row.name:34} {row.p50:10.2f} {row.p95:10.2f} {row.unit:8}"
            yield (line + cell(row.to_eighth, 13) + cell(row.to_mobilenet, 15)).rstrip()


def cell(value: float | None, width: int) -> str:
    """Lay a ratio out in a column; blank where there is none."""
    return " " * width if value is None else f"{value:{width}.2f}"


def told(facts: Mapping[str, Any]) -> list[str]:
    """One line per fact, "not told" where the system is silent."""
    width = max(map(len, facts))
    return [f"  {name:{width}}  {_word(value)}" for name, value in facts.items()]


def beside(a: Mapping[str, Any], b: Mapping[str, Any], in_a: str, in_b: str) -> dict[str, Any]:
    """Put facts side by side; once where they are the same."""
    return {
        name: a.get(name)
        if a.get(name) == b.get(name)
        else f"{_word(a.get(name))} {in_a}, {_word(b.get(name))} {in_b}"
        for name in {**a, **b}
    }


def _word(value: Any) -> Any:
    return "not told" if value is None else value


def write_run(
    run: Mapping[str, Any], figures: Sequence[Figure], path: Path, *, force: bool = False
) -> None:
    """Write a run as JSON.

    Raises
    ------
    TargetError
        If the file exists already, and `force` does not allow to replace it.
    OutputError
        If it cannot be written.
    """
    whole = {"schema": SCHEMA_VERSION, **run, "figures": [asdict(figure) for figure in figures]}
    text = json.dumps(whole, indent=1, ensure_ascii=False, allow_nan=False)
    write_files({path: f"{text}\n".encode()}, force=force)
