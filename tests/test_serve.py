"""The service over real connections: what it answers, and what it survives."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import cv2
import pytest
from conftest import encode

pytest.importorskip("fastapi", reason="the extra serve is not installed")
httpx = pytest.importorskip("httpx", reason="the extra dev is not installed")

from serving import RAW, Service, serving

from classicselfie import SelfieDetector
from classicselfie.benchmark.drawing import draw_person
from classicselfie.extras import install_command

if not sys.platform.startswith("linux"):
    pytest.skip("the tests look at processes as Linux shows them", allow_module_level=True)

MEGABYTE = 2**20


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """Judges as the library does by default, within narrow limits."""
    options = ("--workers", 2, "--max-bytes", MEGABYTE, "--max-parts", 8, "--timeout", 2)
    with serving(*options) as running:
        yield running
        assert running.end() == 0
    assert running.log == []  # whatever was sent: no word of it


@pytest.fixture(autouse=True)
def _answers_the_next_good_request(
    request: pytest.FixtureRequest, person_jpeg: bytes
) -> Iterator[None]:
    """Whatever a test does to the service: it goes on answering, and never failed."""
    yield
    if "service" in request.fixturenames:
        check_health(request.getfixturevalue("service"), person_jpeg)


def check_health(service: Service, photo: bytes) -> None:
    answer = service.check(photo)
    assert answer.status_code == 200
    assert answer.json()["label"] != "unknown"
    statuses = re.findall(r'requests_total{status="(\d+)"}', " ".join(service.metrics()))
    assert not [status for status in statuses if status.startswith("5") and status != "503"]


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def raw_request(service: Service, *parts: bytes) -> bytes:
    """Send bytes as they are; the answer until the service closes the connection."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=30) as connection:
        answer = b""
        try:
            for part in parts:
                connection.sendall(part)
            while data := connection.recv(65536):
                answer += data
        except ConnectionError:
            pass  # it may close while we still send
        return answer


