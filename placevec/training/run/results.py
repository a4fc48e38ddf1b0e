"""The results of a training: the recall of its networks."""

import dataclasses
from pathlib import Path

from placevec.config import TrainConfig
from placevec.evaluation import Evaluation
from placevec.training.run.journal import best_epoch, in_words, measured


@dataclasses.dataclass(frozen=True)
class Training:
    """The results of a training.

    Args:
        out: Path. Folder of `model.keras`, `config.json`, `history.csv`, `recall.json`,
            `recall.png` and `matches.png`.
        recalls: dict of label -> {N: recall in [0, 1]}. `before`: the network before the first
            step. `after`: the network of the best epoch, with whitening if the settings ask for it.
            `last`: the network of the last epoch, if there is one. With `config.test` also
            `test before` and `test after`.
        notes: dict of label -> str. The network and the photos behind each recall.
    """

    out: Path
    recalls: dict[str, dict[int, float]]
    notes: dict[str, str]

    @property
    def before(self) -> dict[int, float]:
        """Recall of the network before the first step."""
        return self.recalls["before"]

    @property
    def after(self) -> dict[int, float]:
        """Recall of the best network, on the photos that it was chosen by."""
        return self.recalls["after"]

    def __str__(self) -> str:
        width = max(map(len, self.recalls)) + 1
        lines = [
            f"{label + ':':{width}} {recall_in_words(recall)} ({self.notes[label]})"
            for label, recall in self.recalls.items()
        ]
        return "\n".join([*lines, f"results in {self.out}"])


def training_of(
    config: TrainConfig, curves: dict[str, Evaluation], tested: dict[str, Evaluation]
) -> Training:
    """Collects the recalls of a run, with a note on each: which network, and which photos.

    Args:
        config: TrainConfig.
        curves: dict of `before` and `after` -> Evaluation on the validation photos.
        tested: dict of `test before` and `test after` -> Evaluation; empty without test photos.
    """
    rows = measured(config.out)
    whitened = ", whitened" if config.whitening.is_given else ""
    recalls = {label: each.recall for label, each in curves.items()}
    notes = {
        "before": f"untrained, on {config.validation}",
        "after": f"untrained{whitened}, on {config.validation}",
        "test before": f"untrained, on {config.test}",
        "test after": f"untrained{whitened}, on {config.test}",
    }
    if rows:
        best, last = best_epoch(rows), rows[-1]
        recalls["last"] = {rank: float(last[f"recall@{rank}"]) for rank in recalls["after"]}
        notes |= {
            "after": f"epoch {best} of {config.epochs}, the best on {config.validation}, which "
            f"chose it{whitened}",
            "last": f"epoch {last['epoch']} of {config.epochs}, on {config.validation}",
            "test after": f"epoch {best} of {config.epochs}, on {config.test}, which chose "
            f"nothing{whitened}",
        }
    recalls |= {label: each.recall for label, each in tested.items()}
    return Training(config.out, recalls, {label: notes[label] for label in recalls})


def recall_in_words(recall: dict[int, float]) -> str:
    """Returns as text the recall at each number of answers."""
    return in_words({f"recall@{rank}": share for rank, share in recall.items()})
