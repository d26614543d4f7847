"""What a person wants to know of a run, in a few sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from classicselfie.benchmark.figures import (
    AFTER_DECODING,
    ALL_CORES,
    IMPORTS_MEMORY,
    MOBILENET,
    PEAK_MEMORY,
    WHOLE,
    Figure,
    many_group,
)
from classicselfie.benchmark.pictures import FACE, NO_FACE, SETTLED, picture_name


def summarise(
    figures: Sequence[Figure], facts: Mapping[str, Mapping[str, Any]], sizes: Sequence[float]
) -> Iterator[str]:
    """Tell times, rate, memory and the network beside it.

    Parameters
    ----------
    figures : sequence of Figure
        Of the whole run.
    facts : mapping of str to mapping
        What was found out about each picture, by its name.
    sizes : sequence of float
        Megapixels.

    Yields
    ------
    str
        A sentence.
    """
    found = {(figure.group, figure.name): figure for figure in figures}

    for size in sizes:
        face, none, small = (picture_name(size, kind) for kind in (FACE, NO_FACE, SETTLED))
        settles = "settles it" if facts[small]["stage"] == "thumbnail" else "leaves it in doubt"
        yield (
            f"A {size:g}-MP photo takes {found[face, WHOLE].p50:.3g} ms here with a face, "
            f"{found[none, WHOLE].p50:.3g} ms without, and {found[small, WHOLE].p50:.3g} ms with "
            f"a thumbnail that {settles}."
        )
        rate = found[many_group(size), f"{ALL_CORES}, rate"].p50
        yield f"All cores together check {rate:.3g} such photos a second."
        if (face, MOBILENET) in found:
            beside = [found[photo, AFTER_DECODING].to_mobilenet for photo in (face, none)]
            yield (
                f"MobileNetV2 would add {found[face, MOBILENET].p50:.3g} ms to the decoding; what "
                f"comes after it here takes {beside[0]:.2f} times that with a face and "
                f"{beside[1]:.2f} times without."
            )
    peak = max(figure.p50 for figure in figures if figure.name == PEAK_MEMORY)
    imports = max(figure.p50 for figure in figures if figure.name == IMPORTS_MEMORY)
    yield (
        f"A process that checks one photo needs up to {peak:.0f} MB, {imports:.0f} MB of them for "
        "Python, OpenCV, numpy and Pillow alone."
    )
