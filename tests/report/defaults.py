"""What a configuration has by default, as the workflow resolves it."""

import copy

ABLATION = {
    "mean": "map", "background": "mean", "matching": "layer", "bins": 10, "compare": [], "shuffles": 20,
    "fractions": [], "keep": False, "layers": False, "values": [], "series_controls": 100, "jobs": 1,
}  # fmt: skip
INFERENCE = {
    "interval": "bca", "fdr": "benjamini_hochberg", "family": "network", "least_d": 0.2, "adjust": "holm",
}  # fmt: skip


def completed(config):
    """Add every key that a resolved configuration has; what is given stays."""
    made = copy.deepcopy(dict(config))
    made["ablation"] = ABLATION | made["ablation"]
    made["inference"] = INFERENCE | made["inference"]
    made["contrasts"] = {name: {"each": False} | sides for name, sides in made["contrasts"].items()}
    return {"readouts": {}, "replicates": {}} | made
