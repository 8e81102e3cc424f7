"""Photographs of COCO by what they show, from servers of the Hub, of annotations and of images as they are there."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from huggingface_hub import constants

from deeplocalizer.downloads import disk, offline
from deeplocalizer.downloads.errors import DownloadError
from deeplocalizer.downloads.files import Limits
from deeplocalizer.stimuli.record import Draw
from deeplocalizer.stimuli.sources import coco as room
from deeplocalizer.stimuli.sources import coco_annotations
from deeplocalizer.stimuli.sources.coco import coco
from tests.serving.hub import HubServer, coco_files, environment, redirected
from tests.serving.images import ImageServer, archive, instances, jpeg

REPOSITORY = "phiyodr/coco2017"
CATEGORIES = {
    1: ("person", "person"),
    2: ("bicycle", "vehicle"),
    17: ("cat", "animal"),
    18: ("dog", "animal"),
    62: ("chair", "furniture"),
}
LICENCES = {
    1: ("Attribution-NonCommercial-ShareAlike License", "http://creativecommons.org/licenses/by-nc-sa/2.0/"),
    4: ("Attribution License", "http://creativecommons.org/licenses/by/2.0/"),
}
ZIP = "/annotations/annotations_trainval2017.zip"


def photographs(seed, first, number):
    """Give ids of images and what they show: half show a person, some show nothing."""
    rng = np.random.default_rng(seed)
    ids = first + 7 * rng.permutation(number)
    return {int(one): rng.choice(list(CATEGORIES), rng.integers(0, 4)).tolist() for one in ids}


SHOWN = {"validation": photographs(0, 139, 60), "train": photographs(1, 100_009, 80)}


def without(*names, subset="validation"):
    ids = {number for number, (name, _) in CATEGORIES.items() if name in names}
    return {image for image, members in SHOWN[subset].items() if ids.isdisjoint(members)}


@pytest.fixture
def images():
    with ImageServer() as server:
        for subset, folder in (("validation", "val2017"), ("train", "train2017")):
            for image in SHOWN[subset]:
                server.add(f"/{folder}/{image:012d}.jpg", jpeg(image))
        annotations = {
            coco_annotations.SUBSETS[subset]: instances(members, CATEGORIES, LICENCES)
            for subset, members in SHOWN.items()
        }
        captions = {"annotations/captions_train2017.json": np.random.default_rng(0).bytes(3_000_000)}
        server.add(ZIP, archive({**captions, **annotations}), "application/zip")
        yield server


@pytest.fixture
def hub(images):
    with HubServer() as server:
        rows = {
            subset: [{"image_id": image, "license": 4 if image % 2 else 1} for image in members]
            for subset, members in SHOWN.items()
        }
        server.sha = server.add_dataset(REPOSITORY, coco_files(rows, base=images.url))
        yield server


@pytest.fixture
def ask(hub, images, tmp_path, monkeypatch):
    """A draw in which everything but what is given is as a study's defaults are."""
    for name in offline.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 10)
    monkeypatch.setattr(room, "LIMITS", Limits(attempts=3, backoff=0.01, longest_pause=0.2))

    def ask(count, seed=0, downloads=tmp_path / "downloads", **settings):
        given = {
            "source": "coco",
            "repository": REPOSITORY,
            "revision": hub.sha,
            "annotations": images.url + ZIP,
            "subset": ["validation", "train"],
            "exclude": ["person"],
            "require": [],
            **settings,
        }
        return coco(Draw("objects", given, count, seed, {"localize": 0.5, "test": 0.5}, downloads))

    with redirected(hub, tmp_path / "home"):
        yield ask


def numbers(drawn):
    return [int(record.id.removeprefix("coco-")) for record in drawn.records]


def fetched(images):
    return [path for path in images.asked if path.endswith(".jpg")]