def large_png(megapixels: int) -> bytes:
    """A photo that takes long to decode."""
    width = round((megapixels * 0.75e6) ** 0.5)
    return encode(cv2.resize(draw_person(), (width, width * 4 // 3)), ".png")


# ---- what it answers ----


def test_a_photo_gets_the_verdict_of_the_library(
    service: Service, person_jpeg: bytes, detector: SelfieDetector
) -> None:
    expected = detector.check(person_jpeg).to_dict()
    for content_type in ("image/jpeg", "application/octet-stream", "image/png; x=y"):
        headers = {"Content-Type": content_type}
        answer = httpx.post(f"{service.url}/v1/check", content=person_jpeg, headers=headers).json()
        assert answer.pop("timings_ms").keys() == expected["timings_ms"].keys()
        assert answer == {k: v for k, v in expected.items() if k != "timings_ms"}


def test_several_photos_are_answered_in_order_under_their_names(
    service: Service, person_jpeg: bytes
) -> None:
    names = ["a.jpg", "../../etc/passwd", "Grüße 🤳.jpg", "<script>alert(1)</script>.jpg", "a.jpg"]
    contents = [person_jpeg, b"no picture", b"", person_jpeg, person_jpeg]
    files = [("any", pair) for pair in zip(names, contents, strict=True)]
    answers = httpx.post(f"{service.url}/v1/check", files=files).json()
    assert [answer["path"] for answer in answers] == names
    assert [answer["label"] == "unknown" for answer in answers] == [False, True, True, False, False]


def test_a_form_with_one_photo_gets_one_verdict(service: Service, person_jpeg: bytes) -> None:
    answer = httpx.post(
        f"{service.url}/v1/check", files={"photo": ("me.jpg", person_jpeg)}, data={"note": "hello"}
    )
    assert answer.json()["path"] == "me.jpg"


def test_an_unreadable_photo_is_unknown_with_a_reason(service: Service) -> None:
    answer = service.check(b"no picture").json()
    assert (answer["label"], answer["probability"], answer["stage"]) == ("unknown", None, "header")
    assert answer["reasons"][0]["sentence"].startswith("not a picture in a supported format")


def test_it_tells_its_health_and_its_model(service: Service, detector: SelfieDetector) -> None:
    assert httpx.get(f"{service.url}/healthz").json() == {"status": "ok"}
    model = httpx.get(f"{service.url}/v1/model").json()
    assert model["name"] == detector.model.name
    assert model["threshold"] == detector.threshold
    assert 0.5 < model["figures"]["mean_auc"] < 1
    assert model["limits"]["max_bytes"] == MEGABYTE


def test_it_hands_out_what_judges_in_a_browser_by_its_own_weights(
    service: Service, detector: SelfieDetector
) -> None:
    def get(path: str) -> httpx.Response:
        return httpx.get(f"{service.url}/static/port/{path}")

    assert httpx.get(f"{service.url}/v1/model").json()["on_device"] is True
    assert get("data/port.json").json()["model"] == detector.model.name
    assert get("data/port.json").json()["threshold"] == "strict"
    assert get("data/weights.json").text == detector.model.to_json()
    assert len(get("data/yunet.bin").content) == 4 * 53_104
    assert get("src/index.js").headers["Content-Type"].startswith("text/javascript")
    for elsewhere in ("data/haar.json", "data/..%2findex.html", "src/..%2fpackage.json", "src/"):
        assert get(elsewhere).status_code == 404, elsewhere


def test_the_metrics_count_requests_and_verdicts(service: Service, person_jpeg: bytes) -> None:
    before = service.metrics()
    service.check(person_jpeg)
    service.check(b"no picture")
    assert httpx.post(f"{service.url}/v1/check").status_code == 422
    after = service.metrics()

    def grown(name: str) -> float:
        return after.get(name, 0) - before.get(name, 0)

    assert grown('classicselfie_verdicts_total{label="not_selfie",stage="pixels"}') == 1
    assert grown('classicselfie_verdicts_total{label="unknown",stage="header"}') == 1
    assert grown('classicselfie_requests_total{status="422"}') == 1
    assert grown('classicselfie_requests_total{status="200"}') == 3  # the look at the metrics too
    assert grown("classicselfie_request_seconds_count") == 2
    assert after["classicselfie_queue_depth"] == after["classicselfie_held_bytes"] == 0


def test_browsers_are_kept_careful_and_other_sites_out(service: Service) -> None:
    for path in ("/", "/static/page.js", "/v1/model", "/nowhere"):
        answer = httpx.get(service.url + path, headers={"Origin": "https://elsewhere.example"})
        assert "'unsafe" not in answer.headers["Content-Security-Policy"]
        assert "script-src 'self';" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert not any("access-control" in name.lower() for name in answer.headers)


def test_the_description_has_examples_that_fit_it(service: Service) -> None:
    pydantic = pytest.importorskip("pydantic")
    from classicselfie.serve.schema import EXAMPLE, MODEL_EXAMPLE, UNKNOWN, ModelSchema
    from classicselfie.serve.schema import VerdictSchema as Schema

    description = httpx.get(f"{service.url}/openapi.json").json()
    content = description["paths"]["/v1/check"]["post"]["responses"]["200"]["content"]
    examples = content["application/json"]["examples"]
    assert examples["several photos"]["value"] == [EXAMPLE, UNKNOWN]
    strict = pydantic.ConfigDict(extra="forbid")
    for schema, value in ((Schema, EXAMPLE), (Schema, UNKNOWN), (ModelSchema, MODEL_EXAMPLE)):
        forbidding = type("Forbidding", (schema,), {"model_config": strict})
        forbidding.model_validate(value)
    forbidding = type("Forbidding", (Schema,), {"model_config": strict})
    forbidding.model_validate(service.check(b"no picture").json())


# ---- what it refuses ----


@pytest.mark.parametrize("chunked", [False, True])
def test_a_large_body_is_refused_however_it_is_announced(service: Service, chunked: bool) -> None:
    body = bytes(MEGABYTE + 1)
    content = iter([body[:1000], body[1000:]]) if chunked else body
    answer = httpx.post(f"{service.url}/v1/check", content=content, headers=RAW)
    assert answer.status_code == 413
    assert answer.json()["detail"] == "the body is larger than 1048576 bytes"
    form = httpx.post(f"{service.url}/v1/check", files={"photo": ("a.jpg", body)})
    assert form.status_code == 413


def test_an_endless_body_is_cut(service: Service) -> None:
    head = b"POST /v1/check HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"10000\r\n" + bytes(65536) + b"\r\n"
    answer = raw_request(service, head, *[chunk] * 2000)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 413")  # if it was still listened to
    assert service.metrics()["classicselfie_held_bytes"] == 0


def test_a_body_shorter_than_promised_is_cut_in_time(service: Service, person_jpeg: bytes) -> None:
    head = b"POST /v1/check HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n"
    assert raw_request(service, head, person_jpeg).startswith(b"HTTP/1.1 408 ")


def test_all_bodies_together_are_bounded(service: Service) -> None:
    head = b"POST /v1/check HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"
    with ThreadPoolExecutor(8) as clients:  # eight bodies of the largest size are held
        slow = [clients.submit(raw_request, service, head + bytes(999_999)) for _ in range(8)]
        wait_for(lambda: service.metrics()["classicselfie_held_bytes"] == 8 * 999_999)
        answer = service.check(bytes(900_000))
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
        assert {request.result()[9:12] for request in slow} == {b"408"}
    assert service.metrics()["classicselfie_held_bytes"] == 0


@pytest.mark.parametrize("head", [b"", b"POST /v1/che", b"GET / HTTP/1.1\r\nX: y\r\n"])
def test_a_head_that_never_ends_is_cut_in_time(service: Service, head: bytes) -> None:
    assert raw_request(service, head) == b""


def test_a_head_that_is_too_large_is_cut(service: Service) -> None:
    line = b"X: " + bytes(1000).replace(b"\0", b"y") + b"\r\n"
    assert raw_request(service, b"GET / HTTP/1.1\r\n", *[line] * 10_000) == b""


@pytest.mark.parametrize("count", [9, 1000])
def test_too_many_parts_are_refused(service: Service, person_jpeg: bytes, count: int) -> None:
    files = [("photo", (f"{i}.jpg", person_jpeg[:500])) for i in range(count)]
    answer = httpx.post(f"{service.url}/v1/check", files=files)
    assert answer.status_code == 400
    assert answer.json()["detail"] == "Too many files. Maximum number of files is 8."
    fields = httpx.post(f"{service.url}/v1/check", files=[("x", (None, b"y"))] * count)
    assert fields.status_code == 400


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/json", b'{"url": "http://127.0.0.1/photo.jpg"}', 415),
        ("application/x-www-form-urlencoded", b"url=http://127.0.0.1/photo.jpg", 415),
        ("multipart/form-data", b"", 400),
        ("multipart/form-data; boundary=x", b"nonsense", 400),
        ("multipart/form-data; boundary=x", b"--x\r\n\r\n\r\n--x--\r\n", 400),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data; na", 400),
        ("multipart/form-data; boundary=x; charset=no", b"--x--\r\n", 422),
        (
            "multipart/form-data; boundary=x; charset=idna",
            b'--x\r\nContent-Disposition: form-data; name="photo"; filename="xn--name-.jpg"\r\n\r\n'
            b"photo\r\n--x--\r\n",
            400,
        ),
        ("image/jpeg", b"", 422),
    ],
)
def test_what_is_no_photo_is_told_so(
    service: Service, content_type: str, body: bytes, status: int
) -> None:
    headers = {"Content-Type": content_type}
    answer = httpx.post(f"{service.url}/v1/check", content=body, headers=headers)
    assert answer.status_code == status, answer.text
    assert answer.json()["detail"]


def test_a_photo_of_too_many_pixels_is_unknown(person_jpeg: bytes) -> None:
    with serving("--workers", 1, "--max-pixels", 300_000) as narrow:
        answer = narrow.check(person_jpeg).json()  # 480 × 640
    assert answer["label"] == "unknown"
    assert answer["reasons"][0]["sentence"] == (
        "it has 480 × 640 pixels, more than the limit of 0.3 million"
    )


# ---- what clients are used to ----


def test_an_offer_of_another_protocol_costs_no_body(service: Service, person_jpeg: bytes) -> None:
    """curl --http2 and Java's client make it with their first request."""
    offer = b"Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\n"
    offer += b"HTTP2-Settings: AAMAAABk\r\n"
    head = b"POST /v1/check HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\n" + offer
    length = b"Content-Length: %d\r\n\r\n" % len(person_jpeg)
    chunks = b"%x\r\n%b\r\n0\r\n\r\n" % (len(person_jpeg), person_jpeg)
    first = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    for parts in (
        (head + length + person_jpeg,),
        (head[:70], head[70:] + length, person_jpeg[:9], person_jpeg[9:]),
        (first + head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks,),
    ):
        answer = raw_request(service, *parts)
        assert answer.count(b"HTTP/1.1 ") == answer.count(b"HTTP/1.1 200 OK") > 0
        verdict = json.loads(answer.rpartition(b"\r\n\r\n")[2])
        assert verdict["label"] == "not_selfie"
    bare = raw_request(service, b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + offer + b"\r\n")
    assert bare.endswith(b'{"status":"ok"}')


@pytest.mark.parametrize(
    ("name", "kind", "path"),
    [
        (b"; filename*=UTF-8''Gr%C3%BC%C3%9Fe%20a.jpg", b"", "Grüße a.jpg"),
        (b"; filename*=nonsense''a%FF.jpg", b"", "aÿ.jpg"),
        (b"; filename=a.jpg; filename*=UTF-8''b.jpg", b"", "a.jpg"),
        (b"", b"Content-Type: image/jpeg\r\n", None),
        (b"", b"content-type: application/octet-stream; x=y\r\n", None),
    ],
)
def test_a_file_is_one_however_it_is_named(
    service: Service, person_jpeg: bytes, name: bytes, kind: bytes, path: str | None
) -> None:
    head = b"--x\r\nContent-Disposition: form-data; name=photo" + name + b"\r\n" + kind
    answer = httpx.post(
        f"{service.url}/v1/check",
        content=head + b"\r\n" + person_jpeg + b"\r\n--x--\r\n",
        headers={"Content-Type": "multipart/form-data; boundary=x"},
    ).json()
    assert (answer["label"], answer["path"]) == ("not_selfie", path)


def test_a_list_is_had_for_one_photo_too(service: Service, person_jpeg: bytes) -> None:
    url, files = f"{service.url}/v1/check", {"photo": ("a.jpg", person_jpeg)}
    assert httpx.post(url, files=files).json()["path"] == "a.jpg"
    assert [each["path"] for each in httpx.post(f"{url}?list=true", files=files).json()] == [
        "a.jpg"
    ]
    assert httpx.post(f"{url}?list=false", files=files).json()["path"] == "a.jpg"
    assert httpx.post(f"{url}?list=perhaps", files=files).status_code == 422


@pytest.mark.parametrize("path", ["/", "/healthz", "/v1/model", "/metrics", "/static/page.js"])
def test_head_is_get_without_the_body(service: Service, path: str) -> None:
    head, get = httpx.head(service.url + path), httpx.get(service.url + path)
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["Content-Type"] == get.headers["Content-Type"]


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"POST /v1/check HTTP/1.1\r\nContent-Type: text/plain\r\n", b"415"),
        (b"POST /v1/check HTTP/1.1\r\nContent-Encoding: gzip\r\n", b"415"),
        (b"POST /v1/check HTTP/1.1\r\nContent-Type: multipart/form-data\r\n", b"400"),
        (b"POST /v1/check HTTP/1.1\r\n", b"413"),
        (b"POST /nowhere HTTP/1.1\r\n", b"404"),
        (b"POST /nowhere HTTP/1.1\r\nConnection: close\r\n", b"404"),
        (b"POST /healthz HTTP/1.1\r\n", b"405"),
        (b"POST /v1/check HTTP/1.1\r\nno header\r\n", b"400"),
    ],
)
def test_an_answer_is_not_lost_behind_the_body(
    service: Service, head: bytes, status: bytes
) -> None:
    """Most clients look for an answer only when they have sent all."""
    body = bytes(8 * MEGABYTE)
    with socket.create_connection(("127.0.0.1", service.port), timeout=30) as connection:
        connection.sendall(head + b"Host: x\r\nContent-Length: %d\r\n\r\n" % len(body))
        for start in range(0, len(body), 65536):  # a connection that was reset would raise
            connection.sendall(body[start : start + 65536])
        answer = b""
        while data := connection.recv(65536):
            answer += data
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert b"connection: close" in answer.lower()
    wait_for(lambda: service.metrics()["classicselfie_held_bytes"] == 0)
    service.log[:] = [line for line in service.log if "Invalid HTTP request" not in line]


