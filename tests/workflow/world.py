"""The network that the paper's study needs, on loopback: a Hub, a server of photographs, a small ResNet.

World            the two servers, the folders of a process that uses them, and what it fetched
paper            the paper's study, small enough for a test
legacy           the original's method, small enough for a test
"""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.serving import hub, images
from tests.workflow.conftest import ROOT, snakemake

COCO = "036f3f8291db64d17faad9b09e59dd30bb65c4d7"
CELEBA = "ed9021d" + "0" * 33  # of which the configuration knows the beginning
RESNET = "4d180fbdc81b4d5d4eaa86ab89bdd669200dd477"
LICENCES = {1: ("Attribution License", "http://creativecommons.org/licenses/by/2.0/")}
KINDS = {1: ("person", "person"), 3: ("car", "vehicle"), 18: ("dog", "animal")}
WITHOUT, WITH = 70, 50  # photographs of val2017 without people, and with


@dataclass
class World:
    """Servers and folders of a study."""

    hub: hub.HubServer
    photographs: images.ImageServer
    home: Path

    def run(self, folder: Path, config: dict[str, Any], *words: str, offline: bool = False) -> Any:
        """Run the workflow as a user does whose Hub is on loopback."""
        environment = hub.environment(self.hub, self.home, offline)
        environment.pop("PYTHONPATH", None)
        result: subprocess.CompletedProcess[str] = snakemake(folder, config, *words, env=environment)
        return result

    @property
    def asked(self) -> int:
        """How many requests both servers have had."""
        return len(self.hub.requests) + len(self.photographs.requests)


@contextlib.contextmanager
def served(home: Path) -> Iterator[World]:
    """Serve small data sets and a small model under the names and revisions of the paper's."""
    with hub.HubServer() as server, images.ImageServer() as photographs:
        server.add_dataset("tpremoli/CelebA-attrs", hub.celeba_files(), revision=CELEBA)
        kinds = {number: [3] if number % 2 else [18, 3] for number in range(1, WITHOUT + 1)}
        kinds |= {number: [1, 3] for number in range(WITHOUT + 1, WITHOUT + WITH + 1)}
        rows = []
        for number in kinds:
            address = photographs.add(f"/val2017/{number:012d}.jpg", images.jpeg(number, 160))
            rows.append({"image_id": number, "coco_url": address, "height": 160, "width": 160})
        server.add_dataset("phiyodr/coco2017", hub.coco_files({"validation": rows, "train": rows[:1]}), revision=COCO)
        members = {"annotations/instances_val2017.json": images.instances(kinds, KINDS, LICENCES)}
        photographs.add("/annotations.zip", images.archive(members), "application/zip")
        _add_resnet(server, home)
        yield World(server, photographs, home)


def paper(world: World) -> dict[str, Any]:
    """Give the paper's study with fewer stimuli and controls; all else is as it stands."""
    config = _loaded("config.yaml", world)
    config["ablation"] |= {"controls": 40, "shuffles": 3, "fractions": [0.05, 0.1], "series_controls": 40}
    for readout in config["readouts"].values():
        readout |= {"layer": "resnet.encoder.stages.1.layers.1", "folds": 3}  # which is the last of the small one
    config["readouts"]["gender"]["classes"] = ["Bangs"]  # of the few faces that are drawn, half
    # the photographs that are drawn to select show nothing but cars
    config["readouts"]["kind"] = config["readouts"]["kind"] | {
        "classes": "category",
        "categories": ["faces", "objects"],
    }
    for localizer in config["localizers"].values():
        localizer["fraction"] = 0.1  # a small network has few units
    return config


def legacy(world: World) -> dict[str, Any]:
    """Give the original's method with fewer stimuli and units; all else is as it stands."""
    config = _loaded("legacy.yaml", world)
    config["localizers"]["faces"]["count"] = 25
    return config


def _loaded(name: str, world: World) -> dict[str, Any]:
    config: dict[str, Any] = yaml.safe_load((ROOT / "config" / name).read_text())
    for category in config["stimuli"]["categories"].values():
        category["count"] = 60
    config["stimuli"]["categories"]["objects"]["annotations"] = f"{world.photographs.url}/annotations.zip"
    config["inference"] = {"resamples": 1000}
    config["downloads"] = str(world.home / "resources")
    return config


def _add_resnet(server: hub.HubServer, home: Path) -> None:
    import torch
    from transformers import ConvNextImageProcessor, ResNetConfig, ResNetForImageClassification

    torch.manual_seed(0)
    config = ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 16], depths=[1, 2], layer_type="basic", num_labels=12, num_channels=3
    )
    folder = home / "resnet"
    ResNetForImageClassification(config).save_pretrained(folder)
    ConvNextImageProcessor(size={"shortest_edge": 64}, crop_pct=0.875, resample=3).save_pretrained(folder)
    server.add_model("microsoft/resnet-34", folder, revision=RESNET)
