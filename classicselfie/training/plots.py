"""The report's charts: inline SVG whose colours follow the page's light or dark mode."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator, PercentFormatter
from scipy.special import ndtri

Floats = npt.NDArray[np.float64]

# Each colour is written as a CSS variable of the page; Okabe and Ito's, told apart by everybody.
INK, LINE, MODEL, WARNED, BASELINE = "#222222", "#cccccc", "#0072b2", "#d55e00", "#707070"
VARIABLES = {
    INK: "--ink",
    LINE: "--line",
    MODEL: "--model",
    WARNED: "--warned",
    BASELINE: "--baseline",
}
SIZE = (4.6, 5.0)  # inches
CURVES = {
    "model": ("model's score", MODEL, "-"),
    "warned": ("as the library warns", WARNED, "--"),
    "baseline": ("metadata only", BASELINE, ":"),
}
MARKERS = "os^DvP*X"
DET_TICKS = (0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.95)


def charts(figures: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Draw all charts.

    Parameters
    ----------
    figures : dict
        Of `classicselfie.training.report.figures`.

    Returns
    -------
    dict of str to dict
        Per chart its `title` and the `svg` element; the page holds the captions.
    """
    rate = f"{figures['base_rate']:.0%}"
    drawn: dict[str, tuple[str, Callable[[Figure, dict[str, Any]], None]]] = {
        "roc": ("ROC, few false alarms stretched", _roc_log),
        "roc_linear": ("ROC", _roc_linear),
        "precision": ("Precision and recall, these photos", _precision),
        "precision_at_base_rate": (
            f"Precision and recall, {rate} selfies",
            partial(_precision, key="precision_at_base_rate"),
        ),
        "det": ("DET", _det),
        "histogram": ("Probabilities", _histogram),
        "calibration": ("Calibration", _calibration),
    }
    out = {}
    # Anew, so that the reader's own style does not change the report.
    with style.context(Path(__file__).with_name("report.mplstyle"), after_reset=True):
        for name, (title, draw) in drawn.items():
            figure = Figure(figsize=SIZE, layout="constrained")
            draw(figure, figures)
            out[name] = {"title": title, "svg": _svg(figure, name, title)}
    return out


def _svg(figure: Figure, name: str, title: str) -> str:
    """Write a figure as an element of a page: own ids, the page's colours."""
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center")
    stream = io.StringIO()
    metadata = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    figure.savefig(stream, format="svg", transparent=True, metadata=metadata)
    text = stream.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r' xmlns(:\w+)?="[^"]*"', "", text)
    referred = set(re.findall(r'(?:url\(|href=")#([\w-]+)', text))
    text = re.sub(
        r' id="([\w.:-]+)"', lambda m: f' id="{name}-{m[1]}"' if m[1] in referred else "", text
    )
    text = re.sub(r'(url\(|href=")#', rf"\1#{name}-", text)
    for colour, variable in VARIABLES.items():
        text = text.replace(colour, f"var({variable})")
    text = re.sub(r' (width|height)="[\d.]+pt"', "", text, count=2)
    return text.replace("<svg", f'<svg role="img" aria-label="{title}"', 1).strip()


def _plot_curves(
    axes: Axes,
    figures: dict[str, Any],
    x: Callable[[dict[str, Any]], Sequence[float] | Floats],
    y: Callable[[dict[str, Any]], Sequence[float] | Floats],
) -> None:
    """Draw every curve, and a mark where the thresholds' flags lie."""
    aucs = {
        "model": figures["headline"]["pooled"],
        "baseline": figures["headline"]["pooled_baseline"],
    }
    for name, (label, colour, line) in CURVES.items():
        points = figures["curves"][name]
        if points is not None:
            auc = f", AUC {aucs[name]['auc']:.3f}" if name in aucs else ""
            axes.plot(x(points), y(points), line, color=colour, label=label + auc, clip_on=False)
    for place, (name, found) in enumerate(figures["thresholds"].items()):
        point = {
            key: [found[key]["share"]]
            for key in ("false_positive_rate", "recall", "precision", "precision_at_base_rate")
        }
        axes.plot(
            x(point),
            y(point),
            MARKERS[place % len(MARKERS)],
            color=INK,
            label=f"threshold {name}",
            clip_on=False,
        )


