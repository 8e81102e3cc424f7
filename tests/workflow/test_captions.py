"""The captions of Snakemake's own report are well-formed, whatever the study."""

from pathlib import Path
from types import SimpleNamespace

import docutils.core
import jinja2
import pytest
import yaml

from deeplocalizer.configuration import load_schema, resolve

ROOT = Path(__file__).parents[2]
SCHEMA = load_schema(ROOT / "workflow/schemas/config.schema.yaml")
CONFIGS = {
    name: resolve(yaml.safe_load((ROOT / f"config/{name}.yaml").read_text()), SCHEMA) for name in ("demo", "config")
}


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
@pytest.mark.parametrize("caption", sorted((ROOT / "workflow/report").glob("*.rst")), ids=lambda path: path.stem)
def test_a_caption_is_read_without_complaint(caption, config):
    model = next(iter(config["models"]))
    known = SimpleNamespace(
        config=config,
        wildcards=SimpleNamespace(model=model, study=config["study"], table=f"tbl-masks-{model}"),
        params=SimpleNamespace(
            categories=config["stimuli"]["categories"], identifiable=False, alpha=0.05, contrasts=config["contrasts"]
        ),
    )
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined)
    text = environment.from_string(caption.read_text()).render(snakemake=known)
    page = docutils.core.publish_string(text, writer="html5", settings_overrides={"report_level": 1, "halt_level": 5})
    assert b'class="system-message' not in page
    assert len(text.split()) > 5
