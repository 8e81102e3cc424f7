"""A real Slurm on this machine, on loopback only: two virtual nodes, each with a fake graphics processor.

missing          say why there can be no Slurm here
started          bring a cluster up, and take it down in the end
Cluster          what a test may do with it
NODES            the names of its nodes

The daemons belong to a process of their own that lives as long as a pipe to it is open: they are stopped, and
/etc/slurm is as before, even where the tests themselves are killed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

NODES = ("n1", "n2")
SYSTEM = Path("/etc/slurm")
FILES = ("slurm.conf", "gres.conf")
PROGRAMS = ("slurmctld", "slurmd", "munged", "sbatch", "srun", "squeue", "scontrol")
SLURM = """\
ClusterName={name}
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={root}/munge.socket
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation={root}/state
SlurmdSpoolDir={root}/%n
SlurmctldPidFile={root}/slurmctld.pid
SlurmdPidFile={root}/slurmd-%n.pid
SlurmctldLogFile={root}/slurmctld.log
SlurmdLogFile={root}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
GresTypes=gpu
ReturnToService=2
MpiDefault=none
SwitchType=switch/none
MinJobAge=3600
SlurmdTimeout=60
KillWait=2
EnforcePartLimits=ALL
SchedulerParameters=sched_interval=2,bf_interval=5,batch_sched_delay=0,sched_min_interval=1000
SlurmdParameters=config_overrides
{nodes}
PartitionName=main Nodes=n[1-2] Default=YES MaxTime=600 State=UP
PartitionName=gpu Nodes=n[1-2] MaxTime=600 State=UP
"""
NODE = "NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=2 RealMemory={memory} Gres=gpu:fake:1"


def missing() -> str:
    """Say why there can be no Slurm on this machine; "" if there can."""
    absent = [program for program in PROGRAMS if not shutil.which(program)]
    if absent:
        return f"Slurm is not installed: no {', '.join(absent)} (apt-get install slurm-wlm munge)"
    return "" if os.geteuid() == 0 else "only root can start the daemons of Slurm"


@dataclass(frozen=True)
class Cluster:
    """A cluster that runs, with the folder that its daemons write to."""

    root: Path

    def ask(self, *words: str) -> str:
        """Run a command of Slurm's and give what it says."""
        result = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
        assert result.returncode == 0, f"{' '.join(words)}: {result.stdout}{result.stderr}"
        return result.stdout

    def jobs(self, state: str = "all") -> dict[str, dict[str, str]]:
        """Give what Slurm says of the jobs in a state, by their id."""
        fields = ["id", "name", "state", "node", "memory", "minutes", "partition", "rule"]
        said = self.ask("squeue", "--noheader", f"--states={state}", "--format=%i|%j|%T|%N|%m|%l|%P|%k")
        rows = (dict(zip(fields, line.split("|"), strict=True)) for line in said.splitlines())
        return {row["id"]: row for row in rows}

    def running(self, *rules: str, on: str = "") -> dict[str, str] | None:
        """Give what Slurm says of a running job of some rules, on a node if one is named."""
        starts = tuple(f"rule_{rule}_wildcards_" for rule in rules)
        jobs = self.jobs("running").values()
        return next((job for job in jobs if job["rule"].startswith(starts) and on in ("", job["node"])), None)

    def kill_node(self, node: str) -> None:
        """Kill the daemon of a node as a crash would; its jobs go on."""
        os.kill(int((self.root / f"slurmd-{node}.pid").read_text()), signal.SIGKILL)

    def start_node(self, node: str) -> None:
        """Start the daemon of a node and wait until Slurm sees it."""
        self.ask("slurmd", "-N", node)
        until(
            lambda: self.ask("sinfo", "-h", "-n", node, "-o", "%T").split()[0] in ("idle", "mixed", "allocated"), node
        )


