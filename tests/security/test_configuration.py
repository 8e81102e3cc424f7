"""A configuration runs no code but that of its own `python:` models, and whatever is wrong with it is named."""

import copy
import random
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deeplocalizer.configuration import ConfigurationError, checking, load_schema, read, refuse_repeated, resolve
from tests.security import mutants

ROOT = Path(__file__).parents[2]
SCHEMA = load_schema(ROOT / "workflow" / "schemas" / "config.schema.yaml")
DEMO = yaml.safe_load((ROOT / "config" / "demo.yaml").read_text(encoding="utf-8"))
FUZZ = settings(deadline=None, derandomize=True, max_examples=150, suppress_health_check=list(HealthCheck))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.sampled_from(mutants.WORDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6) | st.integers(), inner, max_size=3),
    max_leaves=15,
)


def named(value):
    """Resolve, and give the mistakes; none if there are none."""
    before = copy.deepcopy(value)
    try:
        found = resolve(value, SCHEMA)
        assert repr(resolve(found, SCHEMA)) == repr(found)
        problems = ()
    except ConfigurationError as error:
        problems = error.problems
        assert problems
    assert repr(value) == repr(before)
    assert all(": " in problem for problem in problems)
    return problems


@FUZZ
@given(st.dictionaries(st.sampled_from(sorted(SCHEMA["properties"])), VALUES) | VALUES)
def test_anything_is_a_configuration_or_named(value):
    assert named(value)


@pytest.mark.parametrize("study", ["demo", "config", "legacy"])
def test_a_configuration_with_some_values_changed_is_resolved_or_named(study):
    valid = yaml.safe_load((ROOT / "config" / f"{study}.yaml").read_text(encoding="utf-8"))
    made = mutants.Mutants(SCHEMA, [valid], random.Random(0))
    outcomes = [bool(named(made.draw())) for _ in range(120)]
    assert 0 < sum(outcomes) < len(outcomes)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('study: !!python/object/apply:os.system ["touch owned"]', "line 1: the tag 'tag:yaml.org,2002:python/object"),
        ("study: !!python/name:os.system", "line 1: the tag"),
        ("study: !include /etc/passwd", "line 1: the tag '!include'"),
        ("study: x\n__use_yte__: true\n__definitions__:\n  - import os", "line 2: the key '__use_yte__' makes"),
        ("a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n" * 1 + "d: &d " + "[" + "*c, " * 50 + "]\n"
         + "e: &e [" + "*d, " * 50 + "]\nf: &f [" + "*e, " * 50 + "]\n", "it holds more than 200,000 values"),
        ("a: [" + "1," * 200_001 + "]", "line 1: it holds more than 200,000 values"),
        ("a: &a\n  b: *a\n", "a value holds itself"),
        ("a: &a [*a]\n", "a value holds itself"),
        ("[" * 100 + "]" * 100, "nested in more than 40 levels"),
        ("[" * 100_000, "nested too deeply"),
        ("a: 1\na: 2\n", "line 2: the key 'a' stands in line 1 already"),
        ("? [1, 2]\n: x\n", "line 1: a key is a list or a mapping"),
        ("a: [1\nb: 2", "line 2: it cannot be read as YAML"),
        ("a: \0", "it cannot be read as YAML"),
        ("a: 2020-99-99", "it cannot be read as YAML"),
        ("a: !!int ''", "it cannot be read as YAML"),
        ("a: !!timestamp x", "it cannot be read as YAML"),
        ("a: !!binary x", "it cannot be read as YAML"),
    ],
)  # fmt: skip
def test_a_file_that_is_more_than_plain_values_is_refused(tmp_path, monkeypatch, text, words):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "study.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"study\.yaml") as caught:
        read(path)
    assert words in str(caught.value)
    assert [one.name for one in tmp_path.iterdir()] == ["study.yaml"]


@pytest.mark.parametrize("content", [b"\xff\xfea", b"a: \xff", b"a: 1\n" * 2_000_000, None])
def test_a_file_that_cannot_be_read_is_named(tmp_path, content):
    if content is not None:
        (tmp_path / "study.yaml").write_bytes(content)
    with pytest.raises(ConfigurationError, match="study.yaml"):
        refuse_repeated(tmp_path / "study.yaml")


@pytest.mark.parametrize("study", ["demo", "config", "legacy"])
def test_what_is_read_is_what_yaml_reads(study, tmp_path):
    path = ROOT / "config" / f"{study}.yaml"
    assert read(path) == yaml.safe_load(path.read_text(encoding="utf-8"))
    (tmp_path / "bom.yaml").write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read(tmp_path / "bom.yaml") == read(path)
    (tmp_path / "tabs.json").write_text('{\n\t"a": [1, "x"]\n}')
    assert read(tmp_path / "tabs.json") == {"a": [1, "x"]}


@FUZZ
@given(st.text(max_size=60) | st.lists(st.sampled_from(mutants.PIECES), max_size=25).map("".join))
def test_any_text_is_read_or_named(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        problems = named(read(path))
    except ConfigurationError as error:
        problems = error.problems
    assert problems


def test_what_a_configuration_runs_can_be_asked_without_running_it(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "evil.py").write_text("raise SystemExit('this must never run')")
    config = copy.deepcopy(DEMO)
    for model in config["models"].values():
        model |= {"architecture": "python:evil:network", "weights": "none"}
        del model["training"]
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    schema = str(ROOT / "workflow" / "schemas" / "config.schema.yaml")
    checking.main([schema, "study.yaml"])
    assert "RUNS THE CODE OF python:evil:network" in capsys.readouterr().out
    (tmp_path / "study.yaml").write_text(
        "__use_yte__: true\n__definitions__: [raise SystemExit(0)]\n", encoding="utf-8"
    )
    with pytest.raises(SystemExit, match="line 1: the key '__use_yte__'"):
        checking.main([schema, "study.yaml"])


def test_a_value_that_holds_itself_is_named():
    circle: dict = {}
    circle["stimuli"] = circle
    with pytest.raises(ConfigurationError, match=r"stimuli\.stimuli\.stimuli: it is nested too deeply"):
        resolve(circle, SCHEMA)


NAMES = [
    "../x",
    "/etc",
    "a/b",
    "..",
    ".",
    "",
    "x" * 65,
    "x\0",
    "é",
    "a b",
    "a;b",
    "$(x)",
    "`x`",
    "'",
    "{x}",
    "*",
    "~",
    "CON:",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("section", ["study", "models", "categories", "localizers", "contrasts"])
def test_names_become_folders_and_cannot_lead_out(name, section):
    config = copy.deepcopy(DEMO)
    if section == "study":
        config["study"] = name
    else:
        part = config["stimuli"]["categories"] if section == "categories" else config[section]
        part[name] = copy.deepcopy(next(iter(part.values())))
    assert any("name" in problem for problem in named(config))


@pytest.mark.parametrize(
    "given", ["os:system", "python:os", "python::f", "python:os:system;x", "../x", "small_cnn:os", "torchvision:../x"]
)
def test_no_architecture_but_python_names_code(given):
    config = copy.deepcopy(DEMO)
    next(iter(config["models"].values()))["architecture"] = given
    assert any("architecture" in one for one in named(config))
