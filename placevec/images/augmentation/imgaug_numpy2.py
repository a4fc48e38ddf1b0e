"""Makes imgaug 0.4.0 work with NumPy 2. Only this file imports imgaug.

imgaug's last release (2020) uses two names that NumPy 2 does not have: `np.sctypes` during its
import, and `np.complex` whenever it draws frequency noise. This module adds the first to NumPy only
during the import, and gives the second only to the imgaug module that uses it. Other code never
sees a changed NumPy.
"""

import threading
import types
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

_lock = threading.RLock()


def import_imgaug() -> types.ModuleType:
    """Imports imgaug and returns it. Calls after the first one are cheap.

    Returns:
        The module `imgaug`, with `imgaug.augmenters` loaded.

    Raises:
        ModuleNotFoundError: If imgaug or one of its dependencies is not installed.
    """
    with _lock:
        try:
            return _import_with_old_names()
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                f"The presets `basic`, `typical` and `heavy` need imgaug ({error}). "
                "Install it with `pip install imgaug==0.4.0`, or use the preset `street`",
                name=error.name,
            ) from error


def build_without_global_seed(build: Callable[[], Any]) -> Any:
    """Calls `build`, which makes imgaug augmenters, without changing any global random state.

    A new augmenter draws its first seed from imgaug's global generator, which is itself seeded from
    `np.random` on first use. During the call, a separate generator takes its place.

    Args:
        build: Callable without arguments.

    Returns:
        What `build` returned.
    """
    random = import_imgaug().random
    with _lock:
        kept = random.GLOBAL_RNG
        random.GLOBAL_RNG = random.RNG(0)
        try:
            return build()
        finally:
            random.GLOBAL_RNG = kept


def _import_with_old_names() -> types.ModuleType:
    missing = not hasattr(np, "sctypes")
    if missing:
        np.sctypes = {  # pyright: ignore[reportAttributeAccessIssue]  # of NumPy 1, for imgaug
            "int": [np.int8, np.int16, np.int32, np.int64],
            "uint": [np.uint8, np.uint16, np.uint32, np.uint64],
            "float": [np.float16, np.float32, np.float64],
        }
    try:
        import imgaug
        import imgaug.augmenters
        import imgaug.parameters
    finally:
        if missing:
            del np.sctypes  # pyright: ignore[reportAttributeAccessIssue]
    if not hasattr(np, "complex") and not isinstance(imgaug.parameters.np, _NumpyWithComplex):
        imgaug.parameters.np = _NumpyWithComplex("numpy")
        # scikit-image's warning is for the authors of imgaug, not for the user.
        warnings.filterwarnings("ignore", category=FutureWarning, module=r"imgaug\.")
    return imgaug


class _NumpyWithComplex(types.ModuleType):
    """NumPy with `complex`, as in NumPy 1."""

    complex = complex

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)
