"""The tables of masks name what made each mask, and hold what their names say."""

import numpy as np
import pytest
import scipy.stats
import xarray as xr

from deeplocalizer import masks, multiplicity, store, units
from tests.masks.planted import COUNT, RULE, SIDES, TABLE, T, contrasted, contrasts, recorded

PLANTED = range(40, 52)
LOCALIZER = {"contrast": "c", "statistic": "t", "sign": "positive", "count": 12, "scope": "network"}
COMPARE = ["bottom", "opposite", "shuffled", "random", "random_response", "untrained"]


def test_the_table_names_what_made_each_mask():
    table = masks.table(contrasts(T), {"a": RULE, "b": RULE | {"sign": "negative"}}, 7, seed=0)
    assert table.sizes["mask"] == 16
    assert table["mask"].values[[0, 1, 8]].tolist() == ["a", "a/random-00000", "b"]
    assert table["rule"].values[8] == "top 0.25 of the network by negative t"
    assert (table["selected"].sum("unit") == 5).all()
    again = masks.table(contrasts(T), {"b": RULE | {"sign": "negative"}}, 7, seed=0)
    # the controls of one localizer do not depend on which others there are
    np.testing.assert_array_equal(again["selected"].values, table["selected"].values[8:])


def test_mistakes_are_named():
    with pytest.raises(ValueError, match="localizer 'a' selects none of 20 eligible units"):
        masks.table(contrasts(-np.abs(T) - 1), {"a": RULE}, 5, seed=0)
    with pytest.raises(ValueError, match="localizer 'a': only 220 different control masks .* 500 were asked for"):
        t = np.where(units.layer_names(TABLE) == "two", T + 100, -T - 100)
        masks.table(contrasts(t), {"a": RULE | {"fraction": 0.15}}, 500, seed=0)


def test_the_table_says_what_a_count_comes_to():
    dead = np.zeros(20, dtype=bool)
    dead[np.argsort(T)[:4]] = True
    localizers = {"a": COUNT, "b": COUNT | {"scope": "layer", "count": 2}}
    table = masks.table(contrasts(T, dead), localizers, 3, seed=0)
    assert table["rule"].values[[0, 4]].tolist() == [
        "top 4 units of the network by positive t",
        "top 2 units of each layer by positive t",
    ]
    np.testing.assert_allclose(table["fraction"], 4 / 16)
    assert (table["selected"].sum("unit") == 4).all()


def test_a_count_that_cannot_be_had_is_named():
    with pytest.raises(ValueError, match="localizer 'a': count is 15, but only 14 of 20 eligible units have a t that"):
        masks.table(contrasts(T), {"a": COUNT | {"count": 15}}, 3, seed=0)
    dead = units.layer_names(TABLE) == "one"
    dead[0] = False
    wanted = COUNT | {"scope": "layer", "count": 2, "sign": "absolute"}
    with pytest.raises(
        ValueError, match="count is 2, but only 1 of 1 eligible units of layer 'one' have a t that is not"
    ):
        masks.table(contrasts(np.abs(T) + 1, dead), {"a": wanted}, 3, seed=0)
    with pytest.raises(ValueError, match="only 0 of 20 eligible units have a t that is less than 0"):
        masks.table(contrasts(np.abs(T)), {"a": COUNT | {"sign": "negative"}}, 3, seed=0)


@pytest.fixture(scope="module")
def study():
    moments = recorded(preferring=PLANTED, shift=3.0)
    return moments, contrasted(moments)


@pytest.fixture(scope="module")
def everything(study):
    moments, contrast = study
    other = contrasted(recorded(seed=9, preferring=[1, 2]))
    settings = {"controls": 30, "compare": COMPARE, "shuffles": 6, "bins": 3}
    return masks.table(
        contrast, {"faces": LOCALIZER}, settings, 0, moments=moments, sides=SIDES, untrained=other, alpha=0.05
    )


