"""`placevec export`: writes a network as a file for other programs."""

from typing import Annotated

from placevec.cli.arguments import Flags, Model
from placevec.config import ExportConfig


def export(
    model: Model,
    /,
    settings: Annotated[ExportConfig, Flags] = ExportConfig(),  # noqa: B008
) -> None:
    """Export a network for other programs, and check it against Keras.

    Args:
        model: A .keras file, an old .h5 file, or the name of a network that ships with placevec.
        settings: How it is written.
    """
    from placevec.deploy import export as export_model

    print(export_model(model, **vars(settings)))
