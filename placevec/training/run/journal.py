"""Writes the results of an epoch: a row of the history, the best network, a checkpoint."""

import contextlib
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
import tensorboard.summary

from placevec.config import TrainConfig
from placevec.models import save_model
from placevec.training import run_files
from placevec.training.run_files import read_history, write_history

_log = logging.getLogger(__name__)


def keep_the_best(
    config: TrainConfig, epoch: int, row: dict[str, float], model: keras.Model
) -> None:
    """Saves a network if its recall@1 is higher than in all earlier epochs.

    Args:
        config: TrainConfig.
        epoch: int. Number of the epoch, from 0.
        row: dict. The measurements of the epoch.
        model: keras.Model. The descriptor model.
    """
    best = max((float(each["recall@1"]) for each in measured(config.out, epoch)), default=-1.0)
    if row.get("recall@1", -1.0) <= best:
        return
    save_model(model, config.out / run_files.MODEL)
    if row["recall@1"] == 1 and epoch + 1 < config.epochs:
        _log.warning(
            "recall@1 on `validation` is 100 %% after epoch %d: it is saturated, and no later "
            "epoch can replace this one. Add places to `validation`, or harder photos",
            epoch + 1,
        )


def measured(run_dir: Path, epoch: int | None = None) -> list[dict[str, str]]:
    """Returns the rows of the history that have recall, of all epochs or those before `epoch`."""
    return [row for row in read_history(run_dir)[:epoch] if row.get("recall@1")]


def best_epoch(rows: Sequence[Mapping[str, str]]) -> int:
    """Returns the epoch, from 1, whose network `keep_the_best` kept, given the measured rows."""
    return int(max(rows, key=lambda row: float(row["recall@1"]))["epoch"])


def record(
    config: TrainConfig, epoch: int, row: dict[str, float], tuple_model: keras.Model
) -> None:
    """Writes the history, then the checkpoint. An epoch is complete when both exist.

    Args:
        config: TrainConfig.
        epoch: int. Number of the epoch, from 0.
        row: dict. The measurements of the epoch.
        tuple_model: keras.Model. The model to continue the training with.
    """
    if row["loss"] == 0:
        _log.warning(
            "The loss was 0 in all of epoch %d, so nothing was learned. Negatives of tuples are "
            "far enough already: set `--mining` or a larger `--margin`. A loss that takes those of "
            "the batch found none: set a larger `--batch-size` or a smaller `%s`",
            epoch + 1,
            config.tuples.pair_radius_flag,
        )
    folder = config.out
    write_history(folder, [*read_history(folder)[:epoch], row])
    save_model(tuple_model, folder / run_files.CHECKPOINT)
    board = tensorboard.summary.Writer(str(folder / run_files.TENSORBOARD))
    with contextlib.closing(board):
        for name in row.keys() - {"epoch"}:
            board.add_scalar(name, row[name], epoch + 1)
    values = {name: value for name, value in row.items() if name != "epoch"}
    _log.info("epoch %d/%d: %s", epoch + 1, config.epochs, in_words(values))


def in_words(measured: dict[str, float]) -> str:
    """Returns measurements as text: recall in percent, others with four digits.

    Example:

    >>> in_words({"loss": 0.123456, "recall@1": 0.5})
    'loss 0.1235, recall@1 50.0 %'
    """
    return ", ".join(
        f"{name} {100 * value:.1f} %" if name.startswith("recall@") else f"{name} {value:.4g}"
        for name, value in measured.items()
    )
