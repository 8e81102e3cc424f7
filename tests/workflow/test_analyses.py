"""Every kind of contrast, localizer, control, ablation, readout and test, from YAML through the DAG."""

import shutil

import numpy as np
import pytest

from deeplocalizer import store, units
from tests.workflow.conftest import arrays, small, snakemake

FOLDER = "results/analyses"
SEEDS = ("one", "two")


def config(jobs: int) -> dict:
    """Give a study of untrained networks that asks for nearly all there is."""
    made = small() | {"study": "analyses"}
    network = {"architecture": "small_cnn", "weights": "untrained", "layers": ["conv*", "hidden"]}
    made["models"] = {
        "one": network | {"seed": 1, "untrained": "two"},
        "two": network | {"seed": 2},
    }
    made["replicates"] = {"seeds": list(SEEDS)}
    made["contrasts"] = {
        "faces": {"preferred": ["faces"], "other": ["backgrounds", "patches"], "each": True},
        "digits": {"preferred": {"digits": 1}, "other": {"faces": 2, "backgrounds": 1}},
    }
    made["localizers"] = {
        "faces": {"contrast": "faces", "percentile": [85, 100], "task": "face_or_digit"},
        "digits": {"contrast": "digits", "fraction": 0.1, "statistic": "auroc", "task": "digit_recognition"},
        "significant": {"contrast": "digits", "q": 0.000001, "statistic": "g", "scope": "layer"},
    }
    made["inference"] = {
        "resamples": 1000,
        "adjust": "maximum",
        "interval": "basic",
        "fdr": "benjamini_yekutieli",
        "family": "layer",
    }
    made["ablation"] = {
        "value": "resample",
        "values": ["zero"],
        "controls": 20,
        "matching": "response",
        "bins": 3,
        "compare": ["untrained", "shuffled", "opposite", "random"],
        "shuffles": 2,
        "layers": True,
        "keep": True,
        "background": "mean",
        "series_controls": 19,
        "jobs": jobs,
    }
    return made


@pytest.fixture(scope="module")
def analyses(tmp_path_factory):
    folder = tmp_path_factory.mktemp("analyses")
    result = snakemake(folder, config(1))
    assert result.returncode == 0, result.stdout + result.stderr
    return folder


@pytest.mark.slow
def test_what_was_asked_for_is_there(analyses):
    masks = store.open(analyses / FOLDER / "one" / "masks.nc", "masks")
    kinds = {"localizer", "random_response", "untrained", "shuffled", "opposite", "random"}
    assert set(masks["kind"].values) == kinds
    assert set(store.open(analyses / FOLDER / "two" / "masks.nc")["kind"].values) == kinds - {"untrained"}
    contrasts = store.open(analyses / FOLDER / "one" / "contrast.nc", "contrast")
    assert contrasts["log10_q"].attrs["method"] == "benjamini_yekutieli"
    assert np.isfinite(contrasts["auroc"].values).all()
    curves = store.open(analyses / FOLDER / "one" / "curves.nc", "curves")
    assert set(curves["series"].values) == {"layer", "keep"}
    effects = store.open(analyses / FOLDER / "one" / "effects.nc", "effects")
    assert "face_or_digit" in effects["task_name"].values
    assert {"against", "advantage", "double_dissociation"} <= set(effects["kind"].values)
    outcomes = store.open(analyses / FOLDER / "one" / "outcomes" / "faces.nc", "outcomes")
    assert outcomes["donor"].dims == ("stimulus",)
    inputs = store.open(analyses / FOLDER / "one" / "inputs.nc", "inputs")
    where = dict(zip(inputs["stimulus"].values, inputs[["category", "split"]].to_dataframe().itertuples(), strict=True))
    donors = {str(name) for name in outcomes["donor"].values}
    assert {where[name].split for name in donors} == {"localize"}
    assert {where[name].category for name in donors} <= {"backgrounds", "patches"}


@pytest.mark.slow
def test_the_untrained_twin_gives_the_masks_of_its_own_localizer(analyses):
    one, two = (store.open(analyses / FOLDER / name / "masks.nc", "masks") for name in SEEDS)
    units.align(one, two)
    chosen = one["selected"].sel(mask="digits/untrained").values
    assert chosen.sum() == one["selected"].sel(mask="digits").values.sum()
    # units that are dead in the model itself are no controls, and others take their places
    dead = store.open(analyses / FOLDER / "one" / "contrast.nc")["dead"].sel(contrast="digits").values
    assert chosen[two["selected"].sel(mask="digits").values & ~dead].all() and not chosen[dead].any()


@pytest.mark.slow
def test_models_are_the_replicates(analyses):
    table = store.open(analyses / FOLDER / "replicates" / "seeds.nc", "replicates")
    effects = [store.open(analyses / FOLDER / name / "effects.nc", "effects") for name in SEEDS]
    row = "harm/digits/digit_recognition/raw"
    each = [float(one["estimate"].sel(comparison=row, outcome="kl")) for one in effects]
    assert float(table["estimate"].sel(comparison=row, outcome="kl")) == pytest.approx(np.mean(each))
    assert int(table["models"].sel(comparison=row, outcome="kl")) == 2
    html = (analyses / FOLDER / "report.html").read_text()
    assert "replicate one another" in html


@pytest.mark.slow
def test_masks_scattered_over_jobs_give_the_same_bits(analyses, tmp_path):
    """Masks, series and further values; that of a whole study is told by the study under Slurm."""
    folder = tmp_path / "scattered"
    shutil.copytree(analyses, folder)
    expected = arrays(analyses)
    made = [f"{FOLDER}/one/{name}.nc" for name in ("outcomes/faces", "series/digits", "values/zero/significant")]
    for path in made:
        (folder / path).unlink()
    result = snakemake(folder, config(3), *made)
    assert result.returncode == 0, result.stdout + result.stderr
    found = arrays(folder)
    assert {path: found[path] for path in made} == {path: expected[path] for path in made}
    assert len([name for name in found if "/jobs/" in name]) == len(made) * 3


@pytest.mark.slow
def test_the_central_results_stand_beside_other_values_networks_and_the_twin(analyses):
    table = store.open(analyses / FOLDER / "one" / "robustness.nc", "robustness")
    assert list(table["variant"].values) == [
        "main/resample", "value/zero", "replicates/seeds", "twin/two",
    ]  # fmt: skip
    assert not (analyses / FOLDER / "two" / "robustness.nc").exists()
    row = "advantage/digits/digit_recognition/raw"
    for variant, path in (
        ("main/resample", "one/effects"),
        ("value/zero", "one/values/zero"),
        ("twin/two", "two/effects"),
    ):
        effects = store.open(analyses / FOLDER / f"{path}.nc", "effects")
        expected = float(effects["estimate"].sel(comparison=row, outcome="correct"))
        assert float(table["estimate"].sel(variant=variant, comparison=row)) == expected
    # the targets and 19 of the 20 random masks, no other control
    outcomes = store.open(analyses / FOLDER / "one" / "values" / "zero" / "faces.nc", "outcomes")
    kinds = outcomes["kind"].values.astype(str).tolist()
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {"": 1, "localizer": 1, "random_response": 19}
    assert set(outcomes["value"].values.astype(str)) == {"", "zero"}
    html = (analyses / FOLDER / "report.html").read_text()
    assert "the same network without training" in html
