"""The Dockerfile belongs to the environments, and an environment can be frozen as the page says."""

import hashlib
import re

import pytest
import yaml

from tests.conda.conftest import every_rule
from tests.conda.declared import ENVS, ROOT
from tests.docs.pages import fenced

DOCKERFILE = (ROOT / "Dockerfile").read_text()
PAGE = ROOT / "docs" / "conda.md"


def test_the_image_has_every_environment_where_snakemake_looks_for_it():
    made = dict(re.findall(r"^COPY (\S+) (/conda-envs/\w+)/environment\.yaml$", DOCKERFILE, re.M))
    assert made == {f"envs/{env.name}": f"/conda-envs/{hashlib.md5(env.read_bytes()).hexdigest()}" for env in ENVS}
    for prefix in made.values():
        assert f"conda env create --prefix {prefix} --file {prefix}/environment.yaml" in DOCKERFILE


def test_the_image_is_built_of_nothing_but_the_environments():
    said = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert said == ["*", "!envs"]
    assert all(path.startswith("envs/") for path in re.findall(r"^(?:COPY|ADD) (\S+)", DOCKERFILE, re.M))


@pytest.mark.conda
@pytest.mark.slow
def test_snakemake_makes_this_dockerfile(changed):
    user = changed({})
    (user.code / "study.yaml").write_text(yaml.safe_dump(every_rule()))
    words = ["--configfile", "study.yaml", "--containerize", "dockerfile"]
    made = user.shell(str(user.python), "-m", "snakemake", *words, cwd=user.code)
    assert made.returncode == 0, made.stderr
    assert made.stdout == DOCKERFILE


@pytest.mark.conda
@pytest.mark.slow
def test_an_environment_is_frozen_and_snakemake_takes_the_frozen_one(changed, tmp_path):
    user = changed({})
    (commands,) = (block.text for block in fenced(PAGE) if "pin.txt" in block.text and block.language == "console")
    for command in commands.replace("\\\n", "").replace("torch", "statistics").splitlines():
        done = user.shell("bash", "-c", command, cwd=user.code)
        assert done.returncode == 0, done.stderr
    frozen = (user.code / "envs" / "statistics.linux-64.pin.txt").read_text().splitlines()
    assert frozen[0] == "@EXPLICIT" and any("/numpy-" in line for line in frozen)
    made = user.snakemake(tmp_path / "study", "--conda-create-envs-only")
    assert made.returncode == 0, made.stdout + made.stderr
    assert re.search(r"Using pinnings from \S+statistics\.linux-64\.pin\.txt", made.stderr)
    assert "Failed to install conda environment from pin file" not in made.stderr
    (prefix,) = (file.with_name(file.name.removesuffix(".pin.txt")) for file in user.environments.glob("*.pin.txt"))
    names = [re.sub(r"^.*/|\.tar\.bz2$", "", line) for line in frozen[1:]]
    assert sorted(path.stem for path in (prefix / "conda-meta").glob("*.json")) == sorted(names)
