"""Loops: photos of a run that show a place which the run has seen before."""

from placevec.lazy_names import lazy_names

__getattr__, __dir__ = lazy_names(
    __name__,
    {},
)
