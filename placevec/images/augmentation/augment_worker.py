"""A process that augments photos in memory shared with the process that started it.

`AugmentWorkers` starts it. The first line of standard input gives the preset, the number of bytes
of shared memory, and the number of its open file. Each further line says which photos lie in the
memory. The worker augments them in place. It ends when its input ends, so also with its parent.
"""

import json
import mmap
import os
import sys

import cv2
import numpy as np

from placevec.images.augmentation.augment import augmenter, photo_rng


def main() -> None:
    """Answers each line of standard input with one line on standard output."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # Whatever a library prints must not look like an answer.
    cv2.setNumThreads(1)  # The processes already share the cores.
    settings = json.loads(sys.stdin.readline())
    memory = mmap.mmap(settings["file"], settings["num_bytes"])
    change = augmenter(settings["preset"])
    for line in sys.stdin:
        request = json.loads(line)
        shape = request["shape"]
        photos = np.frombuffer(memory, np.uint8, count=int(np.prod(shape))).reshape(shape)
        try:
            for photo, index in zip(photos, request["indices"], strict=True):
                photo[:] = change(photo.copy(), photo_rng(request["seed"], request["epoch"], index))
            answer = {}
        except (ValueError, ImportError) as error:
            answer = {"error": str(error)}
        try:
            answers.write(json.dumps(answer) + "\n")
        except BrokenPipeError:
            return


if __name__ == "__main__":
    main()
