"""A process that augments photos in memory which it shares with the one that started it.

`AugmentWorkers` starts it. The first line of standard input says which preset, how many bytes of
memory and the number of the open file they belong to; each further line which photos lie there.
They are augmented where they lie. The process ends with its input, so with its parent.
"""

import json
import mmap
import os
import sys

import cv2
import numpy as np

from placevec.images.augmentation.augment import augmenter, photo_rng


def main() -> None:
    """Answers each line of standard input by one of standard output."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a library prints is no answer
    cv2.setNumThreads(1)  # the processes share the cores already
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
