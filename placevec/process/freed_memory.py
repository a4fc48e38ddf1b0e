"""Keeps freed memory in the process, so that it can be used again."""

import ctypes
import sys

# Options of <malloc.h>: how much free memory at the end of the heap goes back to the system, from
# which size on a block is allocated on its own, and how many heaps the threads share.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_NEVER = 2**31 - 1
_OLD_LIMIT = 2**25  # older glibc refuses more


def keep_freed_memory() -> None:
    """Makes glibc use large freed blocks again instead of giving them back to the system.

    A training step on the CPU frees and allocates gigabytes in large blocks. glibc gets each block
    above 32 MB from the system, which clears it page by page. If a generator feeds TensorFlow, it
    lowers this limit to 128 kB for the whole process (`ApplyPython311MemoryPatch`, for issue
    65675). A training step then takes up to twice as long (docs/lab/performance.md).

    A heap for threads ends at 64 MB, so all threads share the main heap. Threads that already have
    their own heap keep it: call this function early. It does nothing if the C library has no
    `mallopt`.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return
    # Either setting stops glibc from adapting the other, so both are set or none.
    if mallopt(_MMAP_THRESHOLD, _NEVER) or mallopt(_MMAP_THRESHOLD, _OLD_LIMIT):
        mallopt(_TRIM_THRESHOLD, _NEVER)
        mallopt(_ARENA_MAX, 1)
