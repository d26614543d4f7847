"""Figures of a run: medians, their ratios to the yardsticks, a table, a file, a comparison."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from classicselfie.errors import BenchmarkError
from classicselfie.files import write_files

SCHEMA_VERSION = 1
EIGHTH = "1/8-scale decode alone"
FULL = "full decode alone"
MOBILENET = "MobileNetV2's forward pass alone"
WHOLE = "whole check"
AFTER_DECODING = "all stages after decoding"
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
            yield (line + _cell(row.to_eighth, 13) + _cell(row.to_mobilenet, 15)).rstrip()


def _cell(value: float | None, width: int) -> str:
    return " " * width if value is None else f"{value:{width}.2f}"


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


def read_run(path: Path) -> tuple[dict[str, Any], list[Figure]]:
    """Read what `write_run` wrote.

    Raises
    ------
    BenchmarkError
        If the file cannot be read or is of another kind or version.
    """
    try:
        run = json.loads(path.read_text(encoding="utf-8"))
        if run["schema"] != SCHEMA_VERSION:
            raise BenchmarkError(
                f"{path} has schema {run['schema']}; this version reads {SCHEMA_VERSION}"
            )
        figures = [Figure(**figure) for figure in run["figures"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BenchmarkError(f"{path} is no file of `classicselfie bench --json`") from error
    return run, figures


def compare(a: Sequence[Figure], b: Sequence[Figure]) -> Iterator[str]:
    """Put two runs side by side: every figure of B divided by that of A.

    Yields
    ------
    str
        A line.
    """
    of_a, of_b = ({(f.group, f.name): f for f in figures} for figures in (a, b))
    both = [key for key in of_a if key in of_b]
    for group, keys in groupby(both, key=lambda key: key[0]):
        yield ""
        yield f"{group}, B / A"
        yield f"  {'':34} {'p50':>10} {'p95':>10} {'/ 1/8 decode':>14} {'/ MobileNetV2':>14}"
        for key in keys:
            left, right = of_a[key], of_b[key]
            cells = (
                _cell(_of(left.p50, right.p50), 10),
                _cell(_of(left.p95, right.p95), 10),
                _cell(_of(left.to_eighth, right.to_eighth), 14),
                _cell(_of(left.to_mobilenet, right.to_mobilenet), 14),
            )
            yield f"  {key[1]:34} {' '.join(cells)}".rstrip()
    for name, these, those in (("A", of_a, of_b), ("B", of_b, of_a)):
        yield from (f"only in {name}: {', '.join(key)}" for key in these if key not in those)


def _of(a: float | None, b: float | None) -> float | None:
    if a is None or b is None or (b and not a):
        return None
    return b / a if a else 1.0
