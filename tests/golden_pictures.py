"""Write `golden.json`: vectors and scores that this library, and ports of it, must reproduce.

    python tests/golden_pictures.py

Run it after new weights, and look at the difference before it is committed.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from classicselfie.benchmark.drawing import BgrImage, draw_person, draw_scene

GOLDEN = Path(__file__).with_name("golden.json")


def golden_pictures() -> dict[str, BgrImage]:
    """Drawn pictures of every sort: near, far, low, lying, and an empty room."""
    return {
        "near": draw_person(480, 640, (0.5, 0.5), 0.6),
        "arm's length": draw_person(600, 800, (0.45, 0.55), 0.35),
        "far": draw_person(800, 600, (0.6, 0.4), 0.15),
        "low": draw_person(480, 480, (0.5, 0.85), 0.5),
        "lying": np.ascontiguousarray(np.rot90(draw_person(480, 640, (0.5, 0.5), 0.5))),
        "empty room": draw_scene(640, 480, seed=3),
    }


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
