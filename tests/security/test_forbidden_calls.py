"""No code of the project unpickles, evaluates text, runs a shell or unpacks an archive as it says itself.

Every call is looked at, wherever it stands in the source, the workflow and the report. What is allowed says why.
"""

import ast
import io
import keyword
import re
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = {
    "cPickle", "cloudpickle", "commands", "dill", "jsonpickle", "joblib", "marshal", "pickle", "pickletools", "pty",
    "runpy", "shelve", "telnetlib", "xmlrpc",
}  # fmt: skip
# by the end of their dotted name; what must be said beside a call makes it allowed
CALLS = {
    "eval": None,
    "exec": None,
    "compile": None,
    "__import__": None,
    "os.system": None,
    "os.popen": None,
    "getoutput": None,
    "getstatusoutput": None,
    "create_subprocess_shell": None,
    "torch.load": ("weights_only", True),
    "hub.load": None,
    "load_state_dict_from_url": ("weights_only", True),
    "jit.load": None,
    "np.load": ("allow_pickle", False),
    "numpy.load": ("allow_pickle", False),
    "np.fromregex": None,
    "yaml.load": None,
    "yaml.load_all": None,
    "yaml.unsafe_load": None,
    "yaml.full_load": None,
    "Unpickler": None,
    "read_pickle": None,
    "to_pickle": None,
    "extractall": None,
    "unpack_archive": None,
    "tarfile.open": None,
    "read_hdf": None,
    "mktemp": None,
    "py_run": None,
    "set_start_method": None,
}
SAYS = {"shell": True, "trust_remote_code": True, "allow_pickle": True, "weights_only": False, "verify_ssl": False}
METHODS = {"eval", "compile"}  # of networks and patterns, not of Python
# where each is right, and why
ALLOWED = {
    ("src/deeplocalizer/configuration/schema.py", "yaml.load"): "a safe loader, of LibYAML where that is there",
    ("src/deeplocalizer/models/checkpoint.py", "pickle"): "the name of the error that weights_only raises",
}


def sources():
    for folder in ("src", "workflow", "report", "docs"):
        yield from (path for path in (ROOT / folder).rglob("*") if path.suffix in (".py", ".smk", ".qmd"))
    yield ROOT / "Snakefile"


def code(path):
    """The Python in a file: all of a module, the cells and inline code of a document, what stands in rules."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return [text]
    if path.suffix == ".qmd":
        inline = re.findall(r"(?<!`)`\{python\}\s+([^`]+?)\s*`", text)
        return [*re.findall(r"^```\{python\}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL), *inline]
    return [_calls_in_rules(text)]


def _calls_in_rules(text):
    """Give the imports and calls in rules, which are no Python, as Python: one a line, calls with their arguments."""
    lines = [
        line.strip().replace("import (", "import *")
        for line in text.split("\n")
        if re.match(r"\s*(import|from) ", line)
    ]
    tokens = [one for one in tokenize.generate_tokens(io.StringIO(text).readline) if one.type != tokenize.NL]
    for place, one in enumerate(tokens[:-1]):
        if one.type == tokenize.NAME and tokens[place + 1].string == "(":
            start = place
            while start >= 2 and tokens[start - 1].string == "." and tokens[start - 2].type == tokenize.NAME:
                start -= 2
            lines.append("".join(each.string for each in tokens[start : place + 1]) + "()")
    return "\n".join(line for line in lines if not keyword.iskeyword(line.removesuffix("()")))


def dotted(node):
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def forbidden(text):
    """What a piece of Python must not hold, each with its line."""
    found = []
    for node in ast.walk(ast.parse(text)):
        line = getattr(node, "lineno", 0)
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            found += [(line, name.split(".")[0]) for name in names if name.split(".")[0] in MODULES]
            if isinstance(node, ast.ImportFrom):
                whole = [f"{node.module}.{alias.name}" for alias in node.names]
                found += [(line, name) for name in whole if any(_is(name, call) for call in CALLS if "." in call)]
        if isinstance(node, ast.Call):
            name = dotted(node.func) or getattr(node.func, "attr", "")
            given = {one.arg: one.value.value if isinstance(one.value, ast.Constant) else "?" for one in node.keywords}
            found += [
                (line, f"{key}={value}") for key, value in SAYS.items() if given.get(key, not value) in (value, "?")
            ]
            found += [
                (line, name) for call, needs in CALLS.items() if _is(name, call) and not _excused(name, needs, given)
            ]
    return found


def _is(name, call):
    return name == call or name.endswith(f".{call}")


def _excused(name, needs, given):
    if needs is not None:
        return given.get(needs[0]) is needs[1]
    return name.rpartition(".")[2] in METHODS and "." in name and not name.startswith("builtins")


def test_there_are_files_to_look_at():
    names = {path.relative_to(ROOT).as_posix() for path in sources()}
    assert len(names) > 200
    assert {"Snakefile", "report/report.qmd", "workflow/rules/common.smk", "workflow/scripts/draw.py"} <= names


def test_nothing_forbidden_is_called():
    found, used = [], set()
    for path in sources():
        name = path.relative_to(ROOT).as_posix()
        for piece in code(path):
            for line, what in forbidden(piece):
                used.add((name, what))
                if (name, what) not in ALLOWED:
                    found.append(f"{name}, line {line}: {what}")
    assert not found, "\n".join(found)
    assert used == set(ALLOWED)  # an exception that is needed no more goes


def test_no_rule_has_a_shell_command():
    for path in [ROOT / "Snakefile", *(ROOT / "workflow" / "rules").glob("*.smk")]:
        assert not re.search(r"^\s+(shell|run|wrapper|notebook|cwl):", path.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize(
    "text",
    [
        "import pickle",
        "from joblib import load",
        "import torch\ntorch.load(path)",
        "torch.load(path, weights_only=False)",
        "torch.load(path, weights_only=flag)",
        "from torch import load\nfrom yaml import load",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "yaml.load(text, Loader=yaml.FullLoader)",
        "eval(text)",
        "builtins.exec(text)",
        "subprocess.run(command, shell=True)",
        "subprocess.run(command, shell=wanted)",
        "os.system(command)",
        "archive.extractall(folder)",
        "zipfile.ZipFile(path).extractall()",
        "shutil.unpack_archive(path)",
        "AutoModel.from_pretrained(name, trust_remote_code=True)",
        "AutoModel.from_pretrained(name, trust_remote_code=settings.trust)",
        "pd.read_pickle(path)",
        "hub.load(repository, name)",
        "load_state_dict_from_url(url)",
        "__import__(name)",
    ],
)
def test_each_would_be_found(text):
    assert forbidden(text)


@pytest.mark.parametrize(
    "text",
    [
        "module.eval()",
        "re.compile(text)",
        "torch.load(path, weights_only=True)",
        "np.load(path, allow_pickle=False)",
        "yaml.safe_load(text)",
        "subprocess.run(command)",
        "AutoModel.from_pretrained(name, trust_remote_code=False)",
    ],
)
def test_what_is_harmless_is_not(text):
    assert not forbidden(text)


def test_rules_are_looked_into():
    assert forbidden(_calls_in_rules("rule a:\n    input:\n        eval('x'),\n    params:\n        y=1,\n"))
    assert forbidden(_calls_in_rules("rule a:\n    params:\n        x=lambda w: os.system('x')\n"))
    assert forbidden(_calls_in_rules("import pickle\n\n\nrule a:\n    input: []\n"))
