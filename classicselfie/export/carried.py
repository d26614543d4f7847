"""What an app, or a page that judges by itself, carries with a port's code."""

from __future__ import annotations

import json
from typing import Any

from classicselfie import __version__
from classicselfie.detector import SelfieDetector
from classicselfie.export.network import read_network
from classicselfie.extras import missing
from classicselfie.faces import FIRST_LOOK
from classicselfie.features import FEATURE_VERSION, GROUPS
from classicselfie.photo import WORKING_SIZE
from classicselfie.yunet import CHANNELS, MAPS

FORMAT = 1
"""Of the files; raised where an older port could not read them."""


def can_be_carried(detector: SelfieDetector) -> bool:
    """Tell whether a port can judge as this detector does: by YuNet and what is measured with it.

    False, too, where the extra "export" is missing, without which there is nothing to carry.

    Parameters
    ----------
    detector : SelfieDetector

    Returns
    -------
    bool
    """
    model = detector.model
    beside_maps = [group for group in GROUPS if not group.without_maps]
    names = tuple(f"{group.name}.{part}" for group in beside_maps for part in group.parts)
    return not missing("export") and model.detector == "yunet" and model.feature_names == names


def carried(detector: SelfieDetector) -> dict[str, bytes]:
    """Make the files that a port needs to judge as a detector does.

    Parameters
    ----------
    detector : SelfieDetector
        One that `can_be_carried`.

    Returns
    -------
    dict of str to bytes
        By name: "port.json", "weights.json" and "yunet.bin"; see docs/port.md.
    """
    layers, numbers = read_network()
    model = detector.model
    names = [name for name, cut in model.thresholds.items() if cut == detector.threshold]
    head = {
        "format": FORMAT,
        "version": __version__,
        "feature_version": FEATURE_VERSION,
        "model": model.name,
        "threshold": names[0] if names else detector.threshold,
        "working_size": WORKING_SIZE,
        "first_look": FIRST_LOOK,
        "maps": [{"name": each.name, "stride": each.stride} for each in MAPS],
        "map_channels": CHANNELS,
        "layers": layers,
    }
    return {
        "port.json": to_json(head),
        "weights.json": model.to_json().encode(),
        "yunet.bin": numbers,
    }


def to_json(value: Any, indent: int | None = 1) -> bytes:
    """Write plain values as a file of JSON."""
    return (json.dumps(value, indent=indent) + "\n").encode()
