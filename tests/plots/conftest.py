"""Datasets to draw, and a way to find what was drawn."""

import numpy as np
import pytest
import xarray as xr

from tests import synthetic


def artists(figure):
    """Find the named artists of a figure."""
    return {artist.get_gid(): artist for artist in figure.findobj(lambda one: one.get_gid() is not None)}


def texts(figure):
    """List every word that is shown."""
    return [text.get_text() for text in figure.findobj(lambda one: hasattr(one, "get_text")) if text.get_text()]


def hand_made(tasks, localizers, rows, controls=20, chance=0.5, outcome="correct"):
    """Make effects by hand.

    ``rows`` maps (kind, localizer, other, task, scale) to (estimate, low, high, p, p_family).
    """
    names = ["/".join(part for part in row if part) for row in rows]
    numbers = np.array(list(rows.values()), dtype=float).reshape(len(rows), 5)
    keys = np.array(list(rows), dtype=object).reshape(len(rows), 5)
    data = {
        name: (("comparison", "outcome"), numbers[:, [column]])
        for column, name in enumerate(("estimate", "low", "high", "p", "p_family"))
    }
    shape = (len(rows), 1)
    harm = np.linspace(-0.05, 0.1, controls)
    return xr.Dataset(
        {
            **data,
            "n": (("comparison", "outcome"), np.full(shape, 40)),
            "groups": (("comparison", "outcome"), np.full(shape, 40)),
            "method": (("comparison", "outcome"), np.full(shape, "BCa bootstrap", dtype=object)),
            "control_harm": (
                ("localizer_name", "task_name", "control", "outcome"),
                np.tile(harm[None, None, :, None], (len(localizers), len(tasks), 1, 1)),
            ),
            "chance": ("task_name", np.full(len(tasks), chance)),
            "p_able": ("task_name", np.full(len(tasks), 0.001)),
        },
        coords={
            "comparison": names,
            **{
                name: ("comparison", keys[:, i])
                for i, name in enumerate(("kind", "localizer", "other", "task", "scale"))
            },
            "outcome": [outcome],
            "localizer_name": list(localizers),
            "task_name": list(tasks),
        },
    )


@pytest.fixture(scope="session")
def config():
    return synthetic.configuration()


@pytest.fixture(scope="session")
def table(config):
    return synthetic.stimuli(config)


@pytest.fixture(scope="session")
def contrasts(config, table):
    return synthetic.contrasts(config, table, synthetic.LAYERS, dead=2)


@pytest.fixture(scope="session")
def masks(config, contrasts):
    return synthetic.selected(config, contrasts)


@pytest.fixture(scope="session")
def effects(config, table):
    return synthetic.measured(config, table, synthetic.DOUBLE)
