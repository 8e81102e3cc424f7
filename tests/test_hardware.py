"""The machine that a job runs on, and where the jobs of a study ran."""

import os
import platform
import subprocess
import sys
import types
from pathlib import Path

import pytest

from deeplocalizer import hardware
from deeplocalizer.logging import log_to, machines

INTEL = "processor\t: 0\nmodel\t\t: 207\nmodel name\t: Intel(R) Xeon(R) 8480\n\nprocessor\t: 1\n"
RASPBERRY = "processor\t: 0\nBogoMIPS\t: 108.00\n\nModel\t\t: Raspberry Pi 4 Model B\n"


def test_the_machine_is_told_in_one_line_that_stays_the_same():
    told = hardware.machine()
    assert told == hardware.machine()
    assert "\n" not in told and "  " not in told
    parts = told.split("; ")
    assert f"{os.cpu_count()} logical core" in parts[1]
    assert platform.system() in parts[-1] and platform.release() in parts[-1]
    assert platform.node() not in told.replace("(", " ").split()


@pytest.mark.skipif(sys.platform != "linux", reason="reads what Linux tells")
def test_memory_is_that_which_the_system_tells():
    lines = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
    total = int(lines["MemTotal"].split()[0]) / 2**20
    assert f"; {total:.0f} GiB of memory; " in hardware.machine()


def test_processors_are_named_as_linux_names_them(tmp_path):
    path = tmp_path / "cpuinfo"
    path.write_text(INTEL)
    assert hardware.processor(path) == "Intel(R) Xeon(R) 8480"
    path.write_text(RASPBERRY)
    assert hardware.processor(path) == "Raspberry Pi 4 Model B"
    path.write_text("processor\t: 0\nCPU implementer\t: 0x41\n")  # servers with ARM processors do not tell
    assert hardware.processor(path) == (platform.processor() or platform.machine())
    assert hardware.processor(tmp_path / "absent")


def test_torch_is_not_imported_to_be_asked():
    code = "import sys; from deeplocalizer import hardware; hardware.machine(); hardware.accelerator(); "
    assert (
        subprocess.run([sys.executable, "-c", code + "sys.exit('torch' in sys.modules)"], check=False).returncode == 0
    )


def graphics(used):
    """Stand in for PyTorch where there is a graphics processor."""
    cuda = types.SimpleNamespace(is_initialized=lambda: used, get_device_name=lambda: "NVIDIA H100 80GB HBM3")
    return types.SimpleNamespace(cuda=cuda)


def test_a_graphics_processor_is_named_only_if_it_was_used(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", graphics(used=False))
    assert hardware.accelerator() == ""
    monkeypatch.setitem(sys.modules, "torch", graphics(used=True))
    assert hardware.accelerator() == "NVIDIA H100 80GB HBM3"
    monkeypatch.delitem(sys.modules, "torch")
    assert hardware.accelerator() == ""


def test_logs_tell_the_machine_and_are_counted_by_it(tmp_path, monkeypatch):
    monkeypatch.setattr(hardware, "machine", lambda: "a laptop; 2 logical cores")
    for name in ("one", "deep/two"):
        with log_to(str(tmp_path / f"{name}.log")) as log:
            log.info("machine: not this one")
    monkeypatch.setattr(hardware, "machine", lambda: "a node; 64 logical cores")
    monkeypatch.setattr(hardware, "accelerator", lambda: "NVIDIA H100")
    with log_to(str(tmp_path / "three.log")):
        print("a word of the job")
    (tmp_path / "other.log").write_text("a log of another program\n")
    (tmp_path / "empty.log").write_text("")
    (tmp_path / "odd.log").write_bytes(b"machine: a laptop; 2 logical cores\n\xff\xfe\n")
    assert machines(tmp_path) == {("a laptop; 2 logical cores", ""): 3, ("a node; 64 logical cores", "NVIDIA H100"): 1}
    assert (tmp_path / "three.log").read_text().splitlines() == [
        "machine: a node; 64 logical cores",
        "(a log that ends neither with 'finished' nor with an error is of a job that was killed, or still runs)",
        "a word of the job",
        "accelerator: NVIDIA H100",
        "finished",
    ]
    assert machines(tmp_path / "absent") == {}


def test_the_last_line_of_a_log_still_tells_why_a_job_failed(tmp_path, monkeypatch):
    monkeypatch.setattr(hardware, "accelerator", lambda: "NVIDIA H100")
    path = tmp_path / "one.log"
    with pytest.raises(SystemExit), log_to(str(path)):
        raise ValueError("layer conv1\nis dead")
    first, *_, last = path.read_text().splitlines()
    assert first.startswith("machine: ") and last == "ValueError: layer conv1 is dead"
    ((_, used),) = machines(tmp_path)
    assert used == "NVIDIA H100"
