"""The files of one training run: settings, history, checkpoint."""

import contextlib
import csv
import json
import logging
from collections.abc import Iterator
from pathlib import Path

from placevec.config import TrainConfig, to_dict
from placevec.folder_lock import locked
from placevec.input_file import read_json, shown
from placevec.kinds import MODEL_FILE as MODEL
from placevec.whole_file import delete, make_folder, require_free_names, whole_file

_log = logging.getLogger(__name__)
_MAX_CONFIG_BYTES = 2**20

CONFIG = "config.json"
HISTORY = "history.csv"
PHOTOS = "photos.parquet"
CHECKPOINT = "checkpoint.keras"
UNFINISHED_EPOCH = "unfinished_epoch.json"
CACHE = "cache.npy"
CACHE_STATE = "cache_state.npz"
MINED = "mined.npz"
UNTRAINED = "untrained.keras"
RECALL = "recall.json"
RECALL_PLOT = "recall.png"
MATCHES = "matches.png"
REPORT = "report.md"
HISTORY_PLOT = "history.png"
TENSORBOARD = "tensorboard"

_MAX_JSON_BYTES = 2**20

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

# A resumed training may change these settings, because they do not change the result.
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
    """Locks the folder of a run, so that no other training writes into it.

    Args:
        config: TrainConfig.
        is_writer: bool. False in processes of a training that do not write.

    Yields:
        bool. What `check_run` returns.

    Raises:
        BlockingIOError: If another training writes into the folder.
        FileExistsError, FileNotFoundError, ValueError: As `check_run`. A missing folder is not
            created then.
    """
    goes_on = check_run(config)
    if not is_writer:
        yield goes_on
        return
    make_folder(config.out)
    with locked(config.out):
        yield check_run(config)  # again, because the folder may have changed before it was locked


def check_run(config: TrainConfig) -> bool:
    """Returns whether a training is resumed, and refuses to damage an earlier one.

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
            _log.warning("%s has no checkpoint yet: the training begins again", folder)
            return False
        return True
    if (folder / CONFIG).exists() and not config.overwrite:
        raise FileExistsError(
            f"{folder} already holds a training. Continue with `--resume`, replace it with "
            "`--overwrite`, or name another `--out`"
        )
    require_free_names(folder, _ALL, overwrite=config.overwrite)
    return False


def clear_run(config: TrainConfig) -> None:
    """Creates the folder of a run, removes files of an earlier run, and records the settings."""
    folder = config.out
    for name in _ALL:
        delete(folder / name)
    make_folder(folder)
    write_json(folder / CONFIG, to_dict(config))


def write_json(path: Path, values: dict) -> None:
    """Writes a complete JSON file, or none."""
    _write_whole(path, json.dumps(values, indent=2) + "\n")


def read_history(folder: Path) -> list[dict[str, str]]:
    """Returns the rows of a run's history, one per epoch, oldest first."""
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
    """Writes the complete history of a run, or nothing."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines = [",".join(names)]
    lines += [",".join(str(row.get(name, "")) for name in names) for row in rows]
    _write_whole(folder / HISTORY, "\n".join(lines) + "\n")


def note_loss(folder: Path, step: int, loss: float) -> None:
    """Records the mean loss of an epoch so far. Call it before writing that step's checkpoint."""
    write_json(folder / UNFINISHED_EPOCH, _noted_losses(folder) | {str(step): loss})


def noted_loss(folder: Path, step: int) -> float | None:
    """Returns the recorded mean loss of an epoch up to a checkpoint's step, or None."""
    return _noted_losses(folder).get(str(step))


def _noted_losses(folder: Path) -> dict[str, float]:
    path = folder / UNFINISHED_EPOCH
    if not path.exists():
        return {}
    losses = read_json(path, max_bytes=_MAX_JSON_BYTES)
    if not isinstance(losses, dict) or any(type(loss) is not float for loss in losses.values()):
        raise ValueError(f"{path} must hold a loss for each step. Delete it to continue without it")
    return losses


def _write_whole(path: Path, text: str) -> None:
    with whole_file(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")


def flatten(settings: dict) -> dict:
    """Returns settings of `to_dict` without nesting: those of the network are named `model.NAME`.

    Args:
        settings: dict of name -> value. The value of `model` is another dict.

    Returns:
        dict of name -> value, with `model.NAME` for the settings in `model`.
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
        before = flatten(_settings(read_json(path, max_bytes=_MAX_CONFIG_BYTES)))
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{path} cannot be read, so the run cannot be resumed ({error})"
        ) from error
    now, defaults = (flatten(to_dict(each)) for each in (config, TrainConfig()))
    before = defaults | before  # an earlier version may not have had all settings
    # The number of epochs changes the result if the learning rate falls over all epochs.
    free = [name for name in _FREE if not (name == "epochs" and config.optimizer.cosine_decay)]
    changed = [
        f"`{name}` was {_plain(before[name])} and is now {_plain(now[name])}"
        for name in now
        if name not in free and before[name] != now[name]
    ]
    if changed:
        raise ValueError(
            f"The run in {config.out} had other settings: {'; '.join(changed)}. Use the same, "
            "or name another `--out`"
        )


def _plain(value: object) -> str:
    """Returns a setting as a flag takes it: the values of a list with spaces between them."""
    if isinstance(value, list):
        return shown(" ".join(map(str, value)) or "empty")
    return "not set" if value is None else shown(value)
