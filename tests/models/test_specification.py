"""A specification comes back as it was, and what is not one is named."""

import subprocess
import sys

import pytest

from deeplocalizer.models import catalogue, specification
from deeplocalizer.models.specification import Specification, parse, read, read_labels, unique, write

MADE = Specification("timm", "resnet18", "a" * 40, {"x": [1, 2]}, ("é", "b"), {"mean": [0.5], "size": [8, 9]})


def test_it_comes_back_as_it_was(tmp_path):
    write(MADE, tmp_path / "deep" / "model.json")
    assert read(tmp_path / "deep" / "model.json") == MADE
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["model.json"]
    assert MADE.input_shape == (1, 8, 9)
    assert MADE.architecture == "timm:resnet18"
    assert catalogue.describe("small_cnn", ["a"]).architecture == "small_cnn"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text[:40], "not readable as JSON"),
        (lambda text: text.replace('"format": 1', '"format": 9'), "expected format 1"),
        (lambda text: text.replace('"labels"', '"lables"'), "lacks labels"),
        (lambda text: "[]", "not the description of a model"),
    ],
)
def test_what_is_none_is_named(tmp_path, change, words):
    path = tmp_path / "model.json"
    path.write_text(change(MADE.to_json()))
    with pytest.raises(ValueError, match=f"model.json: .*{words}.*; delete it and run again"):
        read(path)
    with pytest.raises(FileNotFoundError, match="no such file"):
        read(tmp_path / "other.json")


def test_architectures_are_taken_apart():
    assert parse("small_cnn") == (specification.OWN, "small_cnn")
    assert parse("python:a.b:c") == ("python", "a.b:c")
    for wrong in ("keras:x", "timm:"):
        with pytest.raises(ValueError, match=f"{wrong!r}: expected small_cnn, or a name behind one of torchvision:"):
            parse(wrong)


def test_labels(tmp_path):
    assert unique(["crane", "cat", "crane"]) == ("crane [0]", "cat", "crane [2]")
    path = tmp_path / "labels.txt"
    path.write_text("\ufeffcat\n dog \n\n", encoding="utf-8")
    assert read_labels(path) == ("cat", "dog")
    for content, words in (("a\n\nb", "line 2"), ("a\nb\na", "'a' stands on lines 1 and 3"), ("\n", "is empty")):
        path.write_text(content)
        with pytest.raises(ValueError, match=words):
            read_labels(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="no text in UTF-8"):
        read_labels(path)
    with pytest.raises(ValueError, match="there is no file"):
        read_labels(tmp_path / "none.txt")


def test_own_files_are_known(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nets").mkdir()
    (tmp_path / "nets" / "mine.py").touch()
    model = {"architecture": "python:nets.mine:build", "labels": "labels.txt"}
    assert specification.local_files(model) == ["labels.txt", "nets/mine.py"]
    assert specification.local_files({"architecture": "small_cnn"}) == []
    # also what it imports
    (tmp_path / "nets" / "mine.py").write_text("import torch\nfrom helpers import blocks\nfrom . import other")
    (tmp_path / "nets" / "other.py").touch()
    (tmp_path / "helpers.py").write_text("import labels")
    assert specification.local_files(model) == ["helpers.py", "labels.txt", "nets/mine.py", "nets/other.py"]


def test_the_home_folder_may_be_a_tilde(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "labels.txt").write_text("a\nb\n")
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "config.json").touch()
    assert read_labels("~/labels.txt") == ("a", "b")
    found = specification.local_files({"architecture": "timm:~/m", "labels": "~/labels.txt"})
    assert found == [f"{tmp_path}/labels.txt", f"{tmp_path}/m/config.json"]


def test_the_small_network_needs_no_torch_to_see():
    code = (
        "import sys; from deeplocalizer.models import catalogue, pipelines, specification;"
        "pipelines.pipeline(catalogue.describe('small_cnn', ['a']).preprocessing);"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