def _roc(figure: Figure, figures: dict[str, Any], lowest: float) -> Axes:
    axes = figure.add_subplot()
    _plot_curves(
        axes,
        figures,
        lambda points: np.maximum(points["false_positive_rate"], lowest),
        lambda points: points["recall"],
    )
    axes.set(xlabel="false alarms, share of the others", ylabel="recall, share of the selfies")
    axes.set_ylim(0, 1)
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    return axes


def _roc_log(figure: Figure, figures: dict[str, Any]) -> None:
    lowest = 10.0 ** math.floor(math.log10(0.5 / figures["counts"]["others"]))
    axes = _roc(figure, figures, lowest)
    axes.set_xscale("log")
    axes.set_xlim(lowest, 1)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g}%"))
    axes.xaxis.set_minor_locator(NullLocator())


def _roc_linear(figure: Figure, figures: dict[str, Any]) -> None:
    axes = _roc(figure, figures, 0.0)
    axes.plot([0, 1], [0, 1], color=LINE, linewidth=1)
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(PercentFormatter(1))


def _precision(figure: Figure, figures: dict[str, Any], key: str = "precision") -> None:
    def value(points: dict[str, Any]) -> Floats:
        return np.array(points[key], np.float64)  # None, where nothing is flagged, becomes a gap

    axes = figure.add_subplot()
    _plot_curves(axes, figures, lambda points: points["recall"], value)
    axes.set(xlabel="recall, share of the selfies", ylabel="precision, selfies among the flagged")
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.yaxis.set_major_formatter(PercentFormatter(1))


def _det(figure: Figure, figures: dict[str, Any]) -> None:
    axes = figure.add_subplot()
    low, high = DET_TICKS[0], DET_TICKS[-1]

    def deviate(share: Any) -> Floats:
        return np.asarray(ndtri(np.clip(share, low, high)), np.float64)

    _plot_curves(
        axes,
        figures,
        lambda points: deviate(points["false_positive_rate"]),
        lambda points: deviate(1 - np.array(points["recall"])),
    )
    ticks, labels = deviate(DET_TICKS), [f"{100 * tick:g}%" for tick in DET_TICKS]
    axes.set_xticks(ticks, labels, rotation=45)
    axes.set_yticks(ticks, labels)
    axes.set(xlim=(ticks[0], ticks[-1]), ylim=(ticks[0], ticks[-1]))
    axes.set(xlabel="false alarms, share of the others", ylabel="missed, share of the selfies")


def _histogram(figure: Figure, figures: dict[str, Any]) -> None:
    axes = figure.add_subplot()
    for side, colour, line in (("selfies", MODEL, "-"), ("others", WARNED, "--")):
        counts = np.array(figures["histogram"][side])
        edges = np.linspace(0, 1, len(counts) + 1)
        axes.stairs(
            counts / figures["counts"][side],
            edges,
            color=colour,
            linestyle=line,
            linewidth=1.8,
            label=f"{figures['counts'][side]} {side}",
        )
    axes.set(xlabel="probability of being a selfie", ylabel="share of the class", xlim=(0, 1))
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(PercentFormatter(1))


def _calibration(figure: Figure, figures: dict[str, Any]) -> None:
    bins = figures["calibration"]["bins"]
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    above.plot([0, 1], [0, 1], color=LINE, linewidth=1)
    above.plot(
        [entry["probability"] for entry in bins],
        [entry["selfies"] for entry in bins],
        "-o",
        color=MODEL,
        clip_on=False,
        label=f"expected calibration error {figures['calibration']['error']:.3f}",
    )
    above.set(xlim=(0, 1), ylim=(0, 1), ylabel="share of selfies")
    bars = below.bar(
        [(entry["bin"] + 0.5) / 10 for entry in bins],
        [entry["photos"] for entry in bins],
        0.09,
        color=MODEL,
    )
    below.bar_label(bars, fontsize=8)
    below.margins(y=0.3)
    below.set(xlabel="probability of being a selfie", ylabel="photos")