def of_kind(table, kind):
    return table["selected"].values[table["kind"].values == kind]


def test_a_planted_subnetwork_is_found(everything):
    assert np.flatnonzero(everything["selected"].sel(mask="faces")).tolist() == list(PLANTED)
    assert everything["true_share"].sel(mask="faces") == 1.0
    assert np.isnan(everything["true_share"].values[1:]).all()
    assert np.isnan(masks.table(contrasts(T), {"a": RULE}, 2, seed=0)["imbalance"].values).all()


def test_every_control_has_its_name_kind_and_size(everything):
    counts = {kind: len(of_kind(everything, kind)) for kind in np.unique(everything["kind"].values)}
    assert counts == {"localizer": 1, "random": 30, "random_response": 30, "shuffled": 6} | dict.fromkeys(
        ("bottom", "opposite", "untrained"), 1
    )
    names = everything["mask"].values.tolist()
    for name in ("faces", "faces/random-00029", "faces/random_response-00000", "faces/shuffled-00005", "faces/bottom"):
        assert name in names
    assert (everything["units"] == 12).all()
    np.testing.assert_array_equal(everything["units"], everything["selected"].sum("unit"))
    assert set(everything["role"].values[1:]) == {"control"}


def test_controls_that_a_rule_chooses_are_what_they_say(everything, study):
    t = study[1]["t"].values[0]
    lowest = np.isin(np.arange(100), np.argsort(t)[:12])
    np.testing.assert_array_equal(of_kind(everything, "bottom")[0], lowest)
    np.testing.assert_array_equal(of_kind(everything, "opposite")[0], lowest)
    assert of_kind(everything, "untrained")[0][[1, 2]].all()
    shuffled = of_kind(everything, "shuffled")
    assert len({mask.tobytes() for mask in shuffled}) == 6
    # labels that are exchanged in half of the folds hide the preference: 12 of 100 units would be shared by chance
    assert shuffled[:, list(PLANTED)].mean() < 0.4


def test_the_bottom_of_an_absolute_ranking_is_what_is_least_selective(study):
    contrast = study[1]
    t = np.abs(contrast["t"].values[0])
    table = masks.table(contrast, {"a": LOCALIZER | {"sign": "absolute"}}, {"controls": 1, "compare": ["bottom"]}, 0)
    assert set(np.flatnonzero(of_kind(table, "bottom")[0])) == set(np.argsort(t)[:12])
    with pytest.raises(ValueError, match="localizer 'a': a localizer of sign 'absolute' has no opposite"):
        masks.table(contrast, {"a": LOCALIZER | {"sign": "absolute"}}, {"controls": 1, "compare": ["opposite"]}, 0)


def test_the_bottom_of_a_range_is_the_range_from_below(study):
    rule = LOCALIZER | {"count": None, "percentile": [90, 98]}
    table = masks.table(study[1], {"a": rule}, {"controls": 1, "compare": ["bottom"]}, 0)
    order = np.argsort(study[1]["t"].values[0])
    assert set(np.flatnonzero(table["selected"].values[0])) == set(order[90:98])
    assert set(np.flatnonzero(of_kind(table, "bottom")[0])) == set(order[2:10])


def test_controls_matched_by_response_are_closer_in_response(study):
    # planted units respond more, also on average
    moments, contrast = study
    found = {}
    for matching, kind in (("layer", "random"), ("response", "random_response")):
        settings = {"controls": 60, "matching": matching, "bins": 3}
        table = masks.table(contrast, {"a": LOCALIZER}, settings, 0, moments=moments, sides=SIDES)
        assert set(table["kind"].values[1:]) == {kind}
        response = np.abs(masks.mean_response(moments, SIDES["c"]))
        mask = table["selected"].values
        for row, value in enumerate(table["imbalance"].values):
            one, two = response[mask[0]], response[mask[row]]
            expected = (one.mean() - two.mean()) / np.sqrt((one.var() + two.var()) / 2)
            np.testing.assert_allclose(value, expected, atol=1e-12)
        found[kind] = float(masks.overlaps(table)["imbalance"].sel(localizer="a", kind=kind))
    eligible, selected = np.ones(100, bool), mask[0]
    bins = masks.binned(masks.stratum(contrast), eligible, selected, response, 3)
    for number in np.unique(bins):
        assert (mask[:, bins == number].sum(axis=1) == selected[bins == number].sum()).all()
    assert 0 < found["random_response"] < found["random"] - 0.3


