"""`placevec evaluate`: measures the recall of models on photos with positions."""

import json
from typing import Annotated

from placevec.cli.arguments import Flags, Places
from placevec.cli.surroundings import progress_bar
from placevec.config import EvaluateConfig


def evaluate(places: Places, /, settings: Annotated[EvaluateConfig, Flags]) -> None:
    """Measure recall@N: how often a right photo is among the first N answers.

    Args:
        places: Photos with positions: READER:PATH, or a path whose format placevec recognizes.
        settings: How recall is measured.
    """
    from placevec.evaluation import compare
    from placevec.evaluation import evaluate as evaluate_model

    options = dict(vars(settings))
    models, as_json = options.pop("model"), options.pop("json")
    if len(models) > 1:
        found = compare(places, models, progress=progress_bar, **options)
        summary = {label: each.summary() for label, each in found.items()}
        text = "\n".join(f"{label}\n{each}" for label, each in found.items())
    else:
        one = evaluate_model(places, *models, progress=progress_bar, **options)
        summary, text = one.summary(), str(one)
    if as_json:
        print(json.dumps(summary))
        return
    print(text)
    if settings.out is not None:
        print(f"the report is {settings.out / 'report.html'}")
