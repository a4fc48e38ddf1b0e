"""Passes batches to the backend that trains on them."""

import contextlib
import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import keras

from placevec.process.freed_memory import keep_freed_memory

_BATCHES_AHEAD = 1


@contextlib.contextmanager
def feeding(batches: Iterable[Any]) -> Iterator[Iterable[Any]]:
    """Passes batches to `fit` or `evaluate` with their original errors and without waiting.

    A backend wraps an error in the batches in an error of its own. This raises the original error
    instead. TensorFlow makes the process give back freed memory once it reads from a generator,
    which happens after the first batches. So each batch turns that off again.

    Args:
        batches: iterable of tuples of (B, ...) arrays. TensorFlow needs at least one.

    Yields:
        The argument for `fit`: the batches, with TensorFlow as a `tf.data.Dataset`.

    Raises:
        ValueError: If there is no batch, with TensorFlow.
        Exception: Any error in the batches.
    """
    errors = []

    def noted() -> Iterator:
        try:
            for batch in batches:
                keep_freed_memory()
                yield batch
        except Exception as error:
            errors.append(error)
            raise

    try:
        yield _untuned(noted()) if keras.backend.backend() == "tensorflow" else noted()
    except Exception:
        if errors:
            raise errors[0] from None
        raise


def _untuned(batches: Iterator) -> Any:
    """Returns batches as a dataset without TensorFlow's tuning.

    Keras turns on tuning for a generator. At the end of `fit`, TensorFlow may wait until its tuning
    wakes up again, which takes 10 ms at first and then doubles each time, up to a minute. An epoch
    of 50 s may so take 82 s (docs/lab/performance.md).
    """
    import tensorflow as tf

    first = next(batches, None)
    if first is None:
        raise ValueError("There must be at least one batch to train on. Received: none")
    signature = keras.tree.map_structure(
        lambda array: tf.TensorSpec((None, *array.shape[1:]), array.dtype), first
    )
    dataset = tf.data.Dataset.from_generator(
        lambda: itertools.chain([first], batches), output_signature=signature
    )
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.prefetch(_BATCHES_AHEAD).with_options(options)
