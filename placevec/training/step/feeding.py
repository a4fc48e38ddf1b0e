"""Gives batches to the backend that trains on them."""

import contextlib
import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import keras

from placevec.process.freed_memory import keep_freed_memory

_BATCHES_AHEAD = 1


@contextlib.contextmanager
def feeding(batches: Iterable[Any]) -> Iterator[Iterable[Any]]:
    """Gives batches to `fit` or `evaluate`: errors stay what they are, and no epoch waits.

    A backend wraps what went wrong in the batches in an error of its own; outside of this it is
    the first one again. TensorFlow gives freed memory back from when it makes its reader of a
    generator on, which is after the first batches, hence with each batch it is told to keep it.

    Args:
        batches: iterable of tuples of (B, ...) arrays. For TensorFlow at least one.

    Yields:
        What `fit` takes: the batches, for TensorFlow as a `tf.data.Dataset`.

    Raises:
        ValueError: If there is no batch, with TensorFlow.
        Exception: What went wrong in the batches.
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
    """Returns batches as a dataset that TensorFlow does not tune.

    Keras makes a tuned one of a generator. When `fit` ends, TensorFlow may wait until its tuning
    looks again, 10 ms after the start, then after twice as long each time, up to a minute: an epoch
    of 50 s may take 82 s (docs/lab/performance.md).
    """
    import tensorflow as tf

    first = next(batches, None)
    if first is None:
        raise ValueError("There must be a batch to train on. Received: none")
    signature = keras.tree.map_structure(
        lambda array: tf.TensorSpec((None, *array.shape[1:]), array.dtype), first
    )
    dataset = tf.data.Dataset.from_generator(
        lambda: itertools.chain([first], batches), output_signature=signature
    )
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.prefetch(_BATCHES_AHEAD).with_options(options)
