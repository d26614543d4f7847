"""The documents say what the package does: what scripts wrote is current, the website builds."""

from __future__ import annotations

import re
import subprocess
import sys
from configparser import ConfigParser
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest
from commands import call

from classicselfie import SelfieDetector

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "bench"))

import command_pages
import draw_samples
import readme_figures

COMMANDS = command_pages.parsers()
OPTION = re.compile(r"(?<![\w-])--?[a-zA-Z0-9][\w-]*")


def test_the_figures_and_verdicts_shown_are_those_of_the_bundled_weights() -> None:
    """The README's command is run; its percentages are those that a reader will see."""
    for path, text in readme_figures.documents().items():
        assert path.read_text(encoding="utf-8") == text, "run: python bench/readme_figures.py"


def test_the_samples_get_clear_answers(detector: SelfieDetector) -> None:
    selfie, other = (
        detector.check(ROOT / "docs" / "pictures" / f"drawn_{name}.jpg")
        for name in ("friends", "across_the_room")
    )
    assert (selfie.label, selfie.confidence) == ("selfie", "clear")
    assert (other.label, other.confidence) == ("not_selfie", "clear")
    assert other.probability is not None
    assert other.probability < 0.2


def test_the_samples_are_drawn_by_their_script(tmp_path: Path) -> None:
    draw_samples.main(tmp_path)
    drawn = sorted(tmp_path.iterdir())
    assert len(drawn) == 2
    for path in drawn:
        new, kept = (
            cv2.imread(str(folder / path.name)).astype(np.float32)
            for folder in (tmp_path, ROOT / "docs" / "pictures")
        )
        assert float(np.abs(new - kept).mean()) < 2.0  # encoders differ a little


def test_the_pages_of_the_commands_are_written_from_their_parsers() -> None:
    written = command_pages.documents()
    assert set(written) == set((ROOT / "docs" / "commands").iterdir())
    for path, text in written.items():
        assert path.read_text(encoding="utf-8") == text, "run: python bench/command_pages.py"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_and_exit_code_of_the_help_is_documented(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "500")
    monkeypatch.setenv("NO_COLOR", "1")
    page = (ROOT / "docs" / "commands" / f"{command}.md").read_text(encoding="utf-8")
    told = call(command, "--help").stdout
    options = OPTION.findall(told)
    assert "--help" in options
    assert set(options) <= set(OPTION.findall(page))
    codes = told[told.index("exit codes") :].splitlines() if "exit codes" in told else []
    assert all(line.strip() in page for line in codes)


def test_what_all_commands_share_is_documented(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "500")
    monkeypatch.setenv("NO_COLOR", "1")
    page = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    told = call("--help").stdout
    assert set(OPTION.findall(told)) <= set(OPTION.findall(page))
    for code, meaning in re.findall(r"^  (\d+)  +(.+)$", told, re.MULTILINE):
        assert re.search(rf"^  {code} +{re.escape(meaning)}$", page, re.MULTILINE)
    for command in COMMANDS:
        assert re.search(rf"^    {command}\s", told, re.MULTILINE), f"{command} is not in the help"


def test_the_extras_are_those_of_the_package() -> None:
    settings = ConfigParser()
    settings.read(ROOT / "setup.cfg", encoding="utf-8")
    page = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
    table = page[page.index("| extra |") :]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == set(
        settings["options.extras_require"]
    )


# --- the website ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The website, built so strictly that a broken link or anchor ends it."""
    pytest.importorskip("mkdocs", reason="the extra docs is not installed")
    folder = tmp_path_factory.mktemp("site")
    run = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return folder


class _Page(HTMLParser):
    """What a page loads, and where its links lead."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loaded: set[str] = set()
        self.links: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        self.loaded |= {named[name] for name in ("src", "data-src", "poster") if name in named}
        if tag == "link":
            self.loaded.add(named.get("href", ""))
        elif tag == "a":
            self.links.add(named.get("href", ""))


def test_the_website_has_every_document_and_command(site: Path) -> None:
    pages = {str(path.relative_to(site).with_suffix("")) for path in site.rglob("*.html")}
    documents = {path.stem for path in (ROOT / "docs").glob("*.md")}
    assert pages >= {"index", "CHANGELOG", "bench/index", "models/yunet", "models/haar"}
    assert pages >= documents
    assert pages >= {f"commands/{name}" for name in COMMANDS}
    linked = {link.partition("#")[0] for link in _Page((site / "index.html").read_text()).links}
    assert linked >= {f"commands/{name}.html" for name in COMMANDS}


def test_reading_the_website_needs_no_network(site: Path) -> None:
    for path in site.rglob("*.html"):
        page = _Page(path.read_text(encoding="utf-8"))
        assert not [url for url in page.loaded if re.match(r"(https?:)?//", url)], path
    for path in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?(https?:)?//", path.read_text(encoding="utf-8")), path


def test_the_reference_shows_the_signatures_and_docstrings(site: Path) -> None:
    text = (site / "reference.html").read_text(encoding="utf-8")
    page = _Page(text)
    for name in ("SelfieDetector", "Verdict", "MissingExtraError"):
        assert f'id="classicselfie.{name}"' in text
    assert 'id="classicselfie.SelfieDetector.check_many"' in text
    assert "max_pixels" in text
    assert not any(link.startswith("http") for link in page.links)
