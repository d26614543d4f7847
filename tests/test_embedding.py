"""The examples of how to build it in are run as they are shown."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import cv2
import pytest
from conftest import encode

from classicselfie import SelfieDetector
from classicselfie.benchmark.drawing import draw_person

EXAMPLES = Path(__file__).parents[1] / "examples"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def lenient() -> SelfieDetector:
    """Call the drawn person a selfie; the examples' own thresholds are their users' business."""
    return SelfieDetector(threshold=0.3)


def test_the_upload_hook_warns(
    monkeypatch: pytest.MonkeyPatch, person_jpeg: bytes, lenient: SelfieDetector
) -> None:
    hook = load("upload_hook")
    assert hook.selfie_note(person_jpeg) is None  # not surely enough
    monkeypatch.setattr(hook, "_detector", lenient)
    note = hook.selfie_note(person_jpeg)
    assert note.startswith("Looks like a selfie (")
    assert note.endswith("just go on.")


def test_the_upload_hook_never_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    hook = load("upload_hook")
    assert hook.selfie_note(b"no picture") is None
    assert hook.selfie_note(None) is None  # a bug of the caller is no reason either
    slow = encode(cv2.resize(draw_person(), (6000, 8000)), ".png")
    monkeypatch.setattr(hook, "SECONDS", 0.001)
    assert hook.selfie_note(slow) is None


def test_fastapi(
    monkeypatch: pytest.MonkeyPatch, person_jpeg: bytes, lenient: SelfieDetector
) -> None:
    pytest.importorskip("fastapi", reason="FastAPI is not installed")
    httpx = pytest.importorskip("httpx", reason="the extra dev is not installed")
    import asyncio

    example = load("fastapi_upload")
    monkeypatch.setattr(example, "detector", lenient)

    async def post(content: bytes) -> dict[str, str]:
        transport = httpx.ASGITransport(example.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://example") as client:
            answer = await client.post("/photos", files={"photo": ("me.jpg", content)})
        assert answer.status_code == 200
        return dict(answer.json())

    assert asyncio.run(post(person_jpeg))["note"].startswith("Looks like a selfie")
    assert asyncio.run(post(b"no picture")) == {"name": "me.jpg", "note": None}


def test_django(
    monkeypatch: pytest.MonkeyPatch, person_jpeg: bytes, lenient: SelfieDetector
) -> None:
    django = pytest.importorskip("django", reason="Django is not installed")
    example = load("django_upload")
    django.setup()
    from django.core.files.uploadedfile import SimpleUploadedFile
    from django.test import Client

    monkeypatch.setattr(example, "detector", lenient)

    def post(content: bytes) -> dict[str, str]:
        answer = Client().post("/photos", {"photo": SimpleUploadedFile("me.jpg", content)})
        assert answer.status_code == 200
        return dict(answer.json())

    assert post(person_jpeg)["note"].startswith("Looks like a selfie")
    assert post(b"no picture") == {"name": "me.jpg", "note": None}
    assert Client().post("/photos").status_code == 400


def test_celery(person_path: Path, detector: SelfieDetector) -> None:
    pytest.importorskip("celery", reason="Celery is not installed")
    from celery.contrib.testing.worker import start_worker

    example = load("celery_task")
    with start_worker(example.app, pool="solo", perform_ping_check=False):
        good = example.check_photo.delay(str(person_path))
        bad = example.check_photo.delay(str(person_path) + ".missing")
        answer = good.get(timeout=60)
        assert answer["probability"] == detector.check(person_path).probability
        assert bad.get(timeout=60)["label"] == "unknown"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[str]:
    """Run a real Redis on a free port."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed (Debian: apt-get install redis-server)")
    pytest.importorskip("redis", reason="the extra dev is not installed")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", str(tmp_path)]
    with subprocess.Popen([program, *options], stdout=subprocess.DEVNULL) as server:
        until = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except ConnectionRefusedError:
                assert server.poll() is None
                assert time.monotonic() < until
                time.sleep(0.05)
        yield f"redis://127.0.0.1:{port}/0"
        server.terminate()


def test_celery_with_a_real_broker(
    broker: str, person_path: Path, detector: SelfieDetector, tmp_path: Path
) -> None:
    """Tasks cross two processes and a broker, as in production."""
    pytest.importorskip("celery", reason="Celery is not installed")
    environment = {**os.environ, "CELERY_URL": broker}
    environment["PYTHONPATH"] = os.pathsep.join([str(EXAMPLES), str(EXAMPLES.parent)])
    worker = [sys.executable, "-m", "celery", "-A", "celery_task", "worker", "--concurrency", "1"]
    ask = (
        "import json, sys, celery_task\n"
        "asked = [celery_task.check_photo.delay(path) for path in sys.argv[1:]]\n"
        "print(json.dumps([task.get(timeout=120) for task in asked]))"
    )
    with (
        open(tmp_path / "log", "w", encoding="utf-8") as log,
        subprocess.Popen(worker, env=environment, cwd=tmp_path, stderr=log, stdout=log) as process,
    ):
        try:
            done = subprocess.run(
                [sys.executable, "-c", ask, str(person_path), str(person_path) + ".missing"],
                env=environment,
                cwd=tmp_path,
                capture_output=True,
                text=True,
                check=False,
            )
        finally:
            process.send_signal(signal.SIGTERM)
    assert done.returncode == 0, done.stderr + (tmp_path / "log").read_text(encoding="utf-8")
    good, bad = json.loads(done.stdout)
    assert good["probability"] == detector.check(person_path).probability
    assert bad["label"] == "unknown"