def test_the_mean_response_from_moments_is_the_root_mean_square(study):
    cells = study[0].sel(split="localize", category=["faces", "objects"])
    square = (cells["mean"] ** 2 + cells["m2"] / 16).mean(["category", "fold"])  # 16 stimuli in each cell
    np.testing.assert_allclose(masks.mean_response(study[0], SIDES["c"]), np.sqrt(square), rtol=1e-12)
    np.testing.assert_allclose(study[1]["magnitude"].values[0], np.sqrt(square), rtol=1e-12)


def test_responses_are_matched_by_the_magnitude_of_the_contrast_even_where_they_cancel():
    # what is stored says how much units respond; moments of means near 0 would say nothing
    t = np.random.default_rng(2).permutation(20) + 1.0
    magnitude = np.arange(20.0)
    made = contrasts(t, magnitude=magnitude)
    settings = {"controls": 30, "matching": "response", "bins": 4}
    rule = RULE | {"fraction": 0.1, "scope": "layer"}
    table = masks.table(made, {"a": rule}, settings, 0)
    mask = table["selected"].values
    strata = masks.stratum(made)
    bins = masks.binned(strata, np.ones(20, bool), mask[0], magnitude, 4)
    assert len(np.unique(bins)) > 2
    for number in np.unique(bins):
        assert (mask[:, bins == number].sum(axis=1) == mask[0, bins == number].sum()).all()
    one, two = magnitude[mask[0]], magnitude[mask[1]]
    expected = (one.mean() - two.mean()) / np.sqrt((one.var() + two.var()) / 2)
    np.testing.assert_allclose(table["imbalance"].values[1], expected)


@pytest.mark.parametrize("sign", ["positive", "negative", "absolute"])
def test_the_true_share_is_one_sided_where_the_localizer_is(study, sign):
    contrast = study[1]
    t, df = contrast["t"].values[0], contrast["df"].values[0]
    p = {
        "positive": scipy.stats.t.sf(t, df),
        "negative": scipy.stats.t.cdf(t, df),
        "absolute": 2 * scipy.stats.t.sf(np.abs(t), df),
    }[sign]
    rule = LOCALIZER | {"sign": sign, "count": 20}
    table = masks.table(contrast, {"a": rule}, {"controls": 1}, 0, alpha=0.1)
    expected = multiplicity.true_discoveries(np.log10(p), table["selected"].values[0], 0.1) / 20
    np.testing.assert_allclose(table["true_share"].values[0], expected)
    # 128 against 128 stimuli of one variance: the effect of 0.2 moves t by 1.6
    least = {"positive": "_greater", "negative": "_less", "absolute": ""}[sign]
    p = {
        "positive": scipy.stats.nct.sf(t, df, 0.2 * 8),
        "negative": scipy.stats.nct.sf(-t, df, 0.2 * 8),
        "absolute": scipy.stats.nct.sf(np.abs(t), df, 0.2 * 8) + scipy.stats.nct.cdf(-np.abs(t), df, 0.2 * 8),
    }[sign]
    inside = np.abs(t) < 7  # beyond, SciPy gives no number
    assert inside.sum() > 80
    np.testing.assert_allclose(
        10 ** contrast[f"log10_p_least{least}"].values[0][inside], p[inside], rtol=0.05, atol=1e-9
    )
    known = contrast[f"log10_p_least{least}"].values[0]
    expected = multiplicity.true_discoveries(known, table["selected"].values[0], 0.1) / 20
    np.testing.assert_allclose(table["true_share_least"].values[0], expected)
    assert table["true_share_least"].values[0] <= table["true_share"].values[0]
    assert np.isnan(table["true_share_least"].values[1])


