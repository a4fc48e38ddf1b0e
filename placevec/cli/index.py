"""`placevec index`: makes searches in a store faster."""

from typing import Annotated

from placevec.cli.arguments import Flags, Store
from placevec.config import IndexConfig


def index(
    store: Store,
    /,
    settings: Annotated[IndexConfig, Flags] = IndexConfig(),  # noqa: B008
) -> None:
    """Build an index that makes searches in a store faster, and measure it.

    Args:
        store: A store that `describe --out` made.
        settings: Which index.
    """
    from placevec.store import index as build_index

    print(build_index(store, **vars(settings)))
