"""Write `golden.json`: vectors and scores that this library, and ports of it, must reproduce.

    python tests/golden_pictures.py

Run it after new weights, and look at the difference before it is committed.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from classicselfie.benchmark.drawing import golden_pictures

GOLDEN = Path(__file__).with_name("golden.json")


def measure() -> dict[str, dict[str, object]]:
    """Score the golden pictures with both detectors."""
    from classicselfie import SelfieDetector
    from classicselfie.model import BUNDLED
    from classicselfie.photo import open_photo

    out: dict[str, dict[str, object]] = {}
    for name in BUNDLED:
        detector = SelfieDetector(detector=name)
        model = detector.model
        for picture, pixels in golden_pictures().items():
            with open_photo(pixels) as file:
                x = np.round(detector.analyse(file).features, 6)
            decision = float(model.decision_function(x[None])[0])
            out[f"{name}: {picture}"] = {
                "features": x.tolist(),
                "decision": round(decision, 9),
                "probability": round(model.probability(decision), 9),
            }
    return out


if __name__ == "__main__":
    lines = (f" {json.dumps(k)}: {json.dumps(v)}" for k, v in measure().items())
    GOLDEN.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