def test_controls_that_need_moments_say_so(study):
    for kind, needed in (
        ("shuffled", "needs the moments and the categories of the contrast"),
        ("random_response", "needs magnitude in the contrast, or moments and categories"),
    ):
        with pytest.raises(ValueError, match=f"localizer 'a': .*{needed}"):
            masks.table(study[1].drop_vars("magnitude"), {"a": LOCALIZER}, {"controls": 1, "compare": [kind]}, 0)


def test_controls_that_cannot_be_made_say_so(study):
    with pytest.raises(ValueError, match="localizer 'a': the untrained control needs the contrasts of an untrained"):
        masks.table(study[1], {"a": LOCALIZER}, {"controls": 1, "compare": ["untrained"]}, 0)
    with pytest.raises(ValueError, match="localizer 'a': control 'best' is unknown; allowed are bottom, opposite"):
        masks.table(study[1], {"a": LOCALIZER}, {"controls": 1, "compare": ["best"]}, 0)
    other = contrasted(recorded(layers=(30, 70)))
    with pytest.raises(units.UnitsMismatchError, match="differ"):
        masks.table(study[1], {"a": LOCALIZER}, {"controls": 1, "compare": ["untrained"]}, 0, untrained=other)


SERIES = {"fractions": [0.05, 0.2], "keep": True, "layers": True, "series_controls": 7, "controls": 3}


def test_series_hold_other_fractions_single_layers_and_what_is_kept(study):
    contrast = study[1]
    wide = LOCALIZER | {"count": 20}
    table = masks.series(contrast, {"faces": wide}, SERIES, 0)
    targets = table.isel(mask=np.flatnonzero(table["role"].values == "target"))
    assert targets["mask"].values.tolist() == [
        "faces@fraction=0.05",
        "faces@fraction=0.2",
        "faces@keep",
        "faces@layer=layer0",
        "faces@layer=layer1",
    ]
    assert targets["series"].values.tolist() == ["fraction", "fraction", "keep", "layer", "layer"]
    assert targets["level"].values.tolist() == ["0.05", "0.2", "", "layer0", "layer1"]
    sizes = targets["selected"].sum("unit").values
    np.testing.assert_allclose(targets["dose"], sizes / 100)
    assert sizes[:3].tolist() == [5, 20, 20]
    whole = masks.table(contrast, {"faces": wide}, {"controls": 1}, 0)["selected"].values[0]
    parts = targets["selected"].values[3:]
    np.testing.assert_array_equal(parts[0] | parts[1], whole)
    layer = units.layer_names(contrast)
    assert set(layer[parts[0]]) == {"layer0"}
    assert set(layer[parts[1]]) == {"layer1"}
    assert not np.isnan(targets["true_share"]).any()
    names = table["mask"].values.tolist()
    assert names[1:3] == ["faces@fraction=0.05/random-00000", "faces@fraction=0.05/random-00001"]
    for row in np.flatnonzero(table["role"].values == "control"):
        own = names.index(names[row].split("/")[0])
        assert table["selected"].values[row, :40].sum() == table["selected"].values[own, :40].sum()
        assert table["units"].values[row] == table["units"].values[own]


def test_series_have_no_more_controls_than_there_are_masks():
    # a layer of one unit matches nothing else; one unit of three matches three masks, its own among them
    contrast = contrasted(recorded(layers=(1, 3, 30), preferring=[0, 1], effect=9.0))
    settings = {"layers": True, "series_controls": 5}
    table = masks.series(contrast, {"a": LOCALIZER | {"count": 2}}, settings, 0)
    assert table["mask"].values.tolist() == [
        "a@layer=layer0",
        "a@layer=layer1",
        *(f"a@layer=layer1/random-{i:05d}" for i in range(3)),
    ]


