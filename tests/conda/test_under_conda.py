"""Every rule runs inside the environment that it declares, and finds there all that it imports."""

import json
import shutil

import pytest

from tests.conda.channel import SITE
from tests.conda.conftest import STUDY, every_rule
from tests.conda.declared import ENVS, ROOT, dependencies, provided, rules
from tests.conda.witnessed import read
from tests.serving import hub
from tests.workflow import world
from tests.workflow.conftest import arrays, snakemake

pytestmark = [pytest.mark.conda, pytest.mark.slow]

SOURCE = "src/deeplocalizer"
MODEL = f"results/{STUDY}/one"
CONTRAST = f"{MODEL}/contrasts/faces.nc"


def test_snakemake_has_nothing_that_the_rules_compute_with(user):
    found = "import sys, importlib.util as util; print([name for name in sys.argv[1:] if util.find_spec(name)])"
    names = ["h5netcdf", "matplotlib", "netCDF4", "numpy", "pandas", "PIL", "scipy", "torch", "xarray", "deeplocalizer"]
    assert user.shell(str(user.python), "-c", found, *names, cwd=ROOT).stdout == "[]\n"


def test_every_rule_ran_in_its_environment_with_what_it_declares(user, under_conda):
    processes = read(under_conda / "seen")
    assert {process.rule for process in processes} - {None} == set(rules())
    assert {process.environment for process in processes} == set(ENVS)
    assert user.complaints(under_conda) == []
    # the cells of the report and of its printed form, in the kernels of their jobs
    kernels = [process for process in processes if "ipykernel_launcher" in process.arguments]
    assert len(kernels) == 2 and all(process.asked for process in kernels)


def test_an_environment_has_what_was_solved_for_it_and_no_more(user, under_conda):
    for env in ENVS:
        (prefix,) = {process.prefix for process in read(under_conda / "seen") if process.environment == env}
        records = [json.loads(path.read_text()) for path in (prefix / "conda-meta").glob("*.json")]
        names = {record["name"] for record in records}
        assert set(dependencies(env)) <= names
        assert ("pytorch" in names) == ("torch" in provided(env)) == (env.stem == "torch")
        assert ("matplotlib-base" in names) == (env.stem == "plots")


def test_the_numbers_are_those_of_a_run_without_conda(under_conda, tmp_path):
    """Nor does it matter that there is one core."""
    wanted = [f"{MODEL}/{name}.nc" for name in ("effects", "readouts")]
    result = snakemake(tmp_path, every_rule(), *wanted, "--cores", "1")
    assert result.returncode == 0, result.stdout + result.stderr
    plain, found = arrays(tmp_path), arrays(under_conda)
    assert set(wanted) <= set(plain) <= set(found)
    assert {name: found[name] for name in plain} == plain


def test_what_the_paper_fetches_is_fetched_with_what_is_declared(user, tmp_path):
    with world.served(tmp_path / "home") as served:
        told = hub.environment(served.hub, served.home)
        told = {name: value for name, value in told.items() if name.startswith("HF_") or name.lower() == "no_proxy"}
        config = world.paper(served)
        result = user.snakemake(tmp_path / "study", "fetch", config=config, **told)
    assert result.returncode == 0, result.stdout + result.stderr
    assert user.complaints(tmp_path / "study") == []
    asked = {name for process in read(tmp_path / "study" / "seen") for name in process.asked}
    assert asked >= {"aiohttp", "datasets", "httpcore2", "huggingface_hub", "msgspec", "pyarrow", "transformers"}


@pytest.mark.parametrize(
    ("environment", "folder", "found"),
    [
        ("images", "stimuli/sources", {"sklearn", "skimage"}),
        ("torch", "models/libraries", {"timm", "torchvision", "transformers"}),
    ],
)
def test_what_is_imported_by_name_is_declared(user, under_conda, tmp_path, environment, folder, found):
    env = ROOT / "envs" / f"{environment}.yaml"
    prefix = next(process.prefix for process in read(under_conda / "seen") if process.environment == env)
    names = [f"deeplocalizer.{folder.replace('/', '.')}.{path.stem}" for path in (ROOT / SOURCE / folder).glob("*.py")]
    names = [name.removesuffix(".__init__") for name in names]
    (tmp_path / "seen").mkdir()
    watched = {"WITNESS_OF": str(ROOT), "WITNESS_IN": str(tmp_path / "seen"), "PYTHONPATH": str(ROOT / "src")}
    words = ["-c", "import sys; [__import__(name) for name in sys.argv[1:]]", *names]
    done = user.shell(str(prefix / "bin" / "python"), *words, cwd=tmp_path, **watched)
    assert done.returncode == 0, done.stderr
    assert user.complaints(tmp_path) == []
    assert {name for process in read(tmp_path / "seen") for name in process.asked} >= found


def contrasted(user, under_conda, folder):
    """Contrast once more, in a folder that has all that it takes."""
    shutil.copytree(under_conda / "results", folder / "results")
    return user.snakemake(folder, "--force", "--rerun-triggers", "mtime", "--", CONTRAST)


def test_a_rule_that_imports_what_its_environment_lacks_fails(changed, under_conda, tmp_path):
    result = contrasted(changed({"contrast.py": "import matplotlib"}), under_conda, tmp_path / "study")
    assert result.returncode == 1
    assert "ModuleNotFoundError: No module named 'matplotlib'" in result.stderr
    assert not (tmp_path / "study" / CONTRAST).exists()


def test_what_only_snakemake_brings_along_is_noticed(changed, under_conda, tmp_path):
    user, folder = changed({"contrast.py": "import yaml"}), tmp_path / "study"
    result = contrasted(user, under_conda, folder)
    assert result.returncode == 0, result.stdout + result.stderr  # for it is on the path of every script
    yaml = user.python.parents[1] / SITE / "yaml" / "__init__.py"
    assert user.complaints(folder) == [f"contrast in statistics: imported yaml from {yaml}"]


def test_what_another_package_brings_along_is_noticed(changed, under_conda, tmp_path):
    user, folder = changed({"contrast.py": "import joblib"}), tmp_path / "study"
    result = contrasted(user, under_conda, folder)
    assert result.returncode == 0, result.stdout + result.stderr  # for scikit-learn needs it
    assert user.complaints(folder) == ["contrast in statistics: imported joblib, which is not declared"]
