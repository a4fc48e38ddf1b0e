"""Measures several models side by side and writes a report."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from placevec.config import EvaluateConfig
from placevec.evaluation.evaluate import Model, evaluate, label_of
from placevec.evaluation.evaluation import Evaluation
from placevec.evaluation.report import REPORT_FILES, ClusterMaps, write_report
from placevec.models.files.model_file import refuse_several
from placevec.places import PlaceDataset
from placevec.progress import Progress, no_progress
from placevec.sources import open_places
from placevec.whole_file import require_free_names, require_new_folder


def compare(
    places: PlaceDataset | Path | str,
    model: Sequence[Model | Path | str] = EvaluateConfig.model,
    *,
    out: Path | str | None = EvaluateConfig.out,
    overwrite: bool = EvaluateConfig.overwrite,
    wrong_beyond_m: float | None = EvaluateConfig.wrong_beyond_m,
    cluster_maps: int = EvaluateConfig.cluster_maps,
    skip_unreadable: bool = EvaluateConfig.skip_unreadable,
    progress: Progress = no_progress,
    **settings: Any,
) -> dict[str, Evaluation]:
    """Measures models on the same photos, and writes a report.

    Args:
        places: PlaceDataset, or READER:PATH, which `open_places` opens.
        model: sequence. Models, each as `evaluate` takes it. Empty: the network that ships with
            placevec.
        out: Path or None. Folder for the report, see `write_report`.
        overwrite: bool. Replace an earlier report in `out`.
        wrong_beyond_m: float or None. Answers between the radius and this distance count neither
            as right nor as wrong in the precision.
        cluster_maps: int. Number of photo pairs for which the report shows where each cluster of
            the first model looks.
        skip_unreadable: bool. Leave out photos that cannot be read.
        progress: Progress. `tqdm` or a callable with the same arguments, to draw a bar.
        settings: Further settings of `evaluate`, such as `radius_m`.

    Returns:
        dict of label to Evaluation. A label is the name of a model or of its file.

    Raises:
        FileExistsError: If `out` has files of the same names, and `overwrite` is not set.
        FileNotFoundError: If a model, the photos or the folder that `out` lies in are missing.
        ValueError: As `evaluate`, or if two models have the same label.
    """
    if out is not None:
        require_new_folder(Path(out))
        require_free_names(Path(out), REPORT_FILES, overwrite=overwrite)
    if not isinstance(places, PlaceDataset):
        places = open_places(str(places), skip_unreadable=skip_unreadable)
    models = _by_label(model)
    common = {**settings, "skip_unreadable": skip_unreadable, "progress": progress}
    found = {label: evaluate(places, each, **common) for label, each in models.items()}
    if out is not None:
        shown = {**{"models": ", ".join(models)}, **settings, "wrong_beyond_m": wrong_beyond_m}
        first = next(iter(models.values()))
        maps = ClusterMaps.of(first, cluster_maps, settings.get("image_size"))
        how = {"wrong_beyond_m": wrong_beyond_m, "cluster_maps": maps, "settings": shown}
        write_report(found, out, **how)
    return found


def _by_label(models: Sequence[Model | Path | str]) -> dict[str, Model | Path | str | None]:
    if isinstance(models, Path | str):
        refuse_several(Path(models))
        raise ValueError(
            f"`model` must be a list of models, such as ['tiny', 'small']. Received: {models!r}. "
            "`evaluate` takes a single one"
        )
    if not models:
        return {label_of(None): None}
    labels = [label_of(each) for each in models]
    if len(set(labels)) < len(labels):
        labels = [str(each) for each in models]
    if len(set(labels)) < len(labels):
        raise ValueError(f"Each model must be named once. Received: {', '.join(labels)}")
    return dict(zip(labels, models, strict=True))
