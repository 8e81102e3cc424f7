"""An estimate counts what the workflow then does, and says it before anything is fetched."""

import re

import numpy as np
import pytest
import yaml

from deeplocalizer import configuration, store
from deeplocalizer.estimate import workload
from deeplocalizer.estimate.__main__ import estimate, main
from deeplocalizer.estimate.words import duration, size
from tests.workflow.conftest import ROOT, demo, small

SCHEMA_FILE = ROOT / "workflow/schemas/config.schema.yaml"
SCHEMA = configuration.load_schema(SCHEMA_FILE)


def resolved(**changes):
    return configuration.resolve(demo() | changes, SCHEMA)


def test_a_study_of_ten_localizers_and_a_hundred_controls_takes_two_million_passes():
    """2 contrasts x 5 fractions x (100 controls, the target and an intact run) x 2,000 images."""
    one = demo()["localizers"]["faces"]
    config = resolved(localizers={f"l{i}": one for i in range(10)}, ablation={"controls": 199}, dissociations=[])
    config["ablation"]["controls"] = 100
    model = workload.Model(pixels=3 * 224 * 224, units=3776, channel_units=3776, parameters=87_000_000, pretrained=True)
    numbers = {"faces": {"localize": 1000, "test": 1000}, "objects": {"localize": 1000, "test": 1000}}
    config["recording"]["splits"] = ["localize", "test"]
    load = workload.workload(config, model, numbers)
    assert load.recorded == 4000
    assert load.ablated == 10 * 102 * 2000
    assert load.inputs == 4000 * 3 * 224 * 224
    assert load.activations == 4000 * 3776 * 4
    assert load.moments == 2 * 2 * 8 * 3776 * 16


def test_what_is_fetched_is_told_apart():
    categories = {
        "faces": {"source": "celeba"},
        "objects": {"source": "coco", "subset": ["validation", "train"]},
        "own": {"source": "folder"},
    }
    model = workload.Model(1, 1, 1, parameters=87_000_000, pretrained=True)
    found = workload.downloads(categories, {"faces": 5000, "objects": 2000, "own": 9}, [model])
    assert found.keys() == {"faces", "objects", "weights"}
    assert found["faces"] < 1.4e9 / 20  # never the whole data set
    assert found["weights"] == 87_000_000
    assert workload.downloads({"own": {"source": "folder"}}, {"own": 9}, []) == {}


@pytest.mark.slow
def test_the_passes_of_the_estimate_are_those_of_the_study(study, capsys):
    config = configuration.resolve(small(), SCHEMA)
    lines = "\n".join(estimate(config, 2))
    folder = study / "results/small/dual_task_cnn"
    done = 0
    for localizer in config["localizers"]:
        for kind in ("outcomes", "series"):
            outcomes = store.open(folder / f"{kind}/{localizer}.nc")
            done += outcomes.sizes["intervention"] * outcomes.sizes["stimulus"]
    recorded = store.open(folder / "activations.nc").sizes["stimulus"]
    told = [int(number.replace(",", "")) for number in re.findall(r"([\d,]+) passes", lines)]
    assert told[0] == pytest.approx(recorded, abs=4)  # splits are rounded
    assert told[1] == pytest.approx(done, rel=0.05)
    assert "core-hours" in lines


def test_the_command_prints_it_and_names_what_it_cannot_know(tmp_path, capsys):
    study = tmp_path / "study.yaml"
    study.write_text(yaml.safe_dump(small(), sort_keys=False))
    main([str(SCHEMA_FILE), str(study), "--cores", "2"])
    assert "The study small: 556 stimuli (faces 100" in capsys.readouterr().out
    open_ended = small()
    open_ended["stimuli"]["categories"]["more"] = {"source": "celeba"}
    study.write_text(yaml.safe_dump(open_ended))
    with pytest.raises(SystemExit, match=r"stimuli.categories.more: takes all that celeba has"):
        main([str(SCHEMA_FILE), str(study)])
    study.write_text(yaml.safe_dump(small() | {"seed": "one"}))
    with pytest.raises(SystemExit, match=r"seed: got 'one'"):
        main([str(SCHEMA_FILE), str(study)])


def test_sizes_and_times_are_written_as_they_are_read():
    assert [size(number) for number in (0, 999, 1e3, 1.38e9, 2e12)] == ["0 B", "999 B", "1 kB", "1.38 GB", "2 TB"]
    assert [duration(number) for number in (3, 600, 7200)] == ["3 s", "10 min", "2.0 h"]
    assert np.isfinite(float(duration(1e6).split()[0]))