def test_images_without_people_are_drawn_with_all_that_is_known_of_them(ask, hub, images):
    drawn = ask(20)
    assert len(drawn.records) == 20
    assert set(numbers(drawn)) <= without("person")
    for number, record in zip(numbers(drawn), drawn.records, strict=True):
        assert record.id == f"coco-{number:012d}"
        assert record.encoded == jpeg(number)
        assert record.source == f"{images.url}/val2017/{number:012d}.jpg"
        name, url = LICENCES[4 if number % 2 else 1]
        assert record.licence == f"{name} ({url})"
        shown = {CATEGORIES[category][0] for category in SHOWN["validation"][number]}
        assert record.attributes == {name: int(name in shown) for name, _ in CATEGORIES.values()}
        assert (record.group, record.split, record.label) == ("", "", "")
    assert {name: one.parent for name, one in drawn.vocabulary.items()} == dict(CATEGORIES.values())
    assert {one.vocabulary for one in drawn.vocabulary.values()} == {"coco"}
    assert drawn.origin["repository"] == REPOSITORY
    assert drawn.origin["revision"] == hub.sha
    assert drawn.origin["annotations"] == images.url + ZIP
    assert drawn.origin["subset"] == "validation"
    assert len(drawn.origin["annotations_digest"]) == 64
    assert drawn.refused == ()


def test_asking_for_more_or_excluding_less_keeps_the_order(ask):
    everything = numbers(ask(60, exclude=[]))
    assert sorted(everything) == sorted(SHOWN["validation"])
    assert numbers(ask(25, exclude=[])) == everything[:25]
    allowed = [number for number in everything if number in without("person")]
    assert numbers(ask(len(allowed))) == allowed
    assert numbers(ask(10)) == allowed[:10]
    assert numbers(ask(10, seed=1)) != allowed[:10]
    assert allowed[:10] != sorted(allowed)[:10]


def test_only_images_with_one_of_what_is_required_are_drawn(ask):
    drawn = ask(None, require=["cat", "dog"])
    assert set(numbers(drawn)) == without("person") - without("cat", "dog")
    assert ask(None, exclude=["person", "cat", "dog"]).records
    assert set(numbers(ask(None, exclude=["person", "cat"]))) == without("person", "cat")


def test_train_is_drawn_from_only_where_validation_does_not_suffice(ask, tmp_path):
    enough = len(without("person"))
    ask(enough)
    kept = tmp_path / "downloads" / "coco" / "annotations"
    assert len(list(kept.glob("*-validation.json"))) == 1 and not list(kept.glob("*-train.json"))
    drawn = ask(enough + 5)
    assert list(kept.glob("*-train.json"))
    assert numbers(drawn)[:enough] == numbers(ask(enough))
    assert set(numbers(drawn)[enough:]) <= without("person", subset="train")
    assert drawn.origin["subset"] == "validation, train"
    assert set(numbers(ask(5, subset=["train", "validation"]))) <= without("person", subset="train")


def test_only_the_needed_members_of_the_archive_are_read(ask, images):
    ask(1)
    of_archive = sum(request.sent for request in images.requests if request.path == ZIP)
    assert len(images.files[ZIP].content) > 3_000_000 and of_archive < 500_000


def test_a_shortage_is_told_before_any_image_is_fetched(ask, images):
    left = {subset: len(without("person", subset=subset)) for subset in SHOWN}
    total = sum(left.values())
    with pytest.raises(
        ValueError, match=f"'objects': 1,000 images of COCO are asked for, but only {total} are left"
    ) as caught:
        ask(1000)
    message = str(caught.value)
    assert f"{left['validation']} in validation of 60, as {60 - left['validation']} show person" in message
    assert f"{left['train']} in train of 80, as {80 - left['train']} show person" in message
    assert f"lower count to {total} or less" in message and "exclude less than person" in message
    with pytest.raises(ValueError, match="add train to subset"):
        ask(left["validation"] + 1, subset=["validation"])
    with pytest.raises(ValueError, match="do not show cat or dog"):
        ask(1000, require=["cat", "dog"])
    assert fetched(images) == []


