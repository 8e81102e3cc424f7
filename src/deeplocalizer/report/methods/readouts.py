"""What is decoded from the network, and how.

readouts         the same, in Markdown; nothing without readouts
"""

from __future__ import annotations

from deeplocalizer.report import probes
from deeplocalizer.report.study import Study
from deeplocalizer.report.wording import code, count, name


def readouts(study: Study) -> str:
    """Tell what is decoded, and how."""
    if not study.config["readouts"]:
        return ""
    told = [
        f"- *{name(readout)}*: {probes.decoded(settings)}, from {code(settings['layer'])} "
        f"({settings['reduction'].replace('_', ' ')} over positions), with {count(settings['folds'], 'fold')}."
        for readout, settings in study.config["readouts"].items()
    ]
    return (
        "What a layer tells apart, whatever the outputs of the network are, is measured by readouts: logistic "
        "regressions [@alain2016; @pedregosa2011] from the responses of a layer to classes of stimuli. Each was fitted "
        f"on the split {code('select')} of the intact network, and neither its weights nor its penalty saw a test "
        "stimulus. The penalty was chosen within the folds of a nested cross-validation in which groups never part, "
        "which also gives the accuracy that is listed as cross-validated. The fitted readout was then applied to the "
        f"split {code('test')}, intact and under every mask; it is not fitted anew under ablation:\n\n"
        + "\n".join(told)
    )
