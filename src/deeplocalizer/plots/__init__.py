"""Figures of a study, each a function from labelled datasets to a Matplotlib figure.

stimuli          samples of every category in every split
confounds        what may tell the categories apart besides what they show
selectivity      preference of every unit, by layer
reliability      how preferences and masks repeat, beside shuffled labels
masks            what the localizers select, by layer, and how their masks overlap
effects          performance intact, ablated and under every random control
dissociation     harm to each task by each mask
curves           harm by share of units silenced, by layer, and where only the mask is kept
drawing          the common look, and deterministic SVG

Nothing here is imported with the package, and importing a figure changes no setting of Matplotlib.
"""