def until(asked: Callable, what: str, timeout: float = 60):
    """Ask until the answer is true, and give it."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        answer = asked()
        if answer:
            return answer
        time.sleep(0.2)
    raise AssertionError(f"waited {timeout} s for {what}")


@contextlib.contextmanager
def started(memory: int = 16000) -> Iterator[Cluster]:
    """Bring up a cluster whose nodes say they have some MB of memory, and take it down in the end."""
    root = Path(tempfile.mkdtemp(prefix="slurm-"))
    root.chmod(0o755)  # munge wants its socket where everybody can reach it
    words = [sys.executable, __file__, str(root), str(memory)]
    # a session of its own: an interrupt at the terminal reaches the tests, which then close the pipe
    keeper = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        said = keeper.stdout.readline().strip()
        assert said == "up", f"Slurm did not start: {said} {keeper.stdout.read()}\n{logs(root)}"
        yield Cluster(root)
    finally:
        keeper.stdin.close()
        keeper.wait(60)
        keeper.stdout.close()
        shutil.rmtree(root)


def logs(root: Path) -> str:
    """Give the ends of the logs of the daemons."""
    return "\n".join(f"{path.name}: {path.read_text()[-2000:]}" for path in sorted(root.glob("*.log")))


def keep(root: Path, memory: int) -> None:
    """Hold a cluster up until standard input ends."""
    kept = {SYSTEM / name: SYSTEM / f"{name}.before-{os.getpid()}" for name in FILES}
    made = not SYSTEM.exists()
    SYSTEM.mkdir(exist_ok=True)
    for place, before in kept.items():
        if place.is_symlink() or place.exists():
            place.rename(before)
    try:
        bring_up(root, memory)
        print("up", flush=True)
        sys.stdin.read()
    except Exception as error:
        print(f"{type(error).__name__}: {error}", flush=True)
    finally:
        take_down(root)
        for place, before in kept.items():
            place.unlink(missing_ok=True)
            if before.is_symlink() or before.exists():
                before.rename(place)
        if made:
            SYSTEM.rmdir()


def bring_up(root: Path, memory: int) -> None:
    """Write the configuration and start the daemons."""
    ports, host = free_ports(len(NODES) + 1), socket.gethostname().partition(".")[0]
    nodes = [
        NODE.format(name=name, host=host, port=port, memory=memory) for name, port in zip(NODES, ports[1:], strict=True)
    ]
    for name in ("state", *NODES):
        (root / name).mkdir(parents=True)
    (root / "slurm.conf").write_text(
        SLURM.format(name=f"test{os.getpid()}", host=host, ports=ports, root=root, nodes="\n".join(nodes))
    )
    (root / "gres.conf").write_text(f"NodeName={','.join(NODES)} Name=gpu Type=fake File=/dev/null\n")
    for name in FILES:  # the plugin drops SLURM_CONF from the environment of a job's step
        (SYSTEM / name).symlink_to(root / name)
    (root / "munge.key").write_bytes(os.urandom(1024))
    (root / "munge.key").chmod(0o400)
    places = {"key-file": "key", "socket": "socket", "pid-file": "pid", "seed-file": "seed", "log-file": "log"}
    run(["munged", *(f"--{option}={root}/munge.{name}" for option, name in places.items())])
    run(["slurmctld"])
    for node in NODES:
        run(["slurmd", "-N", node])
    until(lambda: run(["sinfo", "-h", "-t", "idle", "-o", "%D", "-p", "main"]).strip() == str(len(NODES)), "idle nodes")


def take_down(root: Path) -> None:
    """Stop the jobs and the daemons of a cluster, whatever of them there is."""
    with contextlib.suppress(Exception):
        run(["scancel", "--user=root"])
        until(lambda: not run(["squeue", "--noheader"]), "the last job", 10)
    pids = [int(path.read_text() or 0) for path in root.glob("*.pid")]
    left = [process for process in psutil.process_iter() if process.pid in pids or of_cluster(process, root)]
    for send in (signal.SIGTERM, signal.SIGKILL):
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(send)
        left = psutil.wait_procs(left, timeout=10)[1]


def of_cluster(process: psutil.Process, root: Path) -> bool:
    """Whether a process is a daemon of this cluster's, or a job that it left."""
    name = next(iter((root / "slurm.conf").read_text().partition("\n")[0].split("=")[1:]), "")
    with contextlib.suppress(psutil.Error):
        return process.environ().get("SLURM_CLUSTER_NAME") == name or any(
            str(root) in file.path for file in process.open_files() if process.name().startswith("slurm")
        )
    return False


def run(words: list[str]) -> str:
    """Run a command and give what it says."""
    result = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60, stdin=subprocess.DEVNULL)
    if result.returncode:
        raise RuntimeError(f"{' '.join(words)}: {result.stdout}{result.stderr}")
    return result.stdout


def free_ports(number: int) -> list[int]:
    """Find ports on loopback that nobody uses."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


if __name__ == "__main__":
    keep(Path(sys.argv[1]), int(sys.argv[2]))
