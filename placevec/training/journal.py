"""What an epoch leaves: a row of the history, the best network, a checkpoint."""

import contextlib
import logging

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
    """Saves a network if its recall@1 is higher than in the epochs before.

    Args:
        config: TrainConfig.
        epoch: int. Number of the epoch, from 0.
        row: dict. Its measurements.
        model: keras.Model. The descriptor model.
    """
    rows = read_history(config.run_dir)[:epoch]
    best = max((float(each["recall@1"]) for each in rows if each.get("recall@1")), default=-1.0)
    if row.get("recall@1", -1.0) > best:
        save_model(model, config.run_dir / run_files.MODEL)


def record(
    config: TrainConfig, epoch: int, row: dict[str, float], tuple_model: keras.Model
) -> None:
    """Writes history, then the checkpoint: an epoch counts when both are there.

    Args:
        config: TrainConfig.
        epoch: int. Number of the epoch, from 0.
        row: dict. Its measurements.
        tuple_model: keras.Model. What training goes on from.
    """
    if row["loss"] == 0:
        _log.warning(
            "The loss was 0 in all of epoch %d, so nothing was learnt. Negatives of tuples are far "
            "enough already: set `--mining` or a larger `--margin`. A loss that takes those of the "
            "batch found none: set a larger `--batch-size` or a smaller `--negative-radius-m`",
            epoch + 1,
        )
    folder = config.run_dir
    write_history(folder, [*read_history(folder)[:epoch], row])
    save_model(tuple_model, folder / run_files.CHECKPOINT)
    board = tensorboard.summary.Writer(str(folder / run_files.TENSORBOARD))
    with contextlib.closing(board):
        for name in row.keys() - {"epoch"}:
            board.add_scalar(name, row[name], epoch + 1)
    measured = {name: value for name, value in row.items() if name != "epoch"}
    _log.info("epoch %d/%d: %s", epoch + 1, config.epochs, in_words(measured))


def in_words(measured: dict[str, float]) -> str:
    """Returns measurements for people: recall in percent, others with four digits.

    Example:

    >>> in_words({"loss": 0.123456, "recall@1": 0.5})
    'loss 0.1235, recall@1 50.0 %'
    """
    return ", ".join(
        f"{name} {100 * value:.1f} %" if name.startswith("recall@") else f"{name} {value:.4g}"
        for name, value in measured.items()
    )
