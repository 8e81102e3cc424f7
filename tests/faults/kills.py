"""A study that is killed again and again.

TINY             a study with every kind of job, of a second or few each
Study            run it, kill something of it, run it again
Kill             who was killed, and when
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.workflow.conftest import ROOT, command

TINY = {
    "study": "tiny",
    "seed": 0,
    "stimuli": {
        "categories": {
            "patches": {"source": "photograph_patches", "label": "patch", "count": 60},
            "digits": {"source": "digits", "count": 60},
        },
        "splits": {"train": 0.3, "localize": 0.3, "select": 0.1, "test": 0.3},
    },
    "tasks": {"sorting": ["patch", *map(str, range(10))]},
    "models": {
        "cnn": {
            "architecture": "small_cnn",
            "weights": "trained",
            "layers": ["conv*", "hidden"],
            "training": {"epochs": 2},
        }
    },
    "contrasts": {"digits": {"preferred": ["digits"], "other": ["patches"]}},
    "localizers": {"digits": {"contrast": "digits", "fraction": 0.1, "task": "sorting"}},
    "recording": {"shards": 3},
    "ablation": {"controls": 40, "series_controls": 20, "jobs": 2},
    "inference": {"resamples": 1000},
}
UNFINISHED = re.compile(r"^\..*\.(partial|journal|new|lock)$")
PATIENCE = 1200.0  # seconds; a run that takes longer hangs


@dataclass(frozen=True)
class Kill:
    """Who was killed, and when."""

    victim: str
    moment: str
    after: float

    def __str__(self) -> str:
        return f"{self.victim} at {self.moment} + {self.after:.3f} s"


@dataclass
class Study:
    """A study in a folder, and the kills that it has survived.

    Parameters
    ----------
    folder : Path
    config : dict
    chance : Random
        Draws victims and moments.
    targets : tuple of str
        What is asked for; the report by default.

    Attributes
    ----------
    kills : list of Kill
        Those that hit a living process.
    started : list of Popen
    said : str
        By the run that ended last.
    locked : bool
        Whether a killed Snakemake left its locks.
    met : int
        How often a run began while jobs of a killed one were alive.
    """

    folder: Path
    config: dict
    chance: random.Random
    kills: list[Kill] = field(default_factory=list)
    targets: tuple[str, ...] = ()
    started: list[subprocess.Popen] = field(default_factory=list)
    said: str = ""
    locked: bool = False
    met: int = 0

    def start(self, *arguments: str) -> subprocess.Popen:
        """Start the study in a process group of its own; what it says goes into a file."""
        self._out = self.folder.parent / f"{self.folder.name}.out"
        # a package that is installed from elsewhere would win over the one of this checkout
        environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
        words = [*command(self.folder, self.config), "--cores", "2", *arguments, *self.targets]
        with self._out.open("w") as out:
            started = subprocess.Popen(words, stdout=out, stderr=out, start_new_session=True, env=environment)
        self.started.append(started)
        return started

    def heard(self) -> str:
        """Give what the study that was started last has said until now."""
        return self._out.read_text()

    def run(self, *arguments: str) -> int:
        """Run it to its end."""
        status = self.start(*arguments).wait(PATIENCE)
        self.said = self.heard()
        return status

    def end(self) -> None:
        """Leave no process behind."""
        for snakemake in self.started:
            snakemake.kill()
            snakemake.wait()
        for job in self.jobs():
            _killed(job)

    def unlock(self) -> None:
        """Do what the message of a locked study says."""
        assert self.run() != 0, self
        assert "Error: Directory cannot be locked" in self.said or "LockException" in self.said, self
        assert "--unlock" in self.said, self
        assert self.run("--unlock") == 0, self

    def disturb(self) -> bool:
        """Start the study and kill something of it; say whether something was alive to be killed."""
        if self.locked:
            assert self.run("--unlock") == 0, self
            self.locked = False
        self.met += bool(self.jobs())
        victim = self.chance.choice(["job", "job", "snakemake", "all"])
        names = ["job", "job", "job", "unfinished", "unfinished", "marker", "metadata", "start"]
        moment = self.chance.choice(names if victim != "job" else names[:6])
        number = self.chance.randint(1, 4) if moment != "unfinished" else self.chance.randint(1, 12)
        after = self.chance.random() * {"job": 3.0, "start": 3.0}.get(moment, 0.03)
        snakemake = self.start()
        counted = self._counter(moment)
        with contextlib.suppress(StopIteration):
            for _ in range(number):
                while not next(counted):
                    if snakemake.poll() is not None:
                        raise StopIteration
                    time.sleep(0.002)
            time.sleep(after)
        hit = self._kill(victim, snakemake)
        if hit:
            self.kills.append(Kill(victim, f"{moment} {number}", after))
        status = snakemake.wait(PATIENCE)
        self.said = self.heard()
        if victim != "job" and hit:
            assert status == -9, self
            self.locked = any((self.folder / ".snakemake" / "locks").glob("*"))
        elif hit:
            # a job that is killed while it exits may have done its work
            assert status == 0 or ("SIGKILL" in self.said and "log: logs/tiny/" in self.said), self
        else:
            assert status == 0 or "Error in rule" not in self.said, self
        return hit

    def jobs(self) -> list[psutil.Process]:
        """Give the jobs of this study that are alive, those of a killed Snakemake, too."""
        found = []
        for process in psutil.process_iter(["cmdline", "status"]):
            words = process.info["cmdline"] or []
            mine = any(word.startswith(f"{self.folder}/.snakemake/scripts/") for word in words)
            if mine and process.info["status"] != psutil.STATUS_ZOMBIE:
                found.append(process)
        return found

    def left(self) -> list[str]:
        """List every file of the results, and what is hidden among the logs."""
        results = [path for path in (self.folder / "results").rglob("*") if path.is_file()]
        hidden = [path for path in (self.folder / "logs").rglob(".*") if path.is_file()]
        return sorted(str(path.relative_to(self.folder)) for path in results + hidden)

    @property
    def complete(self) -> bool:
        """Whether what was asked for is there."""
        targets = self.targets or (f"results/{self.config['study']}/report.html",)
        return all((self.folder / target).exists() for target in targets)

    def lose_something(self) -> None:
        """Delete some artefact and what was asked for, so that there is work again."""
        made = sorted((self.folder / "results").rglob("*.nc"))
        self.chance.choice(made).unlink()
        for target in self.targets or (f"results/{self.config['study']}/report.html",):
            (self.folder / target).unlink(missing_ok=True)

    def _kill(self, victim: str, snakemake: subprocess.Popen) -> bool:
        if victim == "snakemake":
            return _killed(psutil.Process(snakemake.pid)) if snakemake.poll() is None else False
        mine = self.jobs()
        if victim == "job":
            return _killed(self.chance.choice(mine)) if mine else False
        if snakemake.poll() is not None:
            return False
        snakemake.kill()
        for process in self.jobs():
            _killed(process)
        return True

    def _counter(self, moment: str) -> Iterator[bool]:
        """Say again and again whether the event was there once more."""
        look: Callable[[], set] = {
            "job": lambda: {process.pid for process in self.jobs()},
            "unfinished": lambda: self._unfinished(),
            "marker": lambda: _listed(self.folder / ".snakemake" / "incomplete"),
            "metadata": lambda: _listed(self.folder / ".snakemake" / "metadata"),
            "start": set,
        }[moment]
        seen = look()
        while True:
            if moment == "start":
                yield True
                continue
            now = look()
            new, seen = now - seen, now | seen
            for _ in new:
                yield True
            yield False

    def _unfinished(self) -> set:
        return {
            (path, os.stat(path).st_mtime_ns if os.path.exists(path) else 0)
            for path in _listed(self.folder / "results")
            if UNFINISHED.match(os.path.basename(path))
        }

    def __str__(self) -> str:
        told = "\n".join(map(str, self.kills))
        return f"{len(self.kills)} kills:\n{told}\nin {self.folder}; the last run said:\n{self.said}"


def _killed(process: psutil.Process) -> bool:
    """Kill a process; say whether it was alive."""
    try:
        alive = process.is_running() and process.status() != psutil.STATUS_ZOMBIE
        process.kill()
    except psutil.NoSuchProcess:
        return False
    return alive


def _listed(folder: Path) -> set[str]:
    return {os.path.join(place, name) for place, _, names in os.walk(folder) for name in names}
