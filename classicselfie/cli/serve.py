"""`classicselfie serve`: answers over HTTP."""

from __future__ import annotations

import argparse

from classicselfie.cli.options import (
    Code,
    Commands,
    add_command,
    add_shared,
    count,
    make_detector,
    port,
    seconds,
)
from classicselfie.errors import MissingExtraError


def add_to(commands: Commands) -> None:
    """Add the command."""
    serve = add_command(
        commands,
        "serve",
        "answer over HTTP, with a page to try it",
        "Answer POST /v1/check with verdicts as JSON, and show a page at / on which photos can be "
        "dropped. Takes bytes only, keeps nothing, and talks to this machine alone unless --host "
        "says otherwise. SIGTERM finishes what was accepted. Needs the extra 'serve'.",
        run=_run,
        examples={
            "classicselfie serve": "then open http://127.0.0.1:8000",
            "classicselfie serve --port 8080 --workers 2": "another port, two processes",
            "classicselfie serve --host 0.0.0.0 --max-bytes 8388608": "for other machines as well",
        },
    )
    serve.add_argument("--host", default="127.0.0.1", help="default: %(default)s")
    serve.add_argument(
        "--port", type=port, default=8000, help="0 takes a free one (default: %(default)s)"
    )
    serve.add_argument("--workers", type=count, help="processes (default: one per core)")
    serve.add_argument(
        "--queue",
        type=count,
        default=64,
        help="photos that may wait for a worker; more get 503 (default: %(default)s)",
    )
    serve.add_argument(
        "--max-bytes",
        type=count,
        default=32 * 2**20,
        help="of a request's body (default: %(default)s)",
    )
    serve.add_argument(
        "--max-pixels", type=count, default=256_000_000, help="of a photo (default: %(default)s)"
    )
    serve.add_argument(
        "--max-parts", type=count, default=16, help="photos in a request (default: %(default)s)"
    )
    serve.add_argument(
        "--timeout",
        type=seconds,
        default=60.0,
        metavar="SECONDS",
        help="to send a request, to wait for a worker, and to judge a photo: for each of the "
        "three (default: %(default)g)",
    )
    add_shared(serve, "detector", "threshold", "weights")


def _run(arguments: argparse.Namespace) -> int:
    MissingExtraError.unless_installed("serve")
    from classicselfie.serve.command import serve
    from classicselfie.serve.limits import Limits

    limits = Limits(
        max_bytes=arguments.max_bytes,
        max_pixels=arguments.max_pixels,
        max_parts=arguments.max_parts,
        queue=arguments.queue,
        timeout=arguments.timeout,
    )
    serve(
        make_detector(arguments),
        limits,
        host=arguments.host,
        port=arguments.port,
        workers=arguments.workers,
    )
    return Code.DONE
