"""Two runs of the benchmark side by side."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from classicselfie.benchmark.figures import SCHEMA_VERSION, Figure, beside, cell, told
from classicselfie.console import say
from classicselfie.errors import BenchmarkError

ABOUT = """\
The device's mood is in the times of two runs as well; the ratios to the 1/8-scale decode of the
same run are steadier."""


def bench_compare(a: Path, b: Path) -> None:
    """Print the figures of run B divided by those of run A; nothing is measured.

    Parameters
    ----------
    a, b : Path
        Files that `bench` wrote.

    Raises
    ------
    BenchmarkError
        If one of them is no such file.
    """
    (run_a, figures_a), (run_b, figures_b) = _read_run(a), _read_run(b)
    for name, path, run in (("A", a, run_a), ("B", b, run_b)):
        say(f"{name}: {path}, made {run['made']}")
    facts_a, facts_b = ({**run["settings"], **run["device"]} for run in (run_a, run_b))
    say(*told(beside(facts_a, facts_b, "in A", "in B")))
    say("", *ABOUT.splitlines(), *_compare(figures_a, figures_b))


def _read_run(path: Path) -> tuple[dict[str, Any], list[Figure]]:
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


def _compare(a: Sequence[Figure], b: Sequence[Figure]) -> Iterator[str]:
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
                cell(_of(left.p50, right.p50), 10),
                cell(_of(left.p95, right.p95), 10),
                cell(_of(left.to_eighth, right.to_eighth), 14),
                cell(_of(left.to_mobilenet, right.to_mobilenet), 14),
            )
            yield f"  {key[1]:34} {' '.join(cells)}".rstrip()
    for name, these, those in (("A", of_a, of_b), ("B", of_b, of_a)):
        yield from (f"only in {name}: {', '.join(key)}" for key in these if key not in those)


def _of(a: float | None, b: float | None) -> float | None:
    if a is None or b is None or (b and not a):
        return None
    return b / a if a else 1.0
