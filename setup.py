"""What setup.cfg cannot say: the long description, which is the README with links that work.

Where the package is shown, the README's relative links lead nowhere. They begin with the project's
address, as soon as setup.cfg has one; until then, their text alone is left.
"""

import re
from configparser import ConfigParser
from pathlib import Path

from setuptools import setup

RELATIVE_LINK = re.compile(r"(?P<image>!?)\[(?P<text>[^\[\]]*)\]\((?![a-z]+:)(?P<path>[^()\s]+)\)")


def long_description(readme: str, source: str | None) -> str:
    """Make the README's links absolute; without an address, put their text in their place."""

    def turned(link: re.Match[str]) -> str:
        if source is None:
            return f"*Picture: {link['text']}*" if link["image"] else link["text"]
        return f"{link['image']}[{link['text']}]({source.rstrip('/')}/{link['path']})"

    return RELATIVE_LINK.sub(turned, readme)


def source_address(setup_cfg: str) -> str | None:
    """Read where the files are published, if they are."""
    settings = ConfigParser()
    settings.read_string(setup_cfg)
    urls = settings.get("metadata", "project_urls", fallback="")
    return dict(re.findall(r"^\s*(\w+)\s*=\s*(\S+)", urls, re.MULTILINE)).get("Source")


if __name__ == "__main__":
    folder = Path(__file__).parent
    source = source_address((folder / "setup.cfg").read_text(encoding="utf-8"))
    readme = (folder / "README.md").read_text(encoding="utf-8")
    setup(long_description=long_description(readme, source))
