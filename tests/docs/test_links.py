"""Every local link leads somewhere, and to a heading that is there; every page can be found."""

import re

import pytest

from tests.docs.pages import FENCE, PAGES, ROOT

LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")


def slugs(path):
    """Give the anchors of the headings of a page, as GitHub and MyST make them."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", path.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for target, anchor in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        path = (page.parent / target) if target else page
        assert path.exists(), target
        assert not anchor or anchor in slugs(path), f"{target}#{anchor}"


def test_the_readme_links_every_page_that_is_to_be_read():
    linked = {target for target, _ in LINK.findall((ROOT / "README.md").read_text())}
    pages = {f"docs/{page.name}" for page in PAGES if page.parent == ROOT / "docs"}
    assert pages - linked == {"docs/index.md", "docs/configuration.md"}, "of the site alone"


def test_the_site_has_every_page():
    listed = re.findall(r"^[\w/-]+$", (ROOT / "docs/index.md").read_text(), re.MULTILINE)
    assert {page.stem for page in (ROOT / "docs").glob("*.md")} - {"index"} == set(listed) - {"rooms/index"}


def test_every_section_of_the_report_is_described():
    written = (ROOT / "report/report.qmd").read_text(encoding="utf-8")
    sections = re.findall(r"#+ ([A-Z][^{}#\n]*?) \{#sec-", written)
    assert len(sections) >= 10
    page = (ROOT / "docs/report.md").read_text(encoding="utf-8")
    assert not [section for section in sections if not re.search(rf"^\|[^|]*\b{section}\b", page, re.MULTILINE)]
