import subprocess
import sys

import numpy as np
import pytest

from placevec.images.augmentation.imgaug_numpy2 import build_without_global_seed, import_imgaug


def run(script: str) -> str:
    """Runs a script in a fresh interpreter and returns what it printed."""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_the_room_loads_neither_imgaug_nor_keras():
    script = (
        "import sys, placevec.images\n"
        "print([name for name in ('imgaug', 'keras', 'skimage') if name in sys.modules])"
    )
    assert run(script) == "[]"


def test_leaves_numpy_and_its_random_state_as_they_were():
    script = (
        "import numpy as np\n"
        "names, state = set(dir(np)), str(np.random.get_state())\n"
        "from placevec.images.augmentation.imgaug_numpy2 import import_imgaug\n"
        "imgaug = import_imgaug()\n"
        "import_imgaug()\n"
        "new = {n for n in set(dir(np)) - names if not hasattr(getattr(np, n), '__path__')}\n"
        "print(imgaug.__version__, new, state == str(np.random.get_state()),\n"
        "      hasattr(np, 'sctypes'), hasattr(np, 'complex'))"
    )
    assert run(script) == "0.4.0 set() True False False"


def test_takes_an_imgaug_that_somebody_else_imported_before():
    script = (
        "import numpy as np\n"
        "np.sctypes = {'int': [np.int64], 'uint': [np.uint8], 'float': [np.float64]}\n"
        "import imgaug\n"
        "from placevec.images.augmentation.imgaug_numpy2 import import_imgaug\n"
        "print(import_imgaug() is imgaug, list(np.sctypes['uint']) == [np.uint8])"
    )
    assert run(script) == "True True"


def test_numpy_is_clean_after_an_import_that_failed():
    script = (
        "import sys, numpy as np\n"
        "sys.modules['imgaug'] = None\n"
        "from placevec.images.augmentation.imgaug_numpy2 import import_imgaug\n"
        "try:\n"
        "    import_imgaug()\n"
        "except ModuleNotFoundError as error:\n"
        "    print(hasattr(np, 'sctypes'), 'pip install imgaug==0.4.0' in str(error))"
    )
    assert run(script) == "False True"


def test_building_leaves_the_global_generators_alone():
    random = import_imgaug().random
    kept, state = random.GLOBAL_RNG, str(np.random.get_state())
    augmenters = import_imgaug().augmenters
    build_without_global_seed(lambda: augmenters.Sequential([augmenters.Fliplr(0.5)]))
    assert random.GLOBAL_RNG is kept
    assert str(np.random.get_state()) == state

    def fail():
        raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        build_without_global_seed(fail)
    assert random.GLOBAL_RNG is kept
