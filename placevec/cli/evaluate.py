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
    from placevec.evaluation import evaluate as evaluate_model

    options = dict(vars(settings))
    as_json = options.pop("json")
    evaluation = evaluate_model(places, progress=progress_bar, **options)
    print(json.dumps(evaluation.summary()) if as_json else evaluation)