@pytest.mark.parametrize("key", ["exclude", "require"])
def test_an_unknown_kind_of_object_is_named_with_those_near_it(ask, images, key):
    with pytest.raises(
        ValueError, match=f"'objects': {key} names 'persn', which COCO does not know; near it are person"
    ):
        ask(5, **{key: ["persn"]})
    with pytest.raises(ValueError, match="it knows person, bicycle, cat, dog, chair"):
        ask(5, **{key: ["zzz"]})
    assert fetched(images) == []


def test_an_unknown_subset_is_named(ask):
    with pytest.raises(ValueError, match="no subset 'test'; it has validation, train"):
        ask(5, subset=["test"])


FAULTS = [
    ("status", {"status": 404}, "HTTP 404"),
    ("html", {}, "not an image: the server sent text/html"),
    ("loop", {}, "redirected more than"),
    ("corrupt", {}, "refused"),
    ("truncate", {}, "truncated"),
    ("status", {"status": 503}, "HTTP 503"),
]


@pytest.mark.parametrize(("kind", "how", "reason"), FAULTS, ids=[reason for _, _, reason in FAULTS])
def test_what_cannot_be_had_is_refused_by_name_and_replaced_by_the_next(
    ask, hub, images, tmp_path, monkeypatch, kind, how, reason
):
    order = numbers(ask(12, downloads=tmp_path / "undisturbed"))
    images.fault(f"/val2017/{order[3]:012d}.jpg", kind, **how)
    drawn = ask(11)
    assert numbers(drawn) == order[:3] + order[4:]
    (refused,) = drawn.refused
    assert refused.id == f"coco-{order[3]:012d}"
    assert f"{order[3]:012d}.jpg" in refused.reason and reason in refused.reason
    images.heal()
    images.forget()
    hub.requests.clear()
    assert ask(11) == drawn
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert ask(11) == drawn
    assert images.requests == [] and hub.requests == []


def test_where_failures_use_up_a_subset_the_next_one_stands_in(ask, images):
    allowed = without("person")
    lost = min(allowed)
    images.fault(f"/val2017/{lost:012d}.jpg", "status", status=404)
    drawn = ask(len(allowed))
    assert set(numbers(drawn)[:-1]) == allowed - {lost}
    assert numbers(drawn)[-1] in without("person", subset="train")
    assert [refused.id for refused in drawn.refused] == [f"coco-{lost:012d}"]
    with pytest.raises(DownloadError, match=f"only {len(allowed) - 1} of {len(allowed)} images of COCO for 'objects'"):
        ask(len(allowed), subset=["validation"])
    assert set(numbers(ask(None))) == allowed - {lost}


def test_offline_what_is_missing_is_named_with_what_fetches_it(ask, hub, images, monkeypatch, tmp_path):
    first = ask(10)
    images.forget()
    hub.requests.clear()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert ask(10) == first
    with pytest.raises(DownloadError, match=r"\d{12}.jpg .* run the same command once without HF_HUB_OFFLINE=1"):
        ask(11)
    with pytest.raises(DownloadError, match="instances_val2017.json .*run the same command once without"):
        ask(10, downloads=tmp_path / "elsewhere")
    assert images.requests == [] and hub.requests == []


def test_room_on_the_disk_is_asked_for_before_images_are_fetched(ask, images, monkeypatch):
    ask(3)  # so that annotations and table are there
    images.forget()
    monkeypatch.setattr(disk, "LEAST_MARGIN", 10**18)
    with pytest.raises(DownloadError, match="5 images of COCO for 'objects': 844.8 kB are to be downloaded"):
        ask(8)
    assert images.requests == []
    assert len(ask(3).records) == 3


