"""Writes down what the project's code imports in this interpreter, and from where; Python runs this at its start.

It is the `sitecustomize` of the interpreter in the channel, asleep unless two variables are set: WITNESS_OF, the folder
of the code to watch, and WITNESS_IN, where every process that runs such code leaves a file of JSON lines. The first
says who it is; the last, which one that is killed does not write, what was loaded; all others which file was the first
to import a package that does not come with Python.
"""

import atexit
import builtins
import json
import os
import sys
import uuid

_import = builtins.__import__
_seen = set()


def _write(line):
    with open(_FILE, "a") as file:
        print(json.dumps(line), file=file)


def _origin(name):
    module = sys.modules.get(name)
    return getattr(module, "__file__", None) or next(iter(getattr(module, "__path__", [])), None)


def _watch(name, globals=None, locals=None, fromlist=(), level=0):
    module = _import(name, globals, locals, fromlist, level)
    top = name.partition(".")[0]
    if level == 0 and globals and top not in _seen and top not in sys.stdlib_module_names:
        importer = globals.get("__file__") or globals.get("__name__")
        # the cells of a document have no file
        if importer == "__main__" or str(importer).startswith(_OF):
            if not _seen:
                _write({"prefix": sys.prefix, "arguments": sys.orig_argv})
            _seen.add(top)
            _write({"package": top, "from": _origin(top), "by": importer})
    return module


def _end():
    if _seen:
        job = getattr(sys.modules["__main__"], "snakemake", None)
        loaded = {name: _origin(name) for name in list(sys.modules) if "." not in name}
        _write({"rule": getattr(job, "rule", None), "path": sys.path, "loaded": loaded})


if "WITNESS_IN" in os.environ:
    _OF = os.environ["WITNESS_OF"] + os.sep
    _FILE = os.path.join(os.environ["WITNESS_IN"], f"{uuid.uuid4()}.jsonl")
    builtins.__import__ = _watch
    atexit.register(_end)
