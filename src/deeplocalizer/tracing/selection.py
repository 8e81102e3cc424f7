"""The layers that patterns choose.

Selection        layers, their places, and what was passed over
select           choose layers by patterns
trace            the layers of some places
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import nn

from deeplocalizer import hooks
from deeplocalizer.hooks import Place, Site
from deeplocalizer.tracing.flow import operations
from deeplocalizer.tracing.survey import Finding, survey
from deeplocalizer.units import Layer


@dataclass(frozen=True)
class Selection:
    """Layers, their places, and what was passed over.

    Parameters
    ----------
    places : dict of Module or Operation
        By name; each has a layer.
    layers : list of Layer
        In the order in which the network calls them.
    others : dict of list of Site
        For each layer that has them: sites that were chosen too, but gave the same output.
    left_out : dict of str
        Why an output that a wide pattern covers has no units, by the site's name.
    """

    places: dict[str, Place]
    layers: list[Layer]
    others: dict[Site, list[Site]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


def select(model: nn.Module, patterns: Sequence[str], example: torch.Tensor) -> Selection:
    """Choose layers by patterns.

    Parameters
    ----------
    model : Module
    patterns : sequence of str
        See `hooks.find`. Of outputs that are one and the same, such as a block's and its last module's, the one that
        an earlier pattern matches is kept, else the one that came first.
    example : Tensor
        A batch of one, or more.

    Raises
    ------
    ValueError
        If a pattern matches nothing, if a place takes no part in the forward pass, gives no real numbers, or an output
        has no units. Patterns with ``**`` and patterns of several operations leave such places out.
    """
    wanted = operations(model, example) if _of_operations(model, patterns) else []
    places = hooks.find(model, patterns, wanted)

    def ranked(site: Site) -> int | None:
        return hooks.rank(patterns, site)

    everything = survey(model, places, example)
    findings = [one for one in everything if ranked(one.site) is not None]
    exact = [pattern for pattern in patterns if not hooks.wide(pattern)]
    strict = {name: place for name, place in places.items() if any(hooks.matches(p, name) for p in exact)}
    _refuse_silent(model, strict, everything, example)
    _refuse_absent_calls(patterns, findings)
    left_out = {}
    for one in findings:
        if one.layer is None:
            if one.site.place in strict:
                raise ValueError(one.problem)
            left_out[str(one.site)] = one.note
    kept = [one for one in findings if one.layer is not None]
    if not kept:
        raise ValueError(f"layers {', '.join(map(repr, patterns))}: none of {len(left_out)} outputs has units")
    return _chosen(places, kept, ranked, left_out)


def trace(
    model: nn.Module, places: Mapping[str, Place], example: torch.Tensor, sites: Collection[Site] | None = None
) -> list[Layer]:
    """Find the layers of some places by running one example.

    Parameters
    ----------
    model : Module
    places : mapping of Module or Operation
        As `hooks.find` gives them.
    example : Tensor
        A batch of one, or more.
    sites : collection of Site, optional
        Those that are wanted; others of the same places are passed over.

    Returns
    -------
    list of Layer
        In the order in which the network calls them. Of outputs that are one and the same, the first; all of them
        where sites are given.

    Raises
    ------
    ValueError
        If a place takes no part in the forward pass or gives no real numbers, if its rows are not stimuli, if it
        cannot be told which axis of a map is the channel, or a site is not there.
    """
    findings = survey(model, places, example)
    _refuse_silent(model, places, findings, example)
    if sites is not None:
        absent = sorted(set(sites) - {one.site for one in findings}, key=str)
        if absent:
            raise ValueError(f"layer {absent[0].name!r}: there is no call {absent[0].call} in the forward pass")
        findings = [dataclasses.replace(one, twin=None) for one in findings if one.site in set(sites)]
    for one in findings:
        if one.layer is None:
            raise ValueError(one.problem)
    return _chosen(places, findings, lambda _: 0, {}).layers


def _of_operations(model: nn.Module, patterns: Sequence[str]) -> bool:
    """Say whether any pattern can only be of operations; to find those takes a pass."""
    paths = [path for path, _ in model.named_modules()]
    return any(not any(hooks.matches(pattern, path) for path in paths) for pattern in patterns)


def _chosen(
    places: Mapping[str, Place],
    findings: Sequence[Finding],
    ranked: Callable[[Site], int | None],
    left_out: dict[str, str],
) -> Selection:
    """Keep one of those that are the same."""
    families: dict[Site, list[Finding]] = {}
    for one in findings:
        families.setdefault(one.twin or one.site, []).append(one)
    best = {site: min(family, key=lambda one: ranked(one.site) or 0) for site, family in families.items()}
    heads = {one.site for one in best.values()}
    layers = [one.layer for one in findings if one.site in heads and one.layer is not None]
    others = {
        best[site].site: [one.site for one in family if one.site != best[site].site]
        for site, family in families.items()
        if len(family) > 1
    }
    needed = {site.place for site in heads}
    return Selection({name: place for name, place in places.items() if name in needed}, layers, others, left_out)


def _refuse_silent(
    model: nn.Module, places: Mapping[str, Place], findings: Sequence[Finding], example: torch.Tensor
) -> None:
    """Refuse places that gave nothing that could be recorded."""
    seen = {one.site.place for one in findings}
    ran = {one.place for one in findings}
    silent = {name: place for name, place in places.items() if name not in seen and place not in ran}
    if not silent:
        return
    with torch.no_grad(), hooks.watching(silent) as gave:
        model(example)
    for name in silent:
        if name not in gave:
            raise ValueError(f"layer {name!r} takes no part in the forward pass of {type(model).__name__}")
        raise ValueError(f"layer {name!r} gives no tensor of real numbers but a {gave[name]}; it has no units")


def _refuse_absent_calls(patterns: Sequence[str], findings: Sequence[Finding]) -> None:
    for pattern in patterns:
        if not any(hooks.rank([pattern], one.site) is not None for one in findings) and "#" in pattern:
            raise ValueError(f"layer {pattern!r}: there is no such call in the forward pass")
