"""The optional parts: which packages each needs, and the command that installs them here."""

from __future__ import annotations

import json
import os
import shlex
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

EXTRAS = {
    "train": ("jinja2", "joblib", "matplotlib", "sklearn", "tqdm"),
    "scan": ("joblib", "tqdm"),
    "watch": ("joblib", "tqdm", "watchdog"),
    "parquet": ("pyarrow",),
    "dask": ("distributed", "fsspec", "joblib", "tqdm"),
    "explain": ("jinja2", "matplotlib", "skimage"),
    "ratings": ("sklearn", "tqdm"),
    "serve": ("fastapi", "httptools", "prometheus_client", "python_multipart", "uvicorn"),
    "explore": ("joblib", "sklearn", "tqdm"),
    "png": ("playwright",),
    "export": ("onnx",),
    "heic": ("pillow_heif",),
    "bench": ("cpuinfo", "joblib", "psutil", "tqdm"),
    "completion": ("argcomplete",),
    "config": ("tomllib" if sys.version_info >= (3, 11) else "tomli",),
}
"""Each extra and the modules that its commands cannot do without."""

_PACKAGE = Path(__file__).resolve().parent


def missing(extra: str) -> list[str]:
    """List the modules of an extra that are not installed."""
    return [module for module in EXTRAS[extra] if find_spec(module) is None]


def install_command(extra: str) -> str:
    """Write the command that adds an extra to this very installation.

    No index need know the package: what was installed from a folder, a file or a repository is
    installed from there once more.
    """
    return f"python -m pip install {_requirement(extra)}"


def _requirement(extra: str) -> str:
    named = f"classicselfie[{extra}]"
    origin = _origin()
    if origin is None:  # an index has it, or nothing tells where it came from
        return shlex.quote(named)
    if "url" not in origin:  # nobody has installed it
        return "-e " + _local(_PACKAGE.parent, extra)
    url = origin["url"]
    if url.startswith("file:"):
        from urllib.request import url2pathname

        path = Path(url2pathname(url.removeprefix("file:").removeprefix("//")))
        if not path.exists():  # cleared away; pip reads what the installed package needs
            return shlex.quote(named)
        editable = "-e " if origin.get("dir_info", {}).get("editable") else ""
        return editable + _local(path, extra)
    if version_control := origin.get("vcs_info"):
        url = f"{version_control['vcs']}+{url}@{version_control['commit_id']}"
    return shlex.quote(f"{named} @ {url}")


def _local(path: Path, extra: str) -> str:
    is_here = path.is_dir() and path.samefile(os.curdir)  # which may be gone, and has no name then
    return shlex.quote(f"{'.' if is_here else path}[{extra}]")


def _origin() -> dict[str, Any] | None:
    """Tell where this installation came from, as pip wrote it down; {} for a bare checkout."""
    from importlib.metadata import PackageNotFoundError, distribution

    is_checkout = (_PACKAGE.parent / "setup.cfg").is_file()
    try:
        told = distribution("classicselfie")
    except PackageNotFoundError:
        return {} if is_checkout else None
    origin: dict[str, Any] | None = json.loads(told.read_text("direct_url.json") or "null")
    if not is_checkout or (origin and origin["url"] == _PACKAGE.parent.as_uri()):
        return origin
    return {}  # the checkout stands before an installation on the path
