"""The README of the configuration says what the schema says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from deeplocalizer import configuration
from deeplocalizer.configuration import networks
from deeplocalizer.configuration.__main__ import main
from deeplocalizer.configuration.reference import BEGIN, END, renew
from deeplocalizer.configuration.schema import keys
from deeplocalizer.configuration.spelling import flow, path_text

ROOT = Path(__file__).parents[1]
SCHEMA_FILE = ROOT / "workflow/schemas/config.schema.yaml"
README_FILE = ROOT / "config/README.md"
SCHEMA = configuration.load_schema(SCHEMA_FILE)
README = README_FILE.read_text(encoding="utf-8")
RENEW = "run: python -m deeplocalizer.configuration workflow/schemas/config.schema.yaml config/README.md"


def test_table_is_that_of_the_schema():
    assert renew(README, SCHEMA) == README, RENEW


def test_every_key_has_a_row_with_its_default_and_description():
    rows = {row.split(" | ")[0].removeprefix("| "): row for row in configuration.table(SCHEMA).splitlines()[2:]}
    assert list(rows) == [f"`{path_text(key.path)}`" for key in keys(SCHEMA)]
    for key in keys(SCHEMA):
        row = rows[f"`{path_text(key.path)}`"]
        assert key.schema["description"] in row
        if key.required:
            assert "| required |" in row
        elif "default" in key.schema and "properties" not in key.schema:
            assert f"| `{flow(key.schema['default'])}` |" in row


def test_rows_have_four_cells():
    schema = {"properties": {"x": {"type": "string", "pattern": "a|b", "description": "one | other"}}}
    for row in [*configuration.table(SCHEMA).splitlines(), *configuration.table(schema).splitlines()]:
        assert len(re.findall(r"(?<!\\)\|", row)) == 5


BASE = {
    "study": "base",
    "stimuli": {
        "categories": {
            "faces": {"source": "celeba", "count": 2000},
            "objects": {"source": "coco", "count": 2000},
            "scenes": {"source": "folder", "path": "images/scenes"},
            "animals": {"source": "folder", "path": "images/animals"},
        }
    },
    "models": {"resnet18": {"architecture": "torchvision:resnet18", "layers": ["layer4.*"]}},
    "contrasts": {"faces": {"preferred": ["faces"], "other": ["objects"]}},
    "localizers": {"faces": {"contrast": "faces", "fraction": 0.01}},
}


def test_examples_are_valid():
    texts = re.findall(r"```yaml\n(.*?)```", README, flags=re.DOTALL)
    assert all(len(text.splitlines()) <= 10 for text in texts)
    examples = [yaml.safe_load(text) for text in texts]
    assert sum("study" in example for example in examples) >= 4
    for example in examples:
        # what is no whole study is laid over one
        configuration.resolve(example if "study" in example else BASE | example, SCHEMA)


def test_every_source_and_architecture_is_described():
    described = README.partition(BEGIN)[0]
    for source in SCHEMA["$defs"]["category"]["properties"]["source"]["enum"]:
        assert f"\n| `{source}` | " in described
    for architecture in (*networks.OWN, *(f"{library}:" for library in networks.LIBRARIES)):
        assert f"\n| `{architecture}" in described


def test_files_that_are_linked_exist():
    for link in re.findall(r"\]\((?!https?:)([^)#]+)\)", README):
        assert (README_FILE.parent / link).exists(), link


def test_command_rewrites_only_what_is_between_the_markers(tmp_path):
    copy = tmp_path / "README.md"
    before, _, rest = README.partition(BEGIN)
    after = rest.partition(END)[2]
    copy.write_text(f"{before}{BEGIN}\nold\n{END}{after}", encoding="utf-8")
    main([str(SCHEMA_FILE), str(copy)])
    assert copy.read_text(encoding="utf-8") == README


@pytest.mark.parametrize("text", ["no markers", BEGIN, f"{END}{BEGIN}", f"{BEGIN}{BEGIN}{END}", f"{BEGIN}{END}{END}"])
def test_command_refuses_a_file_without_the_markers(tmp_path, capsys, text):
    file = tmp_path / "README.md"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SystemExit):
        main([str(SCHEMA_FILE), str(file)])
    assert f"needs the lines {BEGIN} and {END}" in capsys.readouterr().err
    assert file.read_text(encoding="utf-8") == text


def test_command_names_a_file_that_is_not_there(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main([str(tmp_path / "none.yaml"), str(README_FILE)])
    assert "none.yaml" in capsys.readouterr().err
