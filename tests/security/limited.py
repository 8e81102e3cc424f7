"""Run something hostile in a process of its own, with little memory, and see what it leaves behind.

run              what a piece of Python printed
listing          every file below a folder, with its size and time
"""

import os
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src"
HEAD = """
import resource, sys
from pathlib import Path
{imports}
base = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (base + {memory} * 2**20,) * 2)
resource.setrlimit(resource.RLIMIT_CPU, ({seconds},) * 2)
"""


def run(imports, text, *arguments, memory=700, seconds=60, dies=False):
    """Run ``text`` with so many MiB of memory and seconds of the processor over what its imports take.

    Where a library in C may crash, or never end, on what it is given, ``dies`` says that a signal may end the process.
    """
    script = HEAD.format(imports=imports, memory=memory, seconds=seconds) + text
    environment = {**os.environ, "PYTHONPATH": f"{SOURCE}{os.pathsep}{SOURCE.parent}", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0 or (dies and done.returncode < 0), done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


def listing(folder):
    """Every file below a folder, with its size and time."""
    found = {}
    for path in sorted(Path(folder).rglob("*")):
        state = path.lstat()
        found[str(path)] = (state.st_size if path.is_file() else 0, state.st_mtime_ns if path.is_file() else 0)
    return found
