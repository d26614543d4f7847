"""An explanation as pictures: the marked photo first, then what mattered where, and the sum."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from classicselfie.explain.explanation import Explanation, Floats
from classicselfie.explain.words import (
    ARM,
    CUT,
    FACE,
    LABELS,
    SKIN,
    camera_lines,
    find_marks,
    signed,
    write_sentences,
)
from classicselfie.features.outlines import HOG_BINS, HOG_LIMIT
from classicselfie.features.scene import GRID
from classicselfie.images import BgrImage
from classicselfie.observations import find_cut

# Okabe and Ito's colours, told apart by everybody.
INK, FOR, AGAINST = "#222222", "#0072b2", "#d55e00"
_STYLE = Path(__file__).with_name("explanation.mplstyle")
_WIDTH, _NUMBERS = 13.0, 5.6  # inches: of all, and the height of what is below the photo
_LEAD = (3.6, 6.0)  # the height of the photo
_DPI = 90


def draw_figure(explanation: Explanation) -> bytes:
    """Draw an explanation as one picture.

    Parameters
    ----------
    explanation : Explanation

    Returns
    -------
    bytes
        A PNG.
    """
    # Anew, so that the reader's own style does not change the picture.
    with style.context(_STYLE, after_reset=True):
        height, width = explanation.photo.image.shape[:2]
        lead_height = float(np.clip(0.42 * _WIDTH * height / width, *_LEAD))
        size = (_WIDTH, lead_height + _NUMBERS)
        figure = Figure(figsize=size, dpi=_DPI, layout="constrained")
        rows = figure.add_gridspec(2, 1, height_ratios=(lead_height, _NUMBERS))
        lead = rows[0].subgridspec(1, 2, width_ratios=(1, 1.3))
        numbers = rows[1].subgridspec(1, 3, width_ratios=(1, 1, 1.3))
        for place, draw in (
            (lead[0], draw_photo),
            (lead[1], _write),
            (numbers[0], draw_occlusion),
            (numbers[1], draw_hog_face),
            (numbers[2], draw_sum),
        ):
            draw(figure.add_subplot(place), explanation)
        return _png(figure, pad=0.15)


def draw_panels(explanation: Explanation) -> dict[str, bytes]:
    """Draw the pictures of the page, each a PNG by its name, without words."""
    panels: dict[str, Callable[[Axes, Explanation], None]] = {
        "photo": draw_photo,
        "occlusion": draw_occlusion,
        "hog_face": draw_hog_face,
    }
    out = {}
    with style.context(_STYLE, after_reset=True):
        for name, draw in panels.items():
            figure = Figure(figsize=(5.0, 5.0), dpi=_DPI, layout="constrained")
            axes = figure.add_subplot()
            draw(axes, explanation)
            axes.set_title("", loc="left")
            axes.set_xlabel("")
            out[name] = _png(figure, pad=0.05)
    return out


def _write(axes: Axes, explanation: Explanation) -> None:
    """Write the sentences, what is marked, and what the metadata says."""
    marks = [f"{mark.name}: {mark.meaning}" for mark in find_marks(explanation)]
    blocks = (
        (13, write_sentences(explanation), 66),
        (10, ["Marked on the photo:", *marks] if marks else [], 88),
        (10, camera_lines(explanation)[1:], 88),
    )
    down = 0.0
    for size, lines, width in blocks:
        text = "\n".join(textwrap.fill(line, width) for line in lines)
        axes.annotate(
            text,
            (0, 1),
            xycoords="axes fraction",
            xytext=(0, -down),
            textcoords="offset points",
            fontsize=size,
            va="top",
            linespacing=1.5,
        )
        down += (text.count("\n") + 2) * 1.5 * size
    axes.set_axis_off()


def draw_photo(axes: Axes, explanation: Explanation) -> None:
    """Draw the photo with its faces, skin, arm and the edge that cuts the nearest face."""
    image = explanation.photo.image
    height, width = image.shape[:2]
    axes.imshow(image[..., ::-1].astype(np.float64) / 255)
    for mask, colour, alpha in ((explanation.skin > 0, SKIN, 0.15), (explanation.arm, ARM, 0.5)):
        large = cv2.resize(mask.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
        if large.any():
            axes.contourf(large, levels=[0.5, 1.5], colors=[colour], alpha=alpha)
            axes.contour(large, levels=[0.5], colors=[colour], linewidths=1.2)
    for place, face in enumerate(explanation.scene.faces):
        x, y, w, h = face.bbox
        line = 1.5 if place else 3.0
        for colour, thickness in (("white", line + 2), (FACE, line)):
            axes.add_patch(
                Rectangle((x, y), w, h, fill=False, edgecolor=colour, linewidth=thickness)
            )
    cut = find_cut(explanation.scene) if explanation.scene.faces else None
    if cut is not None:
        across, down = {
            "left": ((0, 0), (0, height)),
            "right": ((width, width), (0, height)),
            "upper": ((0, width), (0, 0)),
            "lower": ((0, width), (height, height)),
        }[cut[1]]
        axes.plot(across, down, color=CUT, linewidth=8, clip_on=False, solid_capstyle="butt")
    _frame(axes, width, height)
    axes.set_title("What was seen")
    axes.set_anchor("NW")


def draw_occlusion(axes: Axes, explanation: Explanation) -> None:
    """Draw how much the decision value falls where the photo is hidden."""
    height, width = explanation.occlusion.shape
    grey = cv2.cvtColor(explanation.photo.image, cv2.COLOR_BGR2GRAY)
    axes.imshow(0.35 + 0.65 * grey / 255, cmap="gray", vmin=0, vmax=1)
    limit = max(0.05, float(np.abs(explanation.occlusion).max()))
    drawn = axes.imshow(
        explanation.occlusion,
        cmap=LinearSegmentedColormap.from_list("selfie", [AGAINST, "#f7f7f7", FOR]),
        norm=TwoSlopeNorm(0.0, -limit, limit),
        alpha=0.6,
    )
    figure = axes.get_figure()
    assert figure is not None
    figure.colorbar(
        drawn,
        ax=axes,
        location="bottom",
        shrink=0.9,
        pad=0.03,
        label="fall of the decision value when a part, or a face as a whole, is hidden:\n"
        "blue parts speak for a selfie, orange ones against",
    )
    _frame(axes, width, height)
    axes.set_title("What mattered where")


def draw_hog_face(axes: Axes, explanation: Explanation) -> None:
    """Draw the outlines of the face-centred window as glyphs."""
    axes.set_title("Outlines around the face")
    if explanation.hog_face is None:
        axes.text(0.5, 0.5, "no face was found", ha="center", transform=axes.transAxes)
        axes.set_axis_off()
        return
    xs, ys = explanation.scene.window()
    side = 40 * GRID
    step = (xs[-1] - xs[0]) / side
    matrix = np.array([[step, 0, xs[0]], [0, step, ys[0]]])
    window = cv2.warpAffine(
        explanation.photo.image,
        matrix,
        (side, side),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderValue=(255, 255, 255),
    )
    _glyphs(axes, np.asarray(window, np.uint8), explanation.hog_face)
    axes.set_xlabel("longer lines: stronger edges along them;\nwhite lies beyond the frame")


def _glyphs(axes: Axes, image: BgrImage, cells: Floats) -> None:
    height, width = image.shape[:2]
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    axes.imshow(0.55 + 0.45 * grey / 255, cmap="gray", vmin=0, vmax=1)
    step_x, step_y = width / GRID, height / GRID
    # A gradient's orientation is across the edge that it belongs to.
    angles = np.arange(HOG_BINS) * np.pi / HOG_BINS + np.pi / 2
    for row in range(GRID):
        for column in range(GRID):
            x, y = (column + 0.5) * step_x, (row + 0.5) * step_y
            for angle, strength in zip(angles, cells[row, column] / HOG_LIMIT, strict=True):
                dx = 0.5 * step_x * strength * np.cos(angle)
                dy = 0.5 * step_y * strength * np.sin(angle)
                axes.plot(
                    (x - dx, x + dx),
                    (y - dy, y + dy),
                    color=FOR,
                    linewidth=0.8 + 1.6 * strength,
                    alpha=float(0.25 + 0.75 * strength),
                    solid_capstyle="round",
                )
    axes.set_xticks(np.arange(1, GRID) * step_x, [])
    axes.set_yticks(np.arange(1, GRID) * step_y, [])
    axes.grid(color="white", linewidth=0.5, alpha=0.6)
    _frame(axes, width, height, ticks=True)


def draw_sum(axes: Axes, explanation: Explanation) -> None:
    """Draw the sum: each group's bar begins where the one before it ends."""
    groups = explanation.groups
    reach: Floats = np.concatenate([[0.0], np.cumsum(list(groups.values()))])
    rows = np.arange(len(groups))
    shares = np.diff(reach)
    axes.barh(rows, shares, left=reach[:-1], color=[FOR if v > 0 else AGAINST for v in shares])
    for row, share in zip(rows, shares, strict=True):
        end = max(reach[row], reach[row + 1])
        axes.annotate(
            signed(share), (end, row), xytext=(4, 0), textcoords="offset points", va="center"
        )
        axes.plot([reach[row + 1]] * 2, [row - 0.4, row + 1.4], color=INK, linewidth=0.6)
    axes.barh(len(groups), reach[-1], color=INK)
    axes.annotate(
        signed(explanation.decision_value),
        (max(0.0, reach[-1]), len(groups)),
        xytext=(4, 0),
        textcoords="offset points",
        va="center",
        fontweight="bold",
    )
    names = [LABELS.get(name, name) for name in groups]
    axes.set_yticks([*rows, len(groups)], [*names, "decision value"])
    axes.set_ylim(len(groups) + 0.6, -0.6)
    axes.axvline(0, color=INK, linewidth=0.8)
    if np.isfinite(explanation.threshold):
        axes.axvline(explanation.threshold, color=INK, linewidth=1, linestyle="--")
        axes.annotate(
            "threshold",
            (explanation.threshold, 1),
            xycoords=("data", "axes fraction"),
            xytext=(3, -3),
            textcoords="offset points",
            va="top",
            fontsize=8,
        )
    axes.margins(x=0.12)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(length=0)
    axes.set_title("The sum, strongest first")
    axes.set_xlabel("blue speaks for a selfie, orange against;\nthe bars end at the decision value")


def _frame(axes: Axes, width: int, height: int, *, ticks: bool = False) -> None:
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    if not ticks:
        axes.set_xticks([])
        axes.set_yticks([])
    axes.tick_params(length=0)


def _png(figure: Figure, pad: float) -> bytes:
    stream = io.BytesIO()
    figure.savefig(
        stream, format="png", bbox_inches="tight", pad_inches=pad, metadata={"Software": None}
    )
    return stream.getvalue()
