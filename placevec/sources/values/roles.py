"""Roles of photos, query or database, by the folders in their names."""

import logging
from pathlib import Path
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from placevec.input_file import shown

_log = logging.getLogger(__name__)

QUERY_FOLDERS = ("query", "queries")
DATABASE_FOLDERS = ("database",)


class Roles(TypedDict):
    """Fields of PlaceDataset: which of N photos are queries, and which are the database."""

    is_query: NDArray[np.bool_]
    is_database: NDArray[np.bool_]


def role_of(name: str) -> str:
    """Returns the role that the folders in a photo's name give: `query`, `database` or `both`."""
    for folder in reversed(name.lower().split("/")[:-1]):
        if folder in QUERY_FOLDERS:
            return "query"
        if folder in DATABASE_FOLDERS:
            return "database"
    return "both"


def roles_of(names: NDArray[np.str_], stated: NDArray[np.str_] | None = None) -> Roles:
    """Returns the roles of photos as the fields of PlaceDataset.

    Args:
        names: (N,) str. Names of the photos, relative to the root of the data set.
        stated: (N,) str or None. `"query"`, `"database"` or `"both"` from a table, or `""`: then
            the folders decide. None: they decide for all photos.

    Returns:
        Roles, (N,) bool each.
    """
    roles = np.array([role_of(name) for name in names.tolist()], dtype="U8")
    if stated is not None:
        roles = np.where(stated == "", roles, stated)
    return {"is_query": roles != "database", "is_database": roles != "query"}


def warn_of_both(
    names: NDArray[np.str_],
    is_query: NDArray[np.bool_],
    is_database: NDArray[np.bool_],
    source: Path,
) -> None:
    """Logs how many photos a source lists as queries and as database.

    Args:
        names: (N,) str. The photos.
        is_query: (N,) bool. Which are queries.
        is_database: (N,) bool. Which are the database.
        source: Path. The file that lists them.
    """
    on_both = names[is_query & is_database]
    if len(on_both):
        _log.warning(
            "query and database at once: %d of %d photos of %s (first: %s). If different photos "
            "have one name, put the queries into a folder `query`",
            len(on_both),
            len(names),
            shown(source),
            shown(on_both[0]),
        )