def test_an_empty_series_is_an_artefact(study, tmp_path):
    table = masks.series(study[1], {"a": LOCALIZER}, {}, 0)
    assert table["selected"].shape == (0, 100)
    store.save(table.assign_attrs(title="Series", artefact="series"), tmp_path / "series.nc")
    again = store.open(tmp_path / "series.nc")
    assert again["selected"].shape == (0, 100)
    assert {"mask", "series", "level", "dose", "role"} <= set(again.coords)


def test_tables_come_back_from_disk_as_they_were(everything, tmp_path):
    store.save(everything.assign_attrs(title="Masks", artefact="masks"), tmp_path / "masks.nc")
    again = store.open(tmp_path / "masks.nc")
    xr.testing.assert_equal(again, everything)
    assert all(again[name].attrs.get("long_name") for name in ("units", "true_share", "imbalance", "kind"))


def test_overlaps_agree_with_sets(study):
    rules = {"a": LOCALIZER, "b": LOCALIZER | {"sign": "absolute", "count": 30}}
    table = masks.table(study[1], rules, {"controls": 4, "compare": ["bottom"]}, 0)
    found = masks.overlaps(table)
    a, b = (set(np.flatnonzero(table["selected"].sel(mask=name))) for name in "ab")
    pair = found.sel(target="a", against="b")
    assert int(pair["shared"]) == len(a & b)
    np.testing.assert_allclose(pair["dice"], 2 * len(a & b) / (len(a) + len(b)))
    np.testing.assert_allclose(pair["jaccard"], len(a & b) / len(a | b))
    drawn = table["selected"].values[(table["kind"] == "random") & (table["localizer"] == "b")]
    held = np.mean([len(b & set(np.flatnonzero(mask))) / 30 for mask in drawn])
    np.testing.assert_allclose(found["held"].sel(localizer="b", kind="random"), held)
    assert found["held"].sel(localizer="a", kind="bottom") == 0
    assert (found["controls"].sel(kind="random") == 4).all()


@pytest.mark.parametrize("sign", ["positive", "negative", "absolute"])
@pytest.mark.parametrize("scope", ["network", "layer"])
def test_no_mask_holds_a_dead_unit_and_a_constant_one_tells_perfectly(sign, scope):
    moments, other = recorded(preferring=PLANTED), recorded(seed=3)
    for table, dead in ((moments, slice(0, 60, 2)), (other, slice(1, 60, 6))):
        for name in ("mean", "m2"):
            table[name].values[..., dead] = 0
    faces, objects = (0, 1) if sign == "negative" else (1, 0)
    moments["m2"].values[..., 99] = 0
    moments["mean"].values[:2, ..., 99] = np.reshape([faces, objects], (2, 1, 1))
    contrast = contrasted(moments)
    kinds = [kind for kind in COMPARE if sign != "absolute" or kind != "opposite"]
    rule = LOCALIZER | {"sign": sign, "scope": scope, "count": None, "fraction": 0.05}
    settings = {"controls": 20, "compare": kinds, "shuffles": 40, "bins": 2}
    table = masks.table(contrast, {"a": rule}, settings, 0, moments=moments, sides=SIDES, untrained=contrasted(other))
    assert contrast["dead"].values[0].sum() == 30
    assert not table["selected"].values[:, contrast["dead"].values[0]].any()
    assert not of_kind(table, "untrained")[0][1:60:6].any()
    assert table["selected"].values[0, 99]
    shuffled = of_kind(table, "shuffled")
    assert len({mask.tobytes() for mask in shuffled}) == len(shuffled)
    # 8 folds have 35 exchanges that differ to what ignores the sign
    assert len(shuffled) <= (35 if sign == "absolute" else 40)
    assert len(shuffled) > 20
