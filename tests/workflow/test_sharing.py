"""Studies share what is the same in them, with Snakemake's cache between workflows."""

import os
import re
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest
import yaml

from deeplocalizer import store
from tests.workflow.conftest import snakemake
from tests.workflow.planning import told

CHAIN = {"drawn/digits.nc", "drawn/faces.nc", "stimuli.nc", "net/model.json", "net/architecture.nc"}
CHAIN |= {"net/inputs.nc", "net/weights.safetensors", "net/activations.nc", "net/moments.nc"}
STIMULI = {"drawn/digits.nc", "drawn/faces.nc", "stimuli.nc"}
RECORDED = {"net/activations.nc", "net/moments.nc"}
SCATTERED = {f"net/shards/{shard}/{name}.nc" for shard in (0, 1) for name in ("activations", "moments")}


def tiny(name: str) -> dict:
    """Give a study of an untrained network, of which only the contrasts are asked for."""
    return {
        "study": name,
        "stimuli": {
            "categories": {"digits": {"source": "digits", "count": 60}, "faces": {"source": "lfw_faces", "count": 24}},
            "splits": {"train": 0, "localize": 0.4, "select": 0.2, "test": 0.4},
            "matching": {},
        },
        "models": {"net": {"architecture": "small_cnn", "weights": "untrained", "layers": ["conv1", "hidden"]}},
        "contrasts": {"digits": {"preferred": ["digits"], "other": ["faces"]}},
        "localizers": {"digits": {"contrast": "digits", "fraction": 0.1}},
        "ablation": {"controls": 40},
        "recording": {"batch_size": 16},
    }


def given(config, cache):
    """Give the words and the environment of a run with or without a folder for what is shared."""
    words = [*(["--cache"] if cache else []), "--cores", "1", f"results/{config['study']}/net/contrast.nc"]
    return words, os.environ | ({"SNAKEMAKE_OUTPUT_CACHE": str(cache)} if cache else {})


def run(folder, config, cache=None):
    words, environment = given(config, cache)
    result = snakemake(folder, config, *words, env=environment)
    said = result.stdout + result.stderr
    assert result.returncode == 0, said
    return said


def moved(said):
    """Name the artefacts that a run made and put into the folder of what is shared."""
    return set(re.findall(r"Moving output file results/\w+/(\S+) to cache", said))


def missing(folder, config, cache):
    """Name the first artefact of each job that a run would make and share; it would fetch the others."""
    words, environment = given(config, cache)
    said = told(folder, config, "--dry-run", *words, environment=environment)
    found = re.findall(r"Output file results/\w+/(\S+) will be (written|obtained)", said)
    assert len(found) >= len(CHAIN) - 1, said
    return {name for name, way in found if way == "written"}