def test_annotations_of_other_images_are_refused(ask, images):
    fewer = dict(list(SHOWN["validation"].items())[10:])
    path = coco_annotations.SUBSETS["validation"]
    images.add(ZIP, archive({path: instances(fewer, CATEGORIES, LICENCES)}), "application/zip")
    with pytest.raises(ValueError, match="10 images are not in the annotations .* belong together"):
        ask(5)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "does not hold instance annotations of COCO"),
        (b"{}", "missing required field `licenses`"),
        (b'{"licenses": [', "truncated"),
        (instances({5: [99]}, CATEGORIES, LICENCES), "no category 99"),
    ],
)
def test_what_is_not_annotations_is_named(ask, images, content, reason):
    path = coco_annotations.SUBSETS["validation"]
    images.add(ZIP, archive({path: content}), "application/zip")
    with pytest.raises(ValueError, match=reason) as caught:
        ask(5)
    assert path in str(caught.value)


CHILD = """
import json, sys
from pathlib import Path
from deeplocalizer.stimuli.record import Draw
from deeplocalizer.stimuli.sources.coco import coco
settings = json.loads(sys.argv[1])
drawn = coco(Draw("objects", settings, 20, 0, {}, Path(sys.argv[2])))
print(json.dumps([record.id for record in drawn.records]))
"""


def test_a_study_of_its_own_process_needs_no_network_the_second_time(ask, hub, images, tmp_path):
    settings = {
        "repository": REPOSITORY,
        "revision": hub.sha,
        "annotations": images.url + ZIP,
        "subset": ["validation"],
        "exclude": ["person"],
        "require": [],
    }

    def run(off):
        command = [sys.executable, "-W", "error", "-c", CHILD, json.dumps(settings), str(tmp_path / "downloads")]
        given = {**environment(hub, tmp_path / "home", off), "PYTHONPATH": os.pathsep.join(sys.path)}
        return json.loads(subprocess.run(command, env=given, check=True, capture_output=True, text=True).stdout)

    first = run(off=False)
    assert len(first) == 20
    images.forget()
    hub.requests.clear()
    assert run(off=True) == first == [record.id for record in ask(20).records]
    assert images.requests == [] and hub.requests == []


def test_of_the_annotations_only_a_summary_is_kept(ask, tmp_path):
    ask(1)
    kept = list((tmp_path / "downloads" / "coco" / "annotations").iterdir())
    assert sorted(path.suffix for path in kept) == [".json", ".jsonl"]
    whole = instances(SHOWN["validation"], CATEGORIES, LICENCES)
    assert all(path.stat().st_size < len(whole) / 4 for path in kept)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory is bounded by Linux's own means")
def test_annotations_as_large_as_those_of_train_cost_little_memory(tmp_path):
    path = tmp_path / "instances.json"
    outline = ", ".join(f"{value:.2f}" for value in np.random.default_rng(0).uniform(0, 640, 42))
    with path.open("w") as stream:
        stream.write(
            '{"licenses": [], "categories": [{"id": 1, "name": "person", "supercategory": "person"}], "images": ['
        )
        stream.write(", ".join(f'{{"id": {image}, "file_name": "{image:012d}.jpg"}}' for image in range(118_287)))
        stream.write('], "annotations": [')
        for number in range(860_001):
            one = f'"image_id": {number % 118_287}, "category_id": 1, "id": {number}, "iscrowd": 0'
            stream.write(f'{", " * (number > 0)}{{"segmentation": [[{outline}]], "area": 1.5, {one}}}')
        stream.write("]}")
    code = """
import resource, sys
from pathlib import Path
from deeplocalizer.stimuli.sources.coco_annotations import summarise
status = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
allowed = int(status["VmData"].split()[0]) * 1024 + 200 * 1024**2  # the file is mapped, which does not count here
resource.setrlimit(resource.RLIMIT_DATA, (allowed, allowed))
print(len(summarise(Path(sys.argv[1]), "").images))
"""
    command = [sys.executable, "-c", code, str(path)]
    images = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert path.stat().st_size > 300_000_000
    assert int(images) == 118_287
