"""What was shown.

stimuli          sources, matching, splits and groups
"""

from __future__ import annotations

from deeplocalizer.report import sources
from deeplocalizer.report.study import Study
from deeplocalizer.report.wording import count, name


def stimuli(study: Study) -> str:
    """Tell the sources, what was made of the images, the splits and the groups."""
    told = [
        f"- *{name(category)}*: {count(len(study.select(category=[category])), 'image')}, "
        f"{sources.described(study, category)}."
        for category in study.config["stimuli"]["categories"]
    ]
    parts = [sources.matching(study), sources.dealing(study), sources.attributes(study)]
    return "\n\n".join(["\n".join(told), *(part for part in parts if part)])
