import os
import subprocess
import sys

import pytest

from placevec.process.workers import python_path

# The pages that the system clears for a block of 256 MB that is taken, written and freed again.
FAULTS = """
import ctypes, resource
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes, libc.free.argtypes = [ctypes.c_size_t], [ctypes.c_void_p]

def take():
    block = libc.malloc(2**28)
    ctypes.memset(block, 1, 2**28)
    libc.free(block)

def faults():
    take()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    take()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
"""
ON_ITS_OWN = """
from placevec.process.freed_memory import keep_freed_memory
before = faults()
keep_freed_memory()
print(before, faults())
"""
# TensorFlow makes its reader of a generator after the first batches.
UNDER_KERAS = """
from placevec.process.freed_memory import keep_freed_memory
before = faults()
keep_freed_memory()
import keras, numpy
from placevec.training.step.feeding import feeding
counts = []
look = keras.callbacks.LambdaCallback(
    on_train_batch_end=lambda batch, logs=None: counts.append(faults())
)
model = keras.Sequential([keras.layers.Dense(1)])
model.compile(loss="mse", jit_compile=False)
batch = numpy.zeros((2, 3)), numpy.zeros((2, 1))
with feeding(iter(5 * [batch])) as batches:
    model.fit(batches, steps_per_epoch=5, callbacks=[look], verbose=0)
print(before, counts[-1])
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems have no glibc")
@pytest.mark.parametrize("script", [ON_ITS_OWN, UNDER_KERAS])
def test_freed_memory_is_used_again(script):
    told = subprocess.run(
        [sys.executable, "-c", FAULTS + script],
        env={**os.environ, "PYTHONPATH": python_path()},
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    before, after = map(int, told.split()[-2:])
    assert after < before / 4
