"""Look at a report in a headless browser."""

import re
import shutil
from pathlib import Path

import pytest

from deeplocalizer.rendering import render
from deeplocalizer.report.loading import VARIABLE

REPORT = Path(__file__).parents[2] / "report"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the path")


def resources():
    """List the files that the page is made with."""
    return sorted(path for path in REPORT.iterdir() if path.suffix in (".css", ".html", ".scss", ".bib"))


def rendered(written, output):
    """Render the report of a study that was written, without Quarto."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shutil, "which", lambda *_: None)
        files = [*resources(), written.figures]
        render(REPORT / "report.qmd", output, {VARIABLE: str(written.description)}, files)
    return output


def single(table, caption="Table 1: Something."):
    """Make a page of one table, with the styles and scripts of the report."""
    style = "".join(path.read_text() for path in resources() if path.suffix == ".css")
    scripts = "".join(path.read_text() for path in resources() if path.suffix == ".html")
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>One table</title>'
        f'<style>{style}</style></head><body><header id="title-block-header"><h1 class="title">One table</h1></header>'
        f'<main class="report"><figure id="tbl-one" class="table"><figcaption id="tbl-one-caption">{caption}'
        '</figcaption><div class="table-scroll" tabindex="0" role="region" aria-labelledby="tbl-one-caption">'
        f"{table}</div></figure></main>{scripts}</body></html>"
    )


def column(page, number, shown=True):
    """Read a column of the first table, the rows that are seen or all."""
    cells = page.locator(f"tbody tr:not(.group){':not([hidden])' if shown else ''} td:nth-child({number + 1})")
    return [re.sub(r"\s", " ", text) for text in cells.all_text_contents()]


def findings(page):
    """Give what axe-core finds that is serious or critical."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return {
        f"{one['id']}: {node['html'][:160]} {node['failureSummary'][:300]}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    }
