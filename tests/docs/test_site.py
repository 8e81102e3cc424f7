"""The site is built without a warning, in time, and asks nothing of any other."""

import re
import resource
import subprocess
import sys

import pytest

from tests.docs.pages import PAGES, ROOT
from tests.test_floors import FLOORS

REMOTE = re.compile(
    r"""<(?:script|img|iframe|source)\b[^>]*\bsrc=["']?(?:https?:)?//|<link\b[^>]*\bhref=["']?(?:https?:)?//"""
    r"""|@import\s+(?:url\()?["']?(?:https?:)?//|url\(["']?(?:https?:)?//"""
)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    words = ["-b", "html", "-W", "--keep-going", "-q", "-d", folder / "doctrees", ROOT / "docs", folder / "html"]
    ran = subprocess.run([sys.executable, "-m", "sphinx", *words], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime - before.ru_utime < 60  # seconds of one core, however busy the machine is
    return folder / "html"


@pytest.mark.slow
def test_every_page_and_every_room_is_there(site):
    for page in PAGES:
        assert page.parent.name != "docs" or (site / f"{page.stem}.html").is_file()
    for room in (room for floor in FLOORS for room in floor if not room.startswith("_")):
        text = (site / f"rooms/{room}.html").read_text(encoding="utf-8")
        assert f'id="module-deeplocalizer.{room}"' in text
    assert 'id="deeplocalizer.inference.holm"' in (site / "rooms/inference.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_nothing_is_asked_of_another_site(site):
    for path in site.rglob("*"):
        if path.suffix in (".html", ".css"):
            found = REMOTE.search(path.read_text(encoding="utf-8"))
            assert not found, f"{path.relative_to(site)}: {found[0]}"


@pytest.mark.slow
def test_formulas_are_set(site):
    text = (site / "method.html").read_text(encoding="utf-8")
    assert text.count('display="block"') == len(
        re.findall(r"^\$\$", (ROOT / "docs/method.md").read_text(), re.MULTILINE)
    )
    assert "\\frac" not in text and "$$" not in text
