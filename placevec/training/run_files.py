"""The files of one training run: settings, history, checkpoint."""

import contextlib
import csv
import json
import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

from placevec.config import TrainConfig, to_dict
from placevec.folder_lock import locked
from placevec.input_file import read_json
from placevec.whole_file import make_folder, require_free_names, whole_file

_log = logging.getLogger(__name__)
_LARGEST_CONFIG = 2**20  # bytes

CONFIG = "config.json"
HISTORY = "history.csv"
PHOTOS = "photos.parquet"
CHECKPOINT = "checkpoint.keras"
UNFINISHED_EPOCH = "unfinished_epoch.json"
CACHE = "cache.npy"
CACHE_STATE = "cache_state.npz"
MINED = "mined.npz"
MODEL = "model.keras"
UNTRAINED = "untrained.keras"
RECALL = "recall.json"
RECALL_PLOT = "recall.png"
MATCHES = "matches.png"
REPORT = "report.md"
HISTORY_PLOT = "history.png"
TENSORBOARD = "tensorboard"

_LARGEST_JSON = 2**20  # bytes

_ALL = (
    CONFIG,
    HISTORY,
    PHOTOS,
    CHECKPOINT,
    UNFINISHED_EPOCH,
    CACHE,
    CACHE_STATE,
    MINED,
    MODEL,
    UNTRAINED,
    RECALL,
    RECALL_PLOT,
    MATCHES,
    REPORT,
    HISTORY_PLOT,
    TENSORBOARD,
)

# Settings that may differ when a training is resumed: they do not change what is computed.
_FREE = (
    "test",
    "out",
    "resume",
    "overwrite",
    "epochs",
    "num_workers",
    "workers",
    "cache_mb",
    "devices",
)


@contextlib.contextmanager
def run_locked(config: TrainConfig, *, is_writer: bool = True) -> Iterator[bool]:
    """Holds the folder of a run, so that no other training writes into it meanwhile.

    Args:
        config: TrainConfig.
        is_writer: bool. False in the processes of one training that do not write.

    Yields:
        bool. What `check_run` returns.

    Raises:
        BlockingIOError: If another training writes into the folder.
        FileExistsError, FileNotFoundError, ValueError: As `check_run` does; a folder that is not
            there is not made then.
    """
    goes_on = check_run(config)
    if not is_writer:
        yield goes_on
        return
    make_folder(config.out)
    with locked(config.out):
        yield check_run(config)  # again: it may have changed meanwhile


def check_run(config: TrainConfig) -> bool:
    """Says whether a training is resumed, and refuses what would harm an earlier one.

    Args:
        config: TrainConfig.

    Returns:
        True to resume from the checkpoint in the folder, False to begin.

    Raises:
        FileExistsError: If the folder holds a run or other files of these names, and neither
            `resume` nor `overwrite` is set.
        FileNotFoundError: If there is no run to resume.
        ValueError: If the run to resume had other settings.
    """
    folder = config.out
    if config.resume:
        if not (folder / CONFIG).exists():
            raise FileNotFoundError(
                f"There is no training in {folder} to resume: {CONFIG} is missing, which is "
                "written when a training begins. Start one: leave out `--resume`"
            )
        _refuse_other_settings(config)
        if not (folder / CHECKPOINT).exists():
            _log.warning("no checkpoint in %s yet: the training begins again", folder)
            return False
        return True
    if (folder / CONFIG).exists() and not config.overwrite:
        raise FileExistsError(
            f"{folder} holds a training already. Continue with `--resume`, replace it with "
            "`--overwrite`, or name another `--out`"
        )
    require_free_names(folder, _ALL, overwrite=config.overwrite)
    return False


def clear_run(config: TrainConfig) -> None:
    """Makes the folder of a run, without the files of an earlier one, and records the settings."""
    folder = config.out
    for name in _ALL:
        path = folder / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    make_folder(folder)
    write_json(folder / CONFIG, to_dict(config))


def write_json(path: Path, values: dict) -> None:
    """Writes a JSON file whole or not at all."""
    _write_whole(path, json.dumps(values, indent=2) + "\n")


def read_history(folder: Path) -> list[dict[str, str]]:
    """Returns the rows of a run's history, one an epoch, oldest first."""
    path = folder / HISTORY
    if not path.exists():
        return []
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file, strict=True))
    except (csv.Error, UnicodeDecodeError) as error:
        raise ValueError(f"{path} cannot be read as a history ({error})") from error
    if any(None in row for row in rows):
        raise ValueError(f"{path} cannot be read as a history (a row is longer than the first)")
    return rows


def write_history(folder: Path, rows: list[dict]) -> None:
    """Writes a run's history, whole or not at all."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines = [",".join(names)]
    lines += [",".join(str(row.get(name, "")) for name in names) for row in rows]
    _write_whole(folder / HISTORY, "\n".join(lines) + "\n")


def note_loss(folder: Path, step: int, loss: float) -> None:
    """Notes the mean loss of an epoch so far, before the checkpoint of that step is written."""
    write_json(folder / UNFINISHED_EPOCH, _noted_losses(folder) | {str(step): loss})


def noted_loss(folder: Path, step: int) -> float | None:
    """Returns the mean loss of an epoch up to a checkpoint's step; None where none was noted."""
    return _noted_losses(folder).get(str(step))


def _noted_losses(folder: Path) -> dict[str, float]:
    path = folder / UNFINISHED_EPOCH
    if not path.exists():
        return {}
    losses = read_json(path, max_bytes=_LARGEST_JSON)
    if not isinstance(losses, dict) or any(type(loss) is not float for loss in losses.values()):
        raise ValueError(f"{path} must hold a loss for each step. Delete it to continue without it")
    return losses


def _write_whole(path: Path, text: str) -> None:
    with whole_file(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")


def flatten(settings: dict) -> dict:
    """Returns settings as `to_dict` does, with those of the network beside the others.

    Args:
        settings: dict. Name to value; `model` holds another.

    Returns:
        dict of name -> value, with `model.NAME` for what is in `model`.
    """
    model = settings.get("model", {})
    flat = {name: value for name, value in settings.items() if name != "model"}
    return flat | {f"model.{name}": value for name, value in model.items()}


def _settings(values: object) -> dict:
    if not isinstance(values, dict) or not isinstance(values.get("model", {}), dict):
        raise ValueError("it must hold settings by name. Received: other JSON")
    return values


def _refuse_other_settings(config: TrainConfig) -> None:
    path = config.out / CONFIG
    try:
        before = flatten(_settings(read_json(path, max_bytes=_LARGEST_CONFIG)))
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{path} cannot be read, so the run cannot be resumed ({error})"
        ) from error
    now, defaults = (flatten(to_dict(each)) for each in (config, TrainConfig()))
    before = defaults | before  # a setting that an earlier version did not have is at its default
    # If the learning rate falls over all epochs, their number changes what is computed.
    free = [name for name in _FREE if not (name == "epochs" and config.optimizer.cosine_decay)]
    changed = [
        f"{name}={before[name]} (now {now[name]})"
        for name in now
        if name not in free and before[name] != now[name]
    ]
    if changed:
        raise ValueError(
            f"The run in {config.out} had other settings: {'; '.join(changed)}. Give the same, "
            "or name another `--out`"
        )
