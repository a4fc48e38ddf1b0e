import subprocess
import sys

CODE = """
import os, sys
import placevec
import keras
keras.ops.ones(3) + 1
print(keras.saving.get_registered_object("placevec>NetVLAD").__name__)
print("said", file=sys.stderr)
os.write(2, b"and this")
"""


def test_keras_is_imported_in_silence_and_later_lines_are_seen():
    answer = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True)
    assert answer.stdout == "NetVLAD\n"
    assert answer.stderr == "said\nand this"
