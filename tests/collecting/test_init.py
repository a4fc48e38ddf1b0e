import subprocess
import sys

import pytest


@pytest.mark.parametrize("name", ["mapbox_vector_tile", "requests", "shapely"])
def test_a_missing_package_is_named_when_photos_are_collected(name):
    """Not before: `from placevec import *` needs none of them."""
    code = (
        f"import sys; sys.modules[{name!r}] = None\n"
        "from placevec import collect\n"
        "try: collect(None)\n"
        "except ImportError as error: print(error)"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (
        f'{name} is not installed. Install them: pip install "placevec[collect]"' in printed.stdout
    )
