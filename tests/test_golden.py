"""The scores of drawn pictures stay what they were; ports can test against the same file."""

from __future__ import annotations

import json

import numpy as np
import pytest
from golden_pictures import GOLDEN

from classicselfie import SelfieDetector
from classicselfie.benchmark.drawing import golden_pictures
from classicselfie.model import BUNDLED, load_model

KNOWN = json.loads(GOLDEN.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", BUNDLED)
def test_vectors_give_the_same_decision_values(name: str) -> None:
    model = load_model(name)
    for key, golden in KNOWN.items():
        if key.startswith(f"{name}: "):
            decision = model.decision_function(np.array([golden["features"]]))[0]
            assert decision == pytest.approx(golden["decision"], abs=1e-8), key
            assert model.probability(decision) == pytest.approx(golden["probability"], abs=1e-8)


@pytest.mark.parametrize("name", BUNDLED)
def test_pictures_give_the_same_probabilities(name: str) -> None:
    detector = SelfieDetector(detector=name)
    for picture, pixels in golden_pictures().items():
        known = KNOWN[f"{name}: {picture}"]["probability"]
        # OpenCV's majors and processors may differ in the last digits of a face's box.
        assert detector.check(pixels).probability == pytest.approx(known, abs=0.02), picture
