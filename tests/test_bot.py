"""The example bot against a small server that speaks Mastodon's calls; real client, real HTTP."""

from __future__ import annotations

import email
import email.policy
import importlib.util
import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from conftest import encode
from PIL import Image

from classicselfie import SelfieDetector
from classicselfie.benchmark.drawing import draw_person, draw_scene

mastodon = pytest.importorskip("mastodon", reason="Mastodon.py is not installed")
BOT = Path(__file__).parents[1] / "examples" / "mastodon_bot.py"
ME, ASKER, OTHER_BOT = "1", "2", "3"
DATE = "2024-01-01T00:00:00.000Z"


def account(number: str) -> dict[str, Any]:
    names = {ME: "selfiebot", ASKER: "asker@elsewhere.example", OTHER_BOT: "otherbot"}
    return {"id": number, "acct": names[number], "username": "x", "bot": number != ASKER}


class Server(ThreadingHTTPServer):
    """Holds mentions and takes answers."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.mentions: dict[str, dict[str, Any]] = {}
        self.photos: dict[str, bytes] = {}
        self.media: dict[str, dict[str, Any]] = {}
        self.posts: list[dict[str, Any]] = []
        self.keys: set[str] = set()
        self.calls: list[str] = []
        self.refusals: list[int] = []  # statuses with which the next posts are refused

    def mention(
        self, *photos: bytes, author: str = ASKER, visibility: str = "public", **more: Any
    ) -> str:
        number = str(100 + len(self.mentions))
        attachments = []
        for index, photo in enumerate(photos):
            path = f"/photos/{number}-{index}.jpg"
            self.photos[path] = photo
            attachments.append({"id": path, "type": "image", "url": self.url + path})
        status = {
            "id": f"9{number}",
            "created_at": DATE,
            "account": account(author),
            "visibility": visibility,
            "sensitive": False,
            "spoiler_text": "",
            "mentions": [account(ME), account(OTHER_BOT)],
            "media_attachments": attachments,
            **more,
        }
        self.mentions[number] = {
            "id": number,
            "type": "mention",
            "created_at": DATE,
            "account": account(author),
            "status": status,
        }
        return number


class Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *_: Any) -> None:
        pass

    def give(self, answer: Any, status: int = 200, **headers: str) -> None:
        data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        kind = "image/jpeg" if isinstance(answer, bytes) else "application/json"
        for name, value in {"Content-Type": kind, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self) -> None:
        server, path = self.server, urlsplit(self.path).path
        server.calls.append(f"GET {path}")
        if path in server.photos:
            assert "Authorization" not in self.headers  # the token is for the API alone
            self.give(server.photos[path])
        elif path.startswith("/api/") and self.headers.get("Authorization") != "Bearer token":
            self.give({"error": "no token"}, 401)
        elif path == "/api/v1/accounts/verify_credentials":
            self.give(account(ME))
        elif path == "/api/v1/notifications":
            assert parse_qs(urlsplit(self.path).query)["types[]"] == ["mention"]
            self.give(list(reversed(server.mentions.values())))
        elif path.startswith("/api/v1/media/"):
            media = server.media[path.rpartition("/")[2]]
            media["url"] = f"{server.url}/taken-in.jpg"  # ready at the second look
            self.give(self.shown(media))
        elif path.rstrip("/") in ("/api/v1/instance", "/api/v2/instance"):
            self.give({"version": "4.2.0", "uri": "x"})
        else:
            self.give({"error": "not found"}, 404)

    def do_POST(self) -> None:
        server, path = self.server, urlsplit(self.path).path
        server.calls.append(f"POST {path}")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if path.endswith("/dismiss"):
            del server.mentions[path.split("/")[-2]]
            self.give({})
        elif path == "/api/v2/media":
            head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
            parts = email.message_from_bytes(head + body, policy=email.policy.HTTP).iter_parts()
            fields = {part.get_param("name", header="Content-Disposition"): part for part in parts}
            number = str(500 + len(server.media))
            server.media[number] = {
                "id": number,
                "type": "image",
                "url": None,
                "description": fields["description"].get_content().strip(),
                "file": fields["file"].get_payload(decode=True),
            }
            self.give(self.shown(server.media[number]), 202)
        elif path == "/api/v1/statuses" and server.refusals:
            status = server.refusals.pop(0)
            self.give({"error": "no"}, status, X_RateLimit_Reset=str(int(time.time()) + 1))
        elif path == "/api/v1/statuses":
            post = {name: values[0] for name, values in parse_qs(body.decode()).items()}
            assert all(server.media[n]["url"] for n in [post.get("media_ids[]")] if n)
            key = self.headers["Idempotency-Key"]
            if key not in server.keys:
                server.keys.add(key)
                server.posts.append(post)
            self.give({"id": "1", "created_at": DATE, "account": account(ME), "mentions": []})
        else:
            self.give({"error": "not found"}, 404)

    def shown(self, media: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in media.items() if name != "file"}


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def bot() -> ModuleType:
    spec = importlib.util.spec_from_file_location("mastodon_bot", BOT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def answer(server: Server, bot: ModuleType, detector: SelfieDetector) -> Any:
    api = mastodon.Mastodon(access_token="token", api_base_url=server.url, ratelimit_method="wait")
    yield lambda: bot.answer_mentions(api, detector)
    api.session.close()


@pytest.fixture(scope="module")
def small_head() -> bytes:
    return encode(draw_person(900, 1200, (0.55, 0.6), 0.16), ".jpg")


def test_a_photo_gets_its_verdict_advice_and_crop(
    server: Server, answer: Any, detector: SelfieDetector, small_head: bytes
) -> None:
    server.mention(small_head)
    answer()
    (post,) = server.posts
    assert detector.check(small_head).summary in post["status"]
    assert "To try next time: " in post["status"]
    assert post["in_reply_to_id"] == "9100"
    # To the asker alone, not to everybody who was mentioned there.
    assert re.findall(r"@\S+", post["status"]) == ["@asker@elsewhere.example"]
    assert len(post["status"]) <= 500
    media = server.media[post["media_ids[]"]]
    assert re.search(r"cropped to \d+% of its width and \d+% of its height", media["description"])
    with Image.open(io.BytesIO(media["file"])) as crop:
        assert crop.format == "JPEG"
        assert crop.width < 900
        assert crop.height < 1200
    assert server.mentions == {}  # dismissed: known to be answered
    answer()
    assert len(server.posts) == 1


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [("public", "public"), ("unlisted", "unlisted"), ("private", "direct"), ("direct", "direct")],
)
def test_an_answer_is_never_more_public_than_the_question(
    server: Server, answer: Any, person_jpeg: bytes, theirs: str, ours: str
) -> None:
    server.mention(person_jpeg, visibility=theirs, sensitive=True, spoiler_text="face")
    answer()
    (post,) = server.posts
    assert post["visibility"] == ours
    assert post["sensitive"] in ("1", "true", "True")
    assert post["spoiler_text"] == "face"


def test_bots_itself_and_words_get_no_answer(
    server: Server, answer: Any, person_jpeg: bytes
) -> None:
    server.mention(person_jpeg, author=ME)
    server.mention(person_jpeg, author=OTHER_BOT)
    server.mention()
    answer()
    assert server.posts == []
    assert server.mentions == {}
    assert not any("/photos/" in call for call in server.calls)


def test_photos_that_cannot_be_judged_are_told_kindly(
    server: Server, answer: Any, bot: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = encode(draw_scene(640, 480), ".jpg")
    monkeypatch.setattr(bot, "MAX_BYTES", len(room))
    number = server.mention(room, b"no photo", room + b"\0", room)
    del server.photos[f"/photos/{number}-3.jpg"]
    answer()
    lines = server.posts[0]["status"].splitlines()
    assert "Photo 1: No face was found, so this is not called a selfie" in lines[0]
    assert lines[1].startswith("Photo 2: Cannot be judged: ")
    assert lines[2:] == ["Photo 3: Could not be fetched.", "Photo 4: Could not be fetched."]
    assert "media_ids[]" not in server.posts[0]
    assert len(server.posts[0]["status"]) <= 500


def test_a_mention_without_its_post_is_passed_over(
    server: Server, answer: Any, person_jpeg: bytes
) -> None:
    first, second = server.mention(person_jpeg), server.mention(person_jpeg)
    del server.mentions[first]["status"]  # servers leave it out when it was deleted meanwhile
    server.mentions[second]["status"] = None
    third = server.mention(person_jpeg)
    answer()
    assert [post["in_reply_to_id"] for post in server.posts] == [f"9{third}"]
    assert server.mentions == {}  # dismissed: they will not be met again


def test_a_rate_limit_is_waited_for(server: Server, answer: Any, person_jpeg: bytes) -> None:
    server.mention(person_jpeg)
    server.refusals = [429]
    answer()
    assert len(server.posts) == 1
    assert server.calls.count("POST /api/v1/statuses") == 2


def test_a_server_in_trouble_is_asked_again_and_a_refusal_is_not(
    server: Server, answer: Any, person_jpeg: bytes
) -> None:
    first = server.mention(person_jpeg)
    server.mention(person_jpeg)
    server.refusals = [503, 422]
    answer()
    assert server.posts == []
    assert list(server.mentions) == [first]
    answer()
    assert [post["in_reply_to_id"] for post in server.posts] == [f"9{first}"]
    assert server.mentions == {}


def test_the_script_runs_until_it_is_stopped(
    server: Server, person_jpeg: bytes, tmp_path: Path
) -> None:
    server.mention(person_jpeg)
    environment = {**os.environ, "MASTODON_URL": server.url, "MASTODON_TOKEN": "token"}
    environment["PYTHONPATH"] = str(BOT.parents[1])
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    process = subprocess.Popen([sys.executable, str(BOT)], env=environment, cwd=tmp_path)
    deadline = time.monotonic() + 60
    while server.mentions and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    process.wait(timeout=20)
    assert len(server.posts) == 1
    assert list(tmp_path.iterdir()) == []  # nothing of a photo is kept