@pytest.mark.parametrize("head", [b"G", b"GET / HTTP/1.1\r\nX: "])
def test_a_slow_head_of_a_second_request_is_cut_in_time(service: Service, head: bytes) -> None:
    """The connection is kept open for it, but it has no more time than the first one."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=30) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 OK")
        connection.sendall(head)
        while connection.recv(65536):  # the rest of the first answer, then the end
            pass


def test_health_tells_why_no_worker_can_be_started(person_jpeg: bytes) -> None:
    resource = pytest.importorskip("resource")
    with serving("--workers", 1) as service:
        before = resource.prlimit(service.process.pid, resource.RLIMIT_NOFILE)
        used = len(list(Path(f"/proc/{service.process.pid}/fd").iterdir()))
        os.kill(service.workers[0], signal.SIGKILL)
        wait_for(lambda: not service.workers)
        with httpx.Client(base_url=service.url) as client:
            client.get("/v1/model")
            resource.prlimit(service.process.pid, resource.RLIMIT_NOFILE, (used, before[1]))
            for _ in range(2):
                sick = client.get("/healthz")
                assert (sick.status_code, sick.json()["status"]) == (503, "unavailable")
                assert sick.json()["detail"].startswith("the worker processes do not start: ")
            assert client.post("/v1/check", content=person_jpeg, headers=RAW).status_code == 503
            resource.prlimit(service.process.pid, resource.RLIMIT_NOFILE, before)
            assert client.get("/healthz").json() == {"status": "ok"}  # it has started one
        assert len(service.workers) == 1
        assert service.check(person_jpeg).json()["label"] == "not_selfie"


# ---- what it survives ----


def test_every_odd_file_is_answered(service: Service, odd_dir: Path) -> None:
    paths = sorted(path for path in odd_dir.iterdir() if path.suffix != ".csv")
    with ThreadPoolExecutor(8) as clients:
        answers = list(clients.map(lambda path: service.check(path.read_bytes()), paths))
    for path, answer in zip(paths, answers, strict=True):
        assert answer.status_code in (200, 422), path.name
        assert answer.status_code == 200 or path.stat().st_size == 0
    labels = {answer.json()["label"] for answer in answers if answer.status_code == 200}
    assert "unknown" in labels


def test_cut_connections_leave_nothing_behind(service: Service, person_jpeg: bytes) -> None:
    head = b"POST /v1/check HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(person_jpeg)
    for end in (20, len(head), len(head) + 1000, len(head) + len(person_jpeg)):
        connection = socket.create_connection(("127.0.0.1", service.port))
        connection.sendall((head + person_jpeg)[:end])
        reset = b"\1\0\0\0\0\0\0\0"  # SO_LINGER of 0 s: no orderly goodbye
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
        connection.close()
    wait_for(lambda: service.metrics()["classicselfie_held_bytes"] == 0)
    wait_for(lambda: service.metrics()["classicselfie_pending_photos"] == 0)


def test_an_idle_worker_that_is_killed_is_not_missed(service: Service, person_jpeg: bytes) -> None:
    for worker in service.workers:
        os.kill(worker, signal.SIGKILL)
    for _ in range(4):
        assert service.check(person_jpeg).json()["label"] != "unknown"
    assert len(service.workers) >= 1


def test_a_worker_that_hangs_costs_one_verdict(person_jpeg: bytes) -> None:
    with serving("--workers", 1, "--timeout", 1) as service:
        (worker,) = service.workers
        os.kill(worker, signal.SIGSTOP)
        answer = service.check(person_jpeg).json()
        assert answer["label"] == "unknown"
        assert answer["reasons"][0]["sentence"] == "judging it took longer than 1 seconds"
        assert service.check(person_jpeg).json()["label"] != "unknown"
        assert service.metrics()["classicselfie_lost_workers"] == 1


def test_a_worker_that_dies_at_work_costs_nothing(person_jpeg: bytes) -> None:
    slow = large_png(24)
    with serving("--workers", 2) as service, ThreadPoolExecutor(2) as clients:
        answers = [clients.submit(service.check, slow) for _ in range(2)]
        wait_for(lambda: service.metrics()["classicselfie_pending_photos"] == 2)
        os.kill(service.workers[0], signal.SIGKILL)
        assert all(answer.result().json()["label"] != "unknown" for answer in answers)


def test_a_photo_at_which_two_workers_die_is_unknown(person_jpeg: bytes) -> None:
    with serving("--workers", 1) as service, ThreadPoolExecutor(1) as clients:
        answer = clients.submit(service.check, large_png(24))
        wait_for(lambda: service.metrics()["classicselfie_pending_photos"] == 1)
        while not answer.done():
            for worker in service.workers:
                with suppress(ProcessLookupError):
                    os.kill(worker, signal.SIGKILL)
            time.sleep(0.05)
        verdict = answer.result().json()
        assert verdict["label"] == "unknown"
        assert verdict["reasons"][0]["sentence"] == "its decoder broke down"
        assert service.check(person_jpeg).json()["label"] != "unknown"
        assert service.metrics()["classicselfie_lost_workers"] == 1


def test_a_full_queue_sends_away_politely(person_jpeg: bytes) -> None:
    slow = large_png(4)
    options = ("--workers", 1, "--queue", 2, "--max-parts", 2)
    with serving(*options) as service, ThreadPoolExecutor(16) as clients:
        answers = list(clients.map(service.check, [slow] * 24))
        statuses = {answer.status_code for answer in answers}
        assert statuses == {200, 503}
        busy = [answer for answer in answers if answer.status_code == 503]
        assert all(int(answer.headers["Retry-After"]) >= 1 for answer in busy)
        assert service.check(person_jpeg).status_code == 200


def test_who_waits_too_long_is_sent_away(person_jpeg: bytes) -> None:
    with serving("--workers", 1, "--timeout", 1) as service, ThreadPoolExecutor(2) as clients:
        (worker,) = service.workers
        os.kill(worker, signal.SIGSTOP)
        answers = [clients.submit(service.check, person_jpeg) for _ in range(2)]
        statuses = sorted(answer.result().status_code for answer in answers)
        assert statuses in ([200, 503], [200, 200])  # the second began just in time, or not
        assert service.check(person_jpeg).json()["label"] != "unknown"


def test_it_writes_nothing_to_disk(person_jpeg: bytes) -> None:
    no_files = ("sh", "-c", 'ulimit -f 0 && exec "$@"', "sh")
    large = person_jpeg + bytes(3 * MEGABYTE)  # more than form parsers like to keep in memory
    with serving("--workers", 1, through=no_files) as service:
        files = [("photo", ("private name.jpg", large)), ("photo", ("b.jpg", large))]
        answers = httpx.post(f"{service.url}/v1/check", files=files).json()
        assert [answer["label"] for answer in answers] == ["not_selfie"] * 2
        assert service.end() == 0
    assert service.log == []


@pytest.mark.parametrize("to_group", [False, True])
def test_sigterm_finishes_what_was_accepted(to_group: bool) -> None:
    slow = large_png(6)
    files = [("photo", (f"{i}.png", slow)) for i in range(6)]
    with serving("--workers", 2) as service, ThreadPoolExecutor(1) as client:
        answer = client.submit(httpx.post, f"{service.url}/v1/check", files=files, timeout=60)
        wait_for(lambda: service.metrics()["classicselfie_pending_photos"] == 6)
        # systemd and terminals tell the whole group.
        (os.killpg if to_group else os.kill)(service.process.pid, signal.SIGTERM)
        assert [item["label"] for item in answer.result().json()] == ["not_selfie"] * 6
        assert service.process.wait(60) == 0
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{service.url}/healthz")
    assert service.log == []


def test_workers_do_not_outlive_a_killed_service() -> None:
    with serving("--workers", 2) as service:
        workers = service.workers
        assert len(workers) == 2
        service.process.kill()
        wait_for(lambda: not any(Path(f"/proc/{pid}/cmdline").exists() for pid in workers))


def test_its_description_holds_for_generated_requests(service: Service, tmp_path: Path) -> None:
    pytest.importorskip("schemathesis", reason="the extra dev is not installed")
    command = [sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()"]
    options = ["run", f"{service.url}/openapi.json", "--max-examples", "30", "--seed", "1"]
    done = subprocess.run(
        [*command, *options], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stdout
    assert "No issues found" in done.stdout
    # What is no HTTP at all is refused before it has a status; the log says no more than that.
    assert set(service.log) <= {"WARNING:  Invalid HTTP request received.\n"}
    service.log.clear()


# ---- how it starts ----


def run_serve(*options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "classicselfie", "serve", *map(str, options)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_a_bad_start_is_one_line(service: Service, tmp_path: Path) -> None:
    for options, start in (
        (("--port", service.port), "cannot listen on 127.0.0.1 port "),
        (("--host", "203.0.113.1"), "cannot listen on 203.0.113.1 port 8000"),  # nobody's
        (("--queue", 4), "max_parts (16) must not be more than queue (4)"),
        (("--weights", tmp_path / "none.json"), "the weights "),
    ):
        done = run_serve(*options)
        assert done.returncode == 2
        assert done.stderr.startswith(f"classicselfie: {start}")
        assert done.stderr.count("\n") == 1
    assert run_serve("--timeout", "soon").returncode == 2
    assert run_serve("--port", 65536).returncode == 2


def test_a_missing_extra_names_its_command() -> None:
    code = (
        "import importlib.util, sys\n"
        "real = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda n, *a: None if n == 'fastapi' else real(n, *a)\n"
        "from classicselfie.cli import main\n"
        "sys.exit(main(['serve']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == (
        f"classicselfie: fastapi is not installed; run: {install_command('serve')}\n"
    )


def test_every_option_is_documented() -> None:
    text = (Path(__file__).parents[1] / "docs" / "serve.md").read_text(encoding="utf-8")
    of_every_command = {"--help", "--quiet", "--verbose", "--config", "--no-config"}
    for word in run_serve("--help").stdout.partition("examples:")[0].split():
        option = word.strip("[],")
        if option.startswith("--") and option not in of_every_command:
            assert f"`{option}`" in text, option


def test_a_worker_needs_nothing_of_the_web() -> None:
    code = (
        "import json, sys, classicselfie.serve.worker\n"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"fastapi", "starlette", "uvicorn"} & set(json.loads(done.stdout))
