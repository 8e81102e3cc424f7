"""The paper's study and the original's method, through the whole DAG, with all that they fetch served on loopback."""

import json
import re
import shutil

import numpy as np
import pytest

from deeplocalizer import store
from tests.workflow import world as worlds
from tests.workflow.conftest import arrays


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with worlds.served(tmp_path_factory.mktemp("world")) as made:
        yield made


@pytest.fixture(scope="module")
def drawn(world, tmp_path_factory):
    """Draw the stimuli of the paper's study where one photograph is gone and one server is busy at first."""
    world.photographs.fault("/val2017/000000000003.jpg", "status", status=404)
    world.photographs.fault("/val2017/000000000005.jpg", "status", times=1, status=429, retry_after=1)
    folder = tmp_path_factory.mktemp("paper")
    result = world.run(folder, worlds.paper(world), "results/paper/stimuli.nc", "results/paper/resnet34/model.json")
    assert result.returncode == 0, result.stdout + result.stderr
    world.photographs.heal()
    return folder


@pytest.fixture(scope="module")
def paper(world, drawn):
    """Run the rest of it."""
    result = world.run(drawn, worlds.paper(world))
    assert result.returncode == 0, result.stdout + result.stderr
    return drawn


def test_the_stimuli_are_what_the_configuration_asks_for(drawn):
    stimuli = store.open(drawn / "results/paper/stimuli.nc", "stimuli")
    frame = stimuli[["category", "split", "licence", "source"]].to_dataframe()
    counts = frame.groupby(["category", "split"]).size().unstack()
    assert counts.loc["faces"].to_dict() == {"localize": 30, "select": 12, "test": 18}
    assert counts.loc["objects"].to_dict() == {"localize": 30, "select": 12, "test": 18}
    # identities are disjoint in CelebA's own splits only
    faces = frame[frame["category"] == "faces"]
    of_celeba = {"localize": "train", "select": "validation", "test": "test"}
    assert all(of_celeba[row["split"]] in row["source"] for _, row in faces.iterrows())
    assert frame["licence"].str.contains("non-commercial").sum() == 60
    assert frame["licence"].str.contains("Attribution License").sum() == 60
    has = stimuli["has_attribute"].to_pandas()
    objects = frame.index[frame["category"] == "objects"]
    assert (has.loc[objects, "person"] == 0).all()
    assert (has.loc[objects, "Smiling"] == -1).all()
    assert stimuli["parent"].sel(attribute="dog") == "animal"


def test_what_could_not_be_fetched_is_named_and_replaced(drawn):
    stimuli = store.open(drawn / "results/paper/stimuli.nc", "stimuli")
    assert any("000000000003" in str(name) for name in stimuli["refused_id"].values)
    assert "404" in " ".join(map(str, stimuli["refused_reason"].values))
    assert "coco-000000000003" not in stimuli["stimulus"].values
    assert "000000000003" in (drawn / "logs/paper/draw/objects.log").read_text()


def test_the_draw_says_what_pins_it_down(drawn):
    origin = json.loads(store.open(drawn / "results/paper/drawn/faces.nc", "drawn").attrs["origin"])
    assert worlds.CELEBA in origin.values()
    model = json.loads((drawn / "results/paper/resnet34/model.json").read_text())
    assert model["revision"] == worlds.RESNET


@pytest.mark.slow
def test_the_twin_is_the_same_network_with_other_weights(paper):
    trained, untrained = (
        store.open(paper / f"results/paper/{model}/activations.nc", "activations")
        for model in ("resnet34", "untrained")
    )
    assert trained.attrs["units_digest"] == untrained.attrs["units_digest"]
    assert trained.attrs["weights_digest"] != untrained.attrs["weights_digest"]
    assert trained.sizes["unit"] == 8 + 16 + 16


@pytest.mark.slow
def test_confounds_are_measured_and_matched(paper):
    confounds = store.open(paper / "results/paper/resnet34/confounds.nc", "confounds")
    d = confounds["d"].sel(contrast="faces", statistic="luminance")
    assert abs(float(d)) < 0.3


@pytest.mark.slow
def test_everything_again_without_a_network_and_the_same(paper, world, tmp_path):
    """All that comes from outside, and the first thing made of it by each model."""
    before = world.asked
    moments = [f"results/paper/{model}/moments.nc" for model in ("resnet34", "untrained")]
    result = world.run(tmp_path, worlds.paper(world), "fetch", *moments, offline=True)
    assert result.returncode == 0, result.stdout + result.stderr
    assert world.asked == before
    found, expected = arrays(tmp_path), arrays(paper)
    assert set(moments) <= set(found)
    assert found == {path: expected[path] for path in found}


def test_what_is_missing_offline_is_named_with_the_way_out(world, tmp_path):
    config = worlds.paper(world)
    config["downloads"] = str(tmp_path / "empty")
    for target, log in (("drawn/faces.nc", "draw/faces.log"), ("drawn/objects.nc", "draw/objects.log")):
        result = world.run(tmp_path, config, f"results/paper/{target}", offline=True)
        assert result.returncode != 0
        last = (tmp_path / "logs/paper" / log).read_text().strip().splitlines()[-1]
        assert "HF_HUB_OFFLINE" in last, last


def test_more_stimuli_keep_those_that_were_there(drawn, world, tmp_path):
    config = worlds.paper(world)
    for category in config["stimuli"]["categories"].values():
        category["count"] = 66
    result = world.run(tmp_path, config, "results/paper/stimuli.nc")
    assert result.returncode == 0, result.stdout + result.stderr
    few = store.open(drawn / "results/paper/stimuli.nc")["split"].to_pandas()
    many = store.open(tmp_path / "results/paper/stimuli.nc")["split"].to_pandas()
    assert len(many) == len(few) + 12
    assert (many[few.index] == few).all()


def test_a_shortage_is_an_error_before_any_download(world, tmp_path):
    config = worlds.paper(world)
    config["stimuli"]["categories"]["objects"] |= {"count": 100, "subset": ["validation"]}
    before = len(world.photographs.requests)
    result = world.run(tmp_path, config, "results/paper/drawn/objects.nc")
    last = (tmp_path / "logs/paper/draw/objects.log").read_text().strip().splitlines()[-1]
    assert result.returncode != 0
    assert "100" in last, last
    assert "70" in last, last
    assert not [r for r in world.photographs.requests[before:] if "val2017" in r.path]


@pytest.mark.slow
def test_the_originals_method_runs_and_stands_beside_what_was_published(world, tmp_path):
    result = world.run(tmp_path, worlds.legacy(world))
    assert result.returncode == 0, result.stdout + result.stderr
    folder = tmp_path / "results/legacy"
    masks = store.open(folder / "resnet34/masks.nc", "masks")
    contrast = store.open(folder / "resnet34/contrast.nc", "contrast")
    assert masks.sizes["unit"] == 8 * 16 * 16 + 2 * 16 * 8 * 8  # every position of every block
    target = masks["selected"].values[masks["role"].values == "target"][0]
    best = np.argsort(-np.abs(contrast["difference"].values[0]), kind="stable")[:25]
    assert sorted(np.flatnonzero(target)) == sorted(best)
    assert store.open(folder / "resnet34/activations.nc").sizes["unit"] == 0
    stimuli = store.open(folder / "stimuli.nc")
    assert (
        stimuli["has_attribute"].sel(attribute="person").values == 1
    ).any()  # the original had people in its objects
    text = re.sub(r"<[^>]+>", " ", (folder / "report.html").read_text())
    for published in ("2.6", "73.5", "3.11", "0.204"):
        assert published in text
    shutil.rmtree(folder)
