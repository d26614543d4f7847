"""What the metadata weighs, and how far it may go."""

from __future__ import annotations

import pytest

from classicselfie.faces import Face
from classicselfie.metadata import Hints, metadata_evidence

SIZE = (3000, 4000)


def distance_log_odds(focal_length_35mm: float, width: float) -> float:
    face = Face((1000.0, 1000.0, width, 1.3 * width), (), 0.9)
    found = metadata_evidence(Hints(focal_length_35mm=focal_length_35mm), face, SIZE)
    (evidence,) = [each for each in found if each.signal == "subject_distance"]
    return evidence.log_odds


def test_a_distance_never_outweighs_everything_else() -> None:
    """A 35-mm equivalent may be wrong, so its weight ends at -3 and at +0.5."""
    assert distance_log_odds(400.0, 900.0) == pytest.approx(-3.0)  # a tele lens: across the room
    assert distance_log_odds(135.0, 300.0) == pytest.approx(-3.0)
    assert distance_log_odds(14.0, 200.0) == pytest.approx(0.5)  # nearer than the face looks
    assert distance_log_odds(10.0, 100.0) == pytest.approx(0.5)
    # In between it follows the lens; the usual one tells nothing that the pixels do not.
    assert distance_log_odds(27.0, 900.0) == pytest.approx(0.0, abs=1e-9)
    assert -3.0 < distance_log_odds(50.0, 900.0) < 0.0
    lenses = [20.0, 24.0, 27.0, 35.0, 50.0, 85.0, 200.0]
    weights = [distance_log_odds(lens, 900.0) for lens in lenses]
    assert weights == sorted(weights, reverse=True)
