"""Ablation: outcomes of a network without some of its units, or with nothing but them.

filling          what replaces a unit: zero, its mean response, its response to another stimulus
donors           the other stimulus of each
mean_maps        record the mean response at every position
unit_sites       the sites whose mean responses masks need
ablate           outcomes of every stimulus, intact and under every mask
group_size       how many masks share a pass
part             the masks of one of several jobs
"""

from deeplocalizer.ablation.donors import donors
from deeplocalizer.ablation.filling import Filling, filling, replacements
from deeplocalizer.ablation.maps import mean_maps, unit_sites
from deeplocalizer.ablation.running import ablate
from deeplocalizer.ablation.scattering import group_size, part
from deeplocalizer.ablation.table import INTACT

__all__ = [
    "INTACT",
    "Filling",
    "ablate",
    "donors",
    "filling",
    "group_size",
    "mean_maps",
    "part",
    "replacements",
    "unit_sites",
]