def content(folder, study):
    """Give the bytes of every artefact by its path below the study."""
    root = folder / "results" / study
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A folder of what is shared, and a study that filled it."""
    folder = tmp_path_factory.mktemp("shared")
    (folder / "cache").mkdir()
    assert moved(run(folder / "one", tiny("one"), folder / "cache")) == CHAIN
    return folder


@pytest.mark.slow
def test_another_study_fetches_what_is_the_same_in_it_and_has_the_bytes_of_one_that_shares_nothing(shared, tmp_path):
    two = tiny("two")
    two["localizers"]["more"] = {"contrast": "digits", "fraction": 0.2}
    two["report"] = {"title": "Another study"}
    assert not moved(run(tmp_path, two, shared / "cache"))
    assert all((tmp_path / "results/two" / name).is_symlink() for name in CHAIN)
    run(tmp_path, tiny("alone"))
    assert not [path for path in (tmp_path / "results/alone").rglob("*") if path.is_symlink()]
    assert content(tmp_path, "two") == content(shared / "one", "one") == content(tmp_path, "alone")
    # with the folder or without, what is there is there
    for cache in (None, shared / "cache"):
        assert "Nothing to be done" in run(tmp_path, two, cache)


@pytest.mark.slow
def test_studies_run_at_the_same_time_in_one_folder(shared, tmp_path):
    """They share all but their contrasts, `.snakemake` and the folder of downloads."""

    def ran(name):
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(tiny(name)))
        words, environment = given(tiny(name), shared / "cache")
        return snakemake(tmp_path, None, "--configfile", str(tmp_path / f"{name}.yaml"), *words, env=environment)

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(ran, ("three", "four")))
    assert [result.returncode for result in results] == [0, 0], [result.stdout + result.stderr for result in results]
    assert content(tmp_path, "three") == content(tmp_path, "four") == content(shared / "one", "one")


@pytest.mark.slow
def test_shards_are_told_apart_and_come_to_the_same_numbers(shared, tmp_path):
    config = tiny("shards") | {"recording": {"batch_size": 16, "shards": 2}}
    assert moved(run(tmp_path, config, shared / "cache")) == SCATTERED | RECORDED | {"net/batch_size.txt"}
    for name in RECORDED:
        one, gathered = (store.open(path / name) for path in (shared / "one/results/one", tmp_path / "results/shards"))
        assert one.attrs["content_digest"] == gathered.attrs["content_digest"]
    assert not missing(tmp_path / "again", config | {"study": "again"}, shared / "cache")


def reordered(config):
    config["stimuli"]["categories"] = dict(reversed(config["stimuli"]["categories"].items()))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda c: c.update(study="two"), set()),
        (lambda c: c.update(downloads="elsewhere"), set()),
        (lambda c: c["localizers"]["digits"].update(fraction=0.3), set()),
        (lambda c: c["contrasts"]["digits"].update(preferred=["faces"], other=["digits"]), set()),
        (lambda c: c["recording"].update(batch_size=8), RECORDED),
        (lambda c: c["recording"].update(significant_bits=10), RECORDED),
        (
            lambda c: c["models"]["net"].update(layers=["conv1"]),
            RECORDED | {"net/architecture.nc", "net/weights.safetensors"},
        ),
        (lambda c: c["models"]["net"].update(seed=3), RECORDED | {"net/weights.safetensors"}),
        (
            lambda c: c["stimuli"]["categories"]["digits"].update(count=50),
            {"drawn/digits.nc", "stimuli.nc", "net/inputs.nc"} | RECORDED,
        ),
        (lambda c: c["stimuli"].update(folds=4), {"stimuli.nc", "net/inputs.nc"} | RECORDED),
        (lambda c: c["stimuli"]["matching"].update(grey=True), {"stimuli.nc", "net/inputs.nc"} | RECORDED),
        (reordered, CHAIN - {"drawn/digits.nc", "drawn/faces.nc"}),
        (lambda c: c.update(seed=9), CHAIN - {"net/model.json", "net/architecture.nc"}),
    ],
)
def test_what_differs_is_not_shared(shared, tmp_path, change, expected):
    config = tiny("one")
    change(config)
    assert missing(tmp_path, config, shared / "cache") == expected - {"net/moments.nc"}


@pytest.mark.slow
def test_a_model_of_another_name_is_not_shared(shared, tmp_path):
    (*words, target), environment = given(tiny("one"), shared / "cache")
    config = tiny("one")
    config["models"]["other"] = config["models"].pop("net")
    target = target.replace("net", "other")
    said = told(tmp_path, config, "--dry-run", *words, target, environment=environment)
    found = set(re.findall(r"Output file results/one/(\S+) will be written to", said))
    assert found == {name.replace("net", "other") for name in CHAIN - STIMULI - {"net/moments.nc"}}


@pytest.mark.slow
def test_a_damaged_artefact_is_named_with_the_file_that_is_to_be_deleted(shared, tmp_path):
    shutil.copytree(shared / "cache", tmp_path / "cache")
    damaged = tmp_path / "cache" / (shared / "one/results/one/net/moments.nc").resolve().name
    damaged.write_bytes(damaged.read_bytes()[:1000])
    words, environment = given(tiny("one"), tmp_path / "cache")
    result = snakemake(tmp_path, tiny("one"), *words, env=environment)
    assert result.returncode != 0
    log = (tmp_path / "logs/one/net/contrasts/digits.log").read_text()
    assert f"delete it and {damaged}, to which it links, and run again" in log
    damaged.unlink()
    (tmp_path / "results/one/net/moments.nc").unlink()
    run(tmp_path, tiny("one"), tmp_path / "cache")
    assert content(tmp_path, "one") == content(shared / "one", "one")


@pytest.mark.parametrize(
    ("folder", "words"),
    [("cache", "expected the whole path"), ("/nowhere/at/all", "make it: mkdir -p /nowhere/at/all")],
)
def test_a_folder_that_cannot_be_shared_is_refused_before_any_job(tmp_path, folder, words):
    config = tiny("one")
    said = told(tmp_path, config, "--cache", "--dry-run", environment={"SNAKEMAKE_OUTPUT_CACHE": folder})
    assert words in said and "Traceback" not in said
