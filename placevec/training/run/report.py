"""The report of a run, for people: what was trained, how it went, and the results."""

from collections.abc import Mapping
from pathlib import Path

from matplotlib.figure import Figure

from placevec.config import TrainConfig, to_dict
from placevec.images.contact_sheet import save_figure
from placevec.training import run_files
from placevec.whole_file import whole_file

_PLOTS_PER_ROW = 3
_TITLES = {
    "loss": "loss",
    "val_loss": "loss of the validation tuples",
    "photos_per_s": "photos per second",
    "violating": "share of queries that violate the margin",
    "mining_share": "share of the time spent on mining",
    "learning_rate": "learning rate",
    "clusters_used": "clusters in use",
    "assignment_entropy": "entropy of the assignment, nats",
}


def write_report(
    config: TrainConfig,
    recalls: Mapping[str, Mapping[int, float]],
    notes: Mapping[str, str],
    unit: str,
) -> None:
    """Writes `report.md` and `history.png` into the run's folder.

    Args:
        config: TrainConfig.
        recalls: dict of label -> {N: share in [0, 1]}, such as before and after.
        notes: dict of label -> str. The network and the photos behind each recall.
        unit: str. Unit of the radius, such as `"m"`. See `PlaceDataset.unit`.
    """
    folder = config.out
    rows = run_files.read_history(folder)
    if rows:
        _draw_history(rows, folder / run_files.HISTORY_PLOT)
    ranks = list(next(iter(recalls.values())))
    lines = [
        f"# {folder.name}",
        "",
        f"Trained on `{config.places}`, measured on `{config.validation}` within "
        f"{config.recall_radius_m:g} {unit}, photos of "
        f"{config.image_size[0]}x{config.image_size[1]}.",
        "",
        *_table(
            ["", *(f"recall@{rank}" for rank in ranks), "network and photos"],
            [
                [label, *(f"{100 * share:.1f} %" for share in curve.values()), notes[label]]
                for label, curve in recalls.items()
            ],
        ),
        "",
        f"![recall]({run_files.RECALL_PLOT})",
        f"![matches]({run_files.MATCHES})",
        *([f"![history]({run_files.HISTORY_PLOT})"] if rows else []),
        "",
        "## Settings that are not the default",
        "",
        *_table(["setting", "value"], _changed(config)),
    ]
    if rows:
        values = [[_short(value) for value in row.values()] for row in rows]
        lines += ["", "## Epochs", "", *_table(list(rows[-1]), values)]
    with whole_file(folder / run_files.REPORT) as unfinished:
        unfinished.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _draw_history(rows: list[dict[str, str]], path: Path) -> None:
    recall = [name for name in rows[-1] if name.startswith("recall@")]
    plots = [[name] for name in _TITLES if any(row.get(name) for row in rows)] + [recall]
    num_rows = -(-len(plots) // _PLOTS_PER_ROW)
    figure = Figure(figsize=(4 * _PLOTS_PER_ROW, 2.6 * num_rows), layout="constrained")
    for place, names in enumerate(plots):
        axes = figure.add_subplot(num_rows, _PLOTS_PER_ROW, place + 1)
        for name in names:
            points = [(int(row["epoch"]), float(row[name])) for row in rows if row.get(name)]
            axes.plot(*zip(*points, strict=True), marker="o", markersize=3, label=name)
        axes.set(title=_TITLES.get(names[0], "recall, share"), xlabel="epoch")
        axes.grid(alpha=0.3)
        if len(names) > 1:
            axes.legend()
    save_figure(figure, path, dpi=80)


def _changed(config: TrainConfig) -> list[list[str]]:
    """Returns the name and value of each setting that differs from its default."""
    values, defaults = (run_files.flatten(to_dict(each)) for each in (config, TrainConfig()))
    return [[name, str(values[name])] for name in values if values[name] != defaults[name]]


def _table(header: list[str], rows: list[list[str]]) -> list[str]:
    return [f"| {' | '.join(each)} |" for each in (header, ["---"] * len(header), *rows)]


def _short(value: str) -> str:
    try:
        return f"{float(value):.4g}"
    except ValueError:
        return value
