"""How long a run will take, told before it begins, from one small photo on this device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from classicselfie.benchmark import measure
from classicselfie.benchmark.figures import AFTER_DECODING, EIGHTH, FULL, WHOLE
from classicselfie.benchmark.pictures import FACE, KINDS, SUMMARISED, make_pictures
from classicselfie.detector import SelfieDetector

# The smallest photo that is decoded at 1/8 scale, as all larger ones.
_MEGAPIXELS = 5.0
# A round of whole batches takes as long as many single photos.
_REPETITIONS_PER_BATCH = 3


@dataclass(frozen=True)
class Costs:
    """What one photo takes on this device, in seconds.

    Attributes
    ----------
    drawing : float
        To draw and write a megapixel.
    decoding : float
        To decode a megapixel as often as a round does: for the check, at 1/8 scale and in full.
    judging : float
        All stages after decoding.
    process : float
        `classicselfie check` of one photo, start and end of the process included.
    """

    drawing: float
    decoding: float
    judging: float
    process: float

    @classmethod
    def measured(cls, folder: Path, detector: SelfieDetector) -> Costs:
        """Measure them with one small photo."""
        start = perf_counter()
        (picture,) = make_pictures(folder, _MEGAPIXELS, [FACE])
        drawing = perf_counter() - start
        name = detector.face_detector.name
        measures = [
            measure.check_stages(detector, picture.path),
            *(measure.decode([picture.path], eighth=eighth) for eighth in (True, False)),
            measure.cold_start(name, picture.path)[0],
        ]
        ms = {key: value for each in measures for key, value in each().items()}
        decoding = ms[WHOLE] - ms[AFTER_DECODING] + ms[EIGHTH] + ms[FULL]
        return cls(
            drawing / _MEGAPIXELS,
            decoding / _MEGAPIXELS / 1e3,
            ms[AFTER_DECODING] / 1e3,
            ms[measure.CHECK_PROCESS] / 1e3,
        )


def batch_rounds(repetitions: int) -> int:
    """Tell how many rounds of `check_many` count."""
    return -(-repetitions // _REPETITIONS_PER_BATCH)


def expected_seconds(costs: Costs, sizes: Sequence[float], repetitions: int) -> float:
    """Work out how long a run takes.

    Parameters
    ----------
    costs : Costs
    sizes : sequence of float
        Megapixels.
    repetitions : int
        Rounds that count; one more warms up.

    Returns
    -------
    float
    """
    seconds = 0.0
    photos = measure.PASSES_PER_PROCESS * len(SUMMARISED)
    for size in sizes:
        turn = size * costs.decoding + costs.judging
        seconds += len(KINDS) * (size * costs.drawing + costs.process)  # peak memory
        seconds += (repetitions + 1) * (len(KINDS) * turn + 2 * costs.process)
        # One process, then all, of which each needs as long once it has started.
        seconds += (batch_rounds(repetitions) + 1) * (2 * photos * turn + costs.process)
    return seconds


def in_words(seconds: float) -> str:
    """Tell a time as precisely as an estimate deserves."""
    if seconds < 90:
        return f"{max(5, 5 * round(seconds / 5))} seconds"
    return f"{round(seconds / 60)} minutes"
