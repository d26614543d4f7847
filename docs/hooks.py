"""What turns the repository's documents into a website, for MkDocs.

Documents that stand outside this folder become pages. Links are written for whoever reads the
repository; here they lead to the pages, and those to other files lead to copies of the files.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
# Pages that stand elsewhere in the repository, by their place on the website.
PAGES = {
    "index.md": "README.md",
    "models/yunet.md": "models/yunet.md",
    "models/haar.md": "models/haar.md",
    "models/DATA.md": "models/DATA.md",
    "bench/README.md": "bench/README.md",
    "CONTRIBUTING.md": "CONTRIBUTING.md",
    "CHANGELOG.md": "CHANGELOG.md",
}
PLACES = {source: page for page, source in PAGES.items()}
ICON = "classicselfie/serve/static/icon.svg"
LINK = re.compile(r"(?P<text>!?\[(?:[^\[\]]|\[[^\[\]]*\]\([^()]*\))*\])\((?P<target>[^()\s]+)\)")
# Code is no link.
CODE = re.compile(r"^(`{3,}).*?^\1$", re.DOTALL | re.MULTILINE)


def on_config(config: Any) -> Any:
    """List the pages of the commands, of which the navigation names only the folder."""
    for entry in config.nav:
        for title, content in entry.items():
            if content == "commands/":
                names = sorted(page.stem for page in (ROOT / "docs" / "commands").glob("*.md"))
                entry[title] = [{name: f"commands/{name}.md"} for name in names]
    return config


def on_files(files: Files, config: Any) -> Files:
    """Add the pages and files that stand elsewhere."""
    for page, source in PAGES.items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / source)))
    files.append(File.generated(config, "pictures/icon.svg", abs_src_path=str(ROOT / ICON)))
    for source in {link for file in files.documentation_pages() for link in linked_files(file)}:
        files.append(File.generated(config, source, abs_src_path=str(ROOT / source)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Turn the links of a page from the repository's places to the website's."""
    here = posixpath.dirname(page.file.src_uri)

    def turned(link: re.Match[str]) -> str:
        source = repository_path(page.file.src_uri, link["target"])
        if source is None:
            return link[0]
        if (ROOT / source).is_dir():
            return link["text"].strip("![]")  # a folder has no page
        place = PLACES.get(source) or source.removeprefix("docs/")
        anchor = "".join(link["target"].partition("#")[1:])
        return f"{link['text']}({posixpath.relpath(place, here or '.')}{anchor})"

    return outside_code(markdown, turned)


def linked_files(file: File) -> set[str]:
    """Find what a page links to that is neither a page nor in this folder."""
    found = set()

    def note(link: re.Match[str]) -> str:
        source = repository_path(file.src_uri, link["target"])
        if (
            source
            and source not in PLACES
            and not source.startswith("docs/")
            and (ROOT / source).is_file()
        ):
            found.add(source)
        return link[0]

    outside_code(file.content_string, note)
    return found


def repository_path(page: str, target: str) -> str | None:
    """Tell which file of the repository a page's link means; None where it leads elsewhere."""
    path = target.partition("#")[0]
    if not path or re.match(r"[a-z]+:", path):
        return None
    source = PAGES.get(page, f"docs/{page}")
    return posixpath.normpath(posixpath.join(posixpath.dirname(source), path))


def outside_code(markdown: str, turned: Any) -> str:
    """Replace links, but not in code."""
    parts, end = [], 0
    for code in CODE.finditer(markdown):
        parts += [LINK.sub(turned, markdown[end : code.start()]), code[0]]
        end = code.end()
    return "".join([*parts, LINK.sub(turned, markdown[end:])])
