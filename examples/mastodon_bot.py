"""A bot on a Mastodon server: mention it with a photo, and it says whether it looks like a selfie.

    pip install 'classicselfie' 'Mastodon.py'
    MASTODON_URL=https://… MASTODON_TOKEN=… python mastodon_bot.py

It answers each mention once, with advice and the best crop, to nobody but who asked and never
more publicly than they did. It keeps nothing: photos stay in memory, and what it has answered is
known by the notifications that it dismissed. The account should be marked as a bot.
"""

from __future__ import annotations

import io
import os
import textwrap
import time
from contextlib import suppress

import requests
from mastodon import (
    Mastodon,
    MastodonAPIError,
    MastodonNetworkError,
    MastodonNotFoundError,
    MastodonServerError,
)
from urllib3.exceptions import HTTPError

from classicselfie import SelfieDetector
from classicselfie.crop import Crop, find_crop
from classicselfie.errors import ClassicSelfieError

MAX_BYTES = 16 * 2**20
MAX_SIDE = 1600  # pixels; servers shrink what is larger
MAX_LETTERS = 400  # most servers allow 500, names included
ROUND_S = 30
# A reply to followers only would go to the bot's followers, not to theirs.
REPLY_VISIBILITY = {"public": "public", "unlisted": "unlisted"}


def answer_mentions(api: Mastodon, detector: SelfieDetector) -> None:
    """Answer what has come in since the last round, the oldest first."""
    me = api.me().id
    for mention in reversed(api.notifications(types=["mention"])):
        try:
            # A post that was deleted meanwhile, or that this account may not see, is not there.
            status, account = mention.get("status"), mention.get("account")
            if status and account and account.id != me and not account.bot:
                answer(api, detector, status)
        except (MastodonNetworkError, MastodonServerError):
            continue  # tried again in the next round
        except MastodonAPIError as error:
            print(f"no answer: {error}", flush=True)  # refused for good, perhaps deleted
        with suppress(MastodonNotFoundError):  # it goes with a post that was deleted
            api.notifications_dismiss(mention.id)


def answer(api, detector, status) -> None:  # type: ignore[no-untyped-def]
    """Reply to one post; without photos in it, say nothing."""
    photos = [download(media.url) for media in status.media_attachments if media.type == "image"]
    if not photos:
        return
    told = [detector.check(photo).summary if photo else "Could not be fetched." for photo in photos]
    if len(told) == 1:
        lines = [told[0]]
    else:  # there is room for the beginning of each
        room = MAX_LETTERS // len(told) - len("Photo 1: ") - 1
        lines = [
            f"Photo {number}: {textwrap.shorten(text, room, placeholder=' …')}"
            for number, text in enumerate(told, start=1)
        ]
    media = None
    crop = best_crop(photos[0])
    if crop:
        lines += [f"To try next time: {sentence}." for sentence in crop.before.advice[:1]]
        if crop.after and crop.after.score > crop.before.score + 0.1:
            lines.append("A crop you may like is attached.")
            media = [upload(api, crop)]
    text = "\n".join(lines)
    api.status_reply(
        status,
        text if len(text) <= MAX_LETTERS else text[: MAX_LETTERS - 1] + "…",
        media_ids=media,
        sensitive=status.sensitive,
        visibility=REPLY_VISIBILITY.get(status.visibility, "direct"),
        untag=True,
        idempotency_key=f"classicselfie-{status.id}",  # a second try is no second answer
    )


def download(url: str) -> bytes | None:
    """Fetch a photo into memory; None if it is too large, or gone."""
    try:
        with requests.get(url, stream=True, timeout=30) as response:
            response.raise_for_status()
            data = response.raw.read(MAX_BYTES + 1, decode_content=True)
    except (requests.RequestException, HTTPError, OSError):
        return None
    return data if len(data) <= MAX_BYTES else None


def best_crop(photo: bytes | None) -> Crop | None:
    """Find the best crop; None without a face, or where no crop is possible."""
    try:
        return find_crop(photo) if photo else None
    except ClassicSelfieError:
        return None


def upload(api, crop):  # type: ignore[no-untyped-def]
    """Upload a crop with its description, and wait until the server has taken it in."""
    image = crop.image.convert("RGB")
    image.thumbnail((MAX_SIDE, MAX_SIDE))
    data = io.BytesIO()
    image.save(data, "JPEG", quality=90)
    left, top, right, bottom = crop.box
    width, height = crop.before.size
    about = (
        f"The same photo, cropped to {(right - left) / width:.0%} of its width and "
        f"{(bottom - top) / height:.0%} of its height, with every face kept whole."
    )
    media = api.media_post(data.getvalue(), "image/jpeg", description=about)
    for _ in range(30):
        if media.url:
            break
        time.sleep(1)
        media = api.media(media.id)
    return media


def main() -> None:
    """Look for mentions now and then, until stopped."""
    detector = SelfieDetector()
    api = Mastodon(
        access_token=os.environ["MASTODON_TOKEN"],
        api_base_url=os.environ["MASTODON_URL"],
        ratelimit_method="wait",
        user_agent="classicselfie-bot",
    )
    while True:
        try:
            answer_mentions(api, detector)
        except (MastodonNetworkError, MastodonServerError) as error:
            print(f"no connection: {error}", flush=True)
        time.sleep(ROUND_S)


if __name__ == "__main__":
    main()
