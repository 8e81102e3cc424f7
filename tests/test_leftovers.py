"""Jobs that outlived their Snakemake are named, those of others are left alone."""

import os

import pytest

from deeplocalizer import leftovers
from deeplocalizer.leftovers import refusal

QUEUE = """\
#!/bin/sh
[ "$1" = --me ] || exit 1
cat <<'END'
{}
END
"""


@pytest.fixture
def queue(tmp_path, monkeypatch):
    """Give what puts jobs into the queue that a stand-in for squeue shows."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin")

    def hold(*jobs):
        program = folder / "squeue"
        program.write_text(QUEUE.format("\n".join(jobs)))
        program.chmod(0o755)

    return hold


def test_jobs_that_still_work_in_the_folder_are_named(queue, tmp_path):
    queue(
        f"12|deeplocalizer_a|rule_record_wildcards_demo_resnet_0|{tmp_path}",
        f"13|deeplocalizer_a|rule_stimuli_wildcards_demo|{tmp_path}/.",
        f"14|deeplocalizer_b|group_late|{tmp_path}",
    )
    said = refusal(tmp_path, "demo", ["faces", "resnet"])
    assert "12, 13, 14" in said and "scancel --name=deeplocalizer_a,deeplocalizer_b" in said


@pytest.mark.parametrize(
    "job",
    [
        "12|deeplocalizer_a|rule_record_wildcards_other_resnet_0|{folder}",  # another study
        "12|deeplocalizer_a|rule_record_wildcards_demonstration_resnet|{folder}",
        "12|deeplocalizer_a|rule_record_wildcards_demo_2_resnet_0|{folder}",  # the study demo_2
        "12|deeplocalizer_a|rule_stimuli_wildcards_demo_resnets|{folder}",
        "12|deeplocalizer_a|rule_record_wildcards_demo_resnet_0|/",  # another folder
        "12|deeplocalizer_a|rule_record_wildcards_demo_resnet_0|{folder}/gone",
        "12|snakemake|(null)|{folder}",  # the job that Snakemake itself runs in
        "",
    ],
)
def test_other_jobs_may_go_on(job, queue, tmp_path):
    queue(job.format(folder=tmp_path))
    assert not refusal(tmp_path, "demo", ["faces", "resnet"])


def test_nothing_is_refused_where_slurm_is_not_there_or_does_not_answer(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not refusal(tmp_path, "demo", ["faces", "resnet"])
    (tmp_path / "squeue").write_text(
        "#!/bin/sh\necho 'slurm_load_jobs error: Unable to contact slurm controller' >&2\nexit 1\n"
    )
    (tmp_path / "squeue").chmod(0o755)
    assert not caplog.messages
    assert not refusal(tmp_path, "demo", ["faces", "resnet"])
    assert "Unable to contact slurm controller" in caplog.text


def test_a_squeue_without_a_cluster_says_nothing_of_note(queue, tmp_path, caplog):
    queue()
    said = "squeue: error: DNS SRV lookup failed\nsqueue: fatal: Could not establish a configuration source"
    (tmp_path / "bin/squeue").write_text(f"#!/bin/sh\necho '{said}' >&2\nexit 1\n")
    assert not refusal(tmp_path, "demo", [])
    assert not caplog.messages


def test_a_slurm_that_hangs_is_not_waited_for(queue, tmp_path, monkeypatch, caplog):
    queue()
    (tmp_path / "bin/squeue").write_text("#!/bin/sh\nexec sleep 60\n")
    monkeypatch.setattr(leftovers, "PATIENCE", 0.2)
    assert not refusal(tmp_path, "demo", [])
    assert "squeue does not answer" in caplog.text
