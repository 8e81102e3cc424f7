"""What the page about one's own model and stimuli shows is what happens."""

from __future__ import annotations

import re
import subprocess
import sys

import numpy as np
import pytest
import yaml
from PIL import Image

from deeplocalizer.configuration import ConfigurationError, resolve
from deeplocalizer.estimate.__main__ import main as estimate
from tests.docs.pages import ROOT, SCHEMA, fenced, study, world

PAGE = ROOT / "docs/own-study.md"


def test_the_mistakes_are_told_as_they_are_shown():
    (shown,) = [block.text for block in fenced(PAGE) if block.language == "text"]
    text = yaml.safe_dump(study(PAGE)).replace("fraction: 0.01", "fracton: 0.01")
    mistaken = yaml.safe_load(text)
    mistaken["contrasts"]["faces"]["preferred"] = ["face"]
    with pytest.raises(ConfigurationError) as told:
        resolve(mistaken, SCHEMA)
    assert str(told.value) == shown.strip()


@pytest.mark.slow
def test_the_network_and_the_images_of_the_page_give_a_report(tmp_path, monkeypatch, capsys):
    """The study of the page, with its own network, untrained, in the place of one that must be fetched."""
    folder = world(tmp_path / "world", PAGE)
    rng = np.random.default_rng(0)
    for kind, colour in (("faces", 0), ("houses", 1)):
        (folder / "images" / kind).mkdir(parents=True)
        for number in range(40):
            pixels = rng.integers(0, 150, (40, 40, 3), dtype=np.uint8)
            pixels[..., colour] += 90
            Image.fromarray(pixels).save(folder / f"images/{kind}/{number}.png")
    (excerpt,) = [block.text for block in fenced(PAGE) if "untrained: untrained" in block.text]
    mine = study(PAGE) | {"models": {"untrained": yaml.safe_load(excerpt)["models"]["untrained"]}}
    (folder / "config/mine.yaml").write_text(yaml.safe_dump(mine))
    monkeypatch.chdir(folder)
    estimate([str(ROOT / "workflow/schemas/config.schema.yaml"), "config/mine.yaml"])
    assert "The study mine: 80 stimuli (faces 40, houses 40)" in capsys.readouterr().out
    words = ["--snakefile", str(ROOT / "Snakefile"), "--configfile", "config/mine.yaml", "--cores", "2"]
    ran = subprocess.run([sys.executable, "-m", "snakemake", *words], check=False, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    page = (folder / "results/mine/report.html").read_text(encoding="utf-8")
    assert re.search(r"<h\d[^>]*>.*What silencing them does", page)
