"""`placevec train`: trains a network on photos with positions."""

from collections.abc import Callable
from typing import Annotated

from placevec.cli.arguments import Flags
from placevec.cli.settings import EarlierSettings
from placevec.cli.surroundings import progress_bar
from placevec.config import TrainConfig


def train_over(default: TrainConfig) -> Callable[..., None]:
    """Returns the verb, with these settings where there is no flag."""

    def train(
        earlier: Annotated[EarlierSettings, Flags] = EarlierSettings(),  # noqa: B008
        settings: Annotated[TrainConfig, Flags] = default,
    ) -> None:
        """Train a network on photos with positions.

        Name photos as READER:PATH, such as folder:DIR (photos named @east@north@...), table:FILE
        (CSV or Parquet), exif:DIR, dbstruct:FILE.mat, gsv_cities:DIR, msls:DIR; docs/formats.md has
        all.
        """
        del earlier  # `default` came from them
        from placevec.training import train as train_model

        if training := train_model(settings, progress=progress_bar):
            print(training)

    return train
