"""What the README shows works as it stands there."""

import re
from pathlib import Path

import pytest
import yaml

from deeplocalizer.configuration import load_schema, resolve

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / page for page in ("README.md", "config/README.md", "docs/recording.md", "docs/analysis.md")]


def blocks(language, pages=PAGES):
    return [
        pytest.param(text, id=f"{page.relative_to(ROOT)}-{index}")
        for page in pages
        for index, text in enumerate(re.findall(rf"```{language}\n(.*?)```", page.read_text(), re.DOTALL))
    ]


@pytest.mark.parametrize("code", blocks("python"))
def test_every_python_block_runs(code):
    exec(compile(code, "README", "exec"), {})


# those of the configuration's own page have a test of their own: not all are whole studies
@pytest.mark.parametrize("text", blocks("yaml", [page for page in PAGES if page.parent.name != "config"]))
def test_every_configuration_is_valid(text):
    resolve(yaml.safe_load(text), load_schema(ROOT / "workflow" / "schemas" / "config.schema.yaml"))


def test_every_local_link_leads_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_make_target_is_there():
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"\bmake (\w+)", (ROOT / "README.md").read_text())):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
