"""What the pages show: the README, that of the configuration, and everything in docs/.

PAGES            the pages
Block            a fenced block of a page
blocks           those of some languages
commands         the commands of a page, fenced and in the running text
world            a folder in which the pages' examples can work
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from deeplocalizer.configuration import load_schema
from tests.test_config_readme import BASE

ROOT = Path(__file__).parents[2]
SCHEMA = load_schema(ROOT / "workflow/schemas/config.schema.yaml")
PAGES = [ROOT / "README.md", ROOT / "config/README.md", *sorted((ROOT / "docs").glob("*.md"))]
SHELLS = ("console", "sh", "bash")
FENCE = re.compile(r"^```([^\n`]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
COMMAND = re.compile(
    r"`((?:[A-Z_]+=\S+ )*(?:make|snakemake|\.ci/\w+|(?:\.venv/bin/)?python3?[\d.]* -m|\.venv/bin/)[^`]*)`"
)


@dataclass(frozen=True)
class Block:
    """A fenced block, with its page, its language and its number on the page."""

    page: Path
    language: str
    number: int
    text: str

    @property
    def file(self) -> str:
        """The file that a comment in the first line says it is."""
        found = re.match(r"# ([\w./-]+\.(?:py|yaml))\n", self.text)
        return found[1] if found else ""

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}-{self.language}-{self.number}"


def fenced(page: Path) -> list[Block]:
    """Give the fenced blocks of a page."""
    found = FENCE.findall(page.read_text(encoding="utf-8"))
    return [
        Block(page, language.split()[0] if language.split() else "", number, text)
        for number, (language, text) in enumerate(found)
    ]


def blocks(*languages: str) -> list[Block]:
    """Give the blocks of some languages, of all pages."""
    return [block for page in PAGES for block in fenced(page) if block.language in languages]


def commands(page: Path) -> list[str]:
    """Give the commands of a page, line by line, without what is said of them behind a #."""
    texts = [block.text.replace("\\\n", "") for block in fenced(page) if block.language in SHELLS]
    shown = [line for text in texts for line in text.splitlines()]
    prose = COMMAND.findall(FENCE.sub("", page.read_text(encoding="utf-8")))
    parts = [shlex.split(line, comments=True) for lines in [*shown, *prose] for line in lines.split(" && ")]
    return [shlex.join(words) for words in parts if words]


def study(page: Path) -> dict[str, Any]:
    """Give the first study of a page; that of one's own model and stimuli where a page has none."""
    shown = [yaml.safe_load(block.text) for block in fenced(page) if block.language == "yaml"]
    return next((one for one in shown if "study" in one), None) or study(ROOT / "docs/own-study.md")


def whole(page: Path) -> dict[str, Any]:
    """Give the study that a page's excerpts are laid over."""
    return BASE if page.parent.name == "config" else study(page)


def world(folder: Path, page: Path) -> Path:
    """Make a folder with the project's configurations and every file that a page shows."""
    (folder / "config").mkdir(parents=True)
    for path in (ROOT / "config").glob("*.yaml"):
        (folder / "config" / path.name).symlink_to(path)
    (folder / "profiles").symlink_to(ROOT / "profiles")
    mine = study(page)
    (folder / "config" / f"{mine['study']}.yaml").write_text(yaml.safe_dump(mine, sort_keys=False))
    for block in fenced(page):
        if block.file:
            (folder / block.file).parent.mkdir(parents=True, exist_ok=True)
            (folder / block.file).write_text(block.text)
    return folder
