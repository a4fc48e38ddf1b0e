"""`placevec evaluate`: recall of a model on photos with positions."""

import json
from typing import Annotated

from placevec.cli.arguments import Flags, Places
from placevec.cli.surroundings import progress_bar
from placevec.config import EvaluateConfig


def evaluate(places: Places, /, settings: Annotated[EvaluateConfig, Flags]) -> None:
    """Measure recall@N: how often a right photo is among the first N found.

    Args:
        places: Photos with positions: READER:PATH, or a path whose format placevec recognizes.
        settings: How recall is measured.
    """
    from placevec.evaluation import compare

    options = dict(vars(settings))
    as_json = options.pop("json")
    found = compare(places, progress=progress_bar, **options)
    if as_json:
        summaries = {label: evaluation.summary() for label, evaluation in found.items()}
        print(json.dumps(summaries if len(found) > 1 else next(iter(summaries.values()))))
        return
    for label, evaluation in found.items():
        print(f"{label}\n{evaluation}" if len(found) > 1 else evaluation)
    if settings.out is not None:
        print(f"the report is {settings.out / 'report.html'}")
