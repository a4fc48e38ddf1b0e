"""`placevec evaluate`: recall of a model on photos with positions."""

import json
from typing import Annotated

from placevec.cli.arguments import Flags, Places
from placevec.cli.surroundings import progress_bar
from placevec.config import EvaluateConfig


def evaluate(places: Places, /, settings: Annotated[EvaluateConfig, Flags]) -> None:
    """Measure recall@N: how often a right photo is among the first N found.

    Args:
        places: READER:PATH of photos with positions.
        settings: How recall is measured.
    """
    from placevec.evaluation import evaluate as evaluate_model
    from placevec.models import open_engine
    from placevec.sources import open_places

    dataset = open_places(places, skip_unreadable=settings.skip_unreadable)
    # All are opened before the first describes: what is missing is said before the long work.
    models = {
        precision: open_engine(
            settings.model,
            engine=settings.engine,
            precision=precision,
            image_size=settings.image_size,
        )
        for precision in dict.fromkeys((settings.precision, "float32"))
    }
    evaluations = {
        precision: evaluate_model(
            model,
            dataset,
            radius_m=settings.radius_m,
            min_time_difference_s=settings.min_time_difference_s,
            batch_size=settings.batch_size,
            skip_unreadable=settings.skip_unreadable,
            progress=progress_bar,
            warn=precision == settings.precision,
        )
        for precision, model in models.items()
    }
    summaries = {precision: each.summary() for precision, each in evaluations.items()}
    model = models[settings.precision]
    summary, exact = summaries[settings.precision], summaries["float32"]["recall"]
    is_exact = settings.precision == "float32"
    if settings.json:
        if not is_exact:
            cost = {"float32_recall": exact, "least_cosine": model.least_cosine}
            summary |= {"precision": settings.precision, **cost}
        print(json.dumps(summary))
        return
    for rank, share in summary.pop("recall").items():
        beside = "" if is_exact else f"  (float32: {100 * exact[rank]:5.1f} %)"
        print(f"recall@{rank:<3s} {100 * share:5.1f} %{beside}")
    for name, value in summary.items():
        print(f"{name.replace('_', ' ')}: {value}")
    rows, columns = model.image_size
    print(f"radius {settings.radius_m:g} {dataset.unit}, photos resized to {rows}x{columns}")
    print(model.cost())
    for sentence in evaluations[settings.precision].saturation():
        print(sentence)
