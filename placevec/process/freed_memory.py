"""Freed memory that stays with the process, to be used again."""

import ctypes
import sys

# Numbers of <malloc.h>: how much free memory at the end of the heap goes back to the system, from
# which size on a block is asked of the system alone, how many heaps threads share.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_NEVER = 2**31 - 1
_OLD_LIMIT = 2**25  # older glibc refuses more


def keep_freed_memory() -> None:
    """Makes glibc use large freed blocks again instead of giving them back to the system.

    A step of a training on the processor frees and takes gigabytes in large blocks. glibc asks the
    system for each block above 32 MB, which clears it page by page; TensorFlow, fed by a generator,
    lowers that to 128 kB for the whole process (`ApplyPython311MemoryPatch`, against issue 65675).
    A training step takes up to twice as long by it (docs/lab/performance.md). The heap of threads
    ends at 64 MB, so that one heap serves them all; threads that have a heap of their own already
    keep it, hence the earlier this is called, the better. Does nothing where the C library has no
    `mallopt`.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return
    # Either setting ends glibc's own adapting of the other: both or none.
    if mallopt(_MMAP_THRESHOLD, _NEVER) or mallopt(_MMAP_THRESHOLD, _OLD_LIMIT):
        mallopt(_TRIM_THRESHOLD, _NEVER)
        mallopt(_ARENA_MAX, 1)
