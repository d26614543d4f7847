"""What ports need is written whole, and the JavaScript port gives what Python gives."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from commands import call

from classicselfie import SelfieDetector
from classicselfie.benchmark.drawing import draw_person, port_pictures
from classicselfie.export.carried import can_be_carried
from classicselfie.extras import install_command
from classicselfie.features import FEATURE_NAMES
from classicselfie.model import load_model
from classicselfie.resources import resource

pytest.importorskip("onnx", reason="the extra export is not installed")

PORT = Path(__file__).parents[1] / "ports" / "javascript"


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export") / "new"
    done = call("export", folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{folder}: 28 files, ")
    return folder


def test_the_layers_cover_the_numbers_without_a_gap(exported: Path) -> None:
    layers = json.loads((exported / "port.json").read_text())["layers"]
    numbers = np.fromfile(exported / "yunet.bin", "<f4")
    assert np.isfinite(numbers).all()
    place = 0
    for layer in layers:
        if "shape" in layer:
            assert layer["weights"] == place
            assert layer["bias"] == place + math.prod(layer["shape"])
            place = layer["bias"] + layer["shape"][0]
    assert place == len(numbers)
    known = {"input", *(layer["output"] for layer in layers)}
    assert {layer["input"] for layer in layers} <= known
    heads = {f"{kind}_{stride}" for kind in ("cls", "obj", "bbox", "kps") for stride in (8, 16, 32)}
    assert heads | {"fine", "middle", "coarse"} <= known


def test_the_weights_are_those_of_the_package(exported: Path) -> None:
    assert (exported / "weights.json").read_bytes() == resource("models", "yunet.json").read_bytes()
    head = json.loads((exported / "port.json").read_text())
    assert head["model"] == load_model("yunet").name
    documented = json.loads((exported / "schema.json").read_text())["features"]
    names = tuple(f"{group}.{part}" for group in documented for part in documented[group]["parts"])
    assert names == FEATURE_NAMES


def test_golden_values_add_up(exported: Path, detector: SelfieDetector) -> None:
    files = sorted((exported / "golden").glob("*.json"))
    assert len(files) == len(port_pictures())
    looks = set()
    told: dict[str, set[str]] = {}
    for path in files:
        golden = json.loads(path.read_text())
        looks.add(golden["looks"])
        pixels = np.fromfile(path.with_suffix(".rgb"), np.uint8)
        image = pixels.reshape(golden["height"], golden["width"], 3)[..., ::-1]
        assert detector.check(image).probability == golden["verdict"]["probability"]
        total = sum(golden["shares"].values()) + golden["bias"]
        assert total == pytest.approx(golden["decision"], abs=1e-9)
        for sight in golden["clauses"]:
            for signal, clauses in sight["told"].items():
                told.setdefault(signal, set()).update(filter(None, clauses))
    assert looks == {1, 2}  # pictures that are clear at the first look, and others
    # A port that mistakes the bound of any kind of clause is seen to, whatever the weights are.
    assert all(told.values())
    assert told["crowd"] == {
        "the nearest of 3 faces is at the left",
        "2 heads are close together at one distance",
        "4 faces are in sight, none of them near",
    }


def test_an_app_needs_three_files_and_nothing_is_replaced_unasked(tmp_path: Path) -> None:
    assert call("export", tmp_path, "--no-golden").returncode == 0
    assert {path.name for path in tmp_path.iterdir()} == {"port.json", "weights.json", "yunet.bin"}
    again = call("export", tmp_path, "--no-golden")
    assert again.returncode == 2
    assert "exists already" in again.stderr
    assert call("export", tmp_path, "--no-golden", "--force").returncode == 0
    (tmp_path / "file").touch()
    assert call("export", tmp_path / "file" / "inner").returncode == 2


def test_a_missing_extra_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    done = call("export", tmp_path / "new")
    assert done.returncode == 2
    assert done.stderr == (
        f"classicselfie: onnx is not installed; run: {install_command('export')}\n"
    )
    assert not (tmp_path / "new").exists()


def test_a_page_offers_no_port_that_could_not_judge_alike(
    detector: SelfieDetector, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert can_be_carried(detector)
    assert not can_be_carried(SelfieDetector(detector="haar"))
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert not can_be_carried(detector)


def test_the_port_gives_what_python_gives(exported: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node is not installed (Debian: apt-get install nodejs)")
    tests = sorted(map(str, (PORT / "test").glob("*.test.js")))
    run = subprocess.run(
        [node, "--test", *tests],
        cwd=PORT,
        env={**os.environ, "CLASSICSELFIE_EXPORT": f"{exported.as_uri()}/"},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "# pass 35\n" in run.stdout
    assert "# skipped 0\n" in run.stdout


def test_the_port_and_what_it_carries_stay_small(exported: Path) -> None:
    carried = [*(PORT / "src").iterdir()]
    carried += [exported / name for name in ("port.json", "weights.json", "yunet.bin")]
    assert sum(path.stat().st_size for path in carried) < 1_000_000
    code = [
        line
        for path in (PORT / "src").glob("*.js")
        for line in path.read_text("utf-8").splitlines()
        if line.strip() and not line.lstrip().startswith(("//", "/*", "*"))
    ]
    assert len(code) <= 1_500


def test_the_types_name_what_a_verdict_tells(detector: SelfieDetector) -> None:
    declared = (PORT / "src" / "index.d.ts").read_text("utf-8")
    told = detector.check(draw_person()).to_dict()
    for interface, example in (
        ("Verdict", told),
        ("Reason", told["reasons"][0]),
        ("Face", told["faces"][0]),
    ):
        body = re.search(rf"interface {interface} {{(.*?)\n}}", declared, re.DOTALL)
        assert body is not None
        assert re.findall(r"^  (\w+): ", body[1], re.MULTILINE) == list(example), interface
