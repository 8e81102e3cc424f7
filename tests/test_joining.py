"""Contrasts and masks that were made one by one are, put together, what one job makes of all."""

import contextlib

import numpy as np
import pytest
import xarray as xr

from deeplocalizer import contrast, joining, masks, provenance, store, units
from deeplocalizer.moments import localized
from tests.masks.planted import recorded

CONTRASTS = {
    "one": {"preferred": ["faces"], "other": ["objects"]},
    "two": {"preferred": ["objects"], "other": ["faces"]},
    "each": {"preferred": ["faces"], "other": ["objects", "scenes"], "each": True},
}
RULE = {"statistic": "t", "sign": "positive", "scope": "network", "count": 12}
LOCALIZERS = {
    "many": RULE | {"contrast": "one", "count": 30},
    "few": RULE | {"contrast": "two", "sign": "absolute"},
    "other": RULE | {"contrast": "two", "sign": "negative", "scope": "layer", "count": 3},
}
SETTINGS = {"controls": 20, "compare": ["bottom", "shuffled", "random_response"], "shuffles": 4}
SERIES = {"fractions": [0.1, 0.2], "keep": True, "layers": True, "series_controls": 5}


@pytest.fixture(scope="module")
def moments():
    return recorded(preferring=range(40, 52), shift=3.0)


@pytest.fixture(scope="module")
def contrasts(moments):
    return contrast.welch(moments, CONTRASTS, family="layer")


def of(one):
    """Give a localizer's contrast alone."""
    name = LOCALIZERS[one]["contrast"]
    return {name: CONTRASTS[name]}


@contextlib.contextmanager
def saved(folder, parts, kind):
    """Give the parts as they come from disk, lazily."""
    with contextlib.ExitStack() as opened:
        found = []
        for number, part in enumerate(parts):
            path = folder / f"{kind}{number}.nc"
            store.save(provenance.stamp(part, kind, "t", {}), path)
            found.append(opened.enter_context(store.lazy(path, kind)))
        yield found


def test_contrasts_do_not_depend_on_one_another(moments, contrasts, tmp_path):
    parts = [contrast.welch(moments, {name: sides}, family="layer") for name, sides in CONTRASTS.items()]
    with saved(tmp_path, parts, "contrast") as opened:
        joined = joining.along("contrast", opened)
    xr.testing.assert_equal(joined, contrasts)
    assert {name: joined[name].attrs for name in contrasts} == {name: contrasts[name].attrs for name in contrasts}


@pytest.mark.parametrize("make", [masks.table, masks.series])
def test_masks_do_not_depend_on_other_localizers(moments, contrasts, make, tmp_path):
    settings = SETTINGS if make is masks.table else SERIES
    whole = make(contrasts, LOCALIZERS, settings, 0, moments=moments, sides=CONTRASTS, alpha=0.1)
    parts = [
        make(
            contrasts.sel(contrast=list(of(name))), {name: rule}, settings, 0, moments=moments, sides=of(name),
            alpha=None,
        )
        for name, rule in LOCALIZERS.items()
    ]  # fmt: skip
    assert not any("true_share" in part for part in parts)
    with saved(tmp_path, parts, "masks") as opened:
        joined = joining.along("mask", opened)
    bounded = masks.bounded(joined, contrasts, LOCALIZERS, 0.1)
    xr.testing.assert_equal(bounded, whole)
    assert np.isfinite(bounded["true_share"].values).sum() == (bounded["kind"] == "localizer").sum()


def test_what_does_not_belong_together_is_named(contrasts):
    one, two = (contrasts.sel(contrast=[name]) for name in ("one", "two"))
    with pytest.raises(ValueError, match="no parts to put together along 'contrast'"):
        joining.along("contrast", [])
    with pytest.raises(ValueError, match="contrast 'one' is in two of the parts"):
        joining.along("contrast", [one, two, one])
    with pytest.raises(ValueError, match="differ: 'auroc' is not in all of them"):
        joining.along("contrast", [one, two.drop_vars("auroc")])
    fewer = two.isel(unit=slice(50))
    fewer = fewer.assign_attrs(units_digest=units.digest(fewer))
    with pytest.raises(units.UnitsMismatchError):
        joining.along("contrast", [one, fewer])
    with pytest.raises(units.UnitsMismatchError):
        masks.bounded(masks.table(one, {"many": LOCALIZERS["many"]}, 3, 0, alpha=None), fewer, LOCALIZERS, 0.1)


def test_what_a_contrast_needs_of_the_moments_is_enough(moments, contrasts):
    """Shuffled labels, too; the order of the categories is the recorded one."""
    few = recorded(preferring=range(40, 52), shift=3.0)
    part = localized(few, ["objects", "faces"])
    assert part["category"].values.tolist() == ["faces", "objects"]
    rule = {"many": LOCALIZERS["many"]}
    tables = [masks.table(contrasts, rule, SETTINGS, 0, moments=given, sides=CONTRASTS) for given in (moments, part)]
    xr.testing.assert_identical(*tables)
    xr.testing.assert_identical(contrast.welch(part, of("many")), contrast.welch(moments, of("many")))
    with pytest.raises(KeyError, match=r"category 'cars' was not recorded; recorded are faces, objects, scenes"):
        localized(moments, ["cars"])
    with pytest.raises(KeyError, match="split 'localize' was not recorded"):
        localized(moments.assign_coords(split=["test"]), ["faces"])
