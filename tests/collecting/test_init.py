import subprocess
import sys

import pytest


@pytest.mark.parametrize("name", ["mapbox_vector_tile", "requests", "shapely"])
def test_a_missing_package_is_named_with_the_way_to_install_it(name):
    code = (
        f"import sys; sys.modules[{name!r}] = None\n"
        "try: import placevec.collecting\n"
        "except ImportError as error: print(error)"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert f"{name} is not installed. Install them: pip install '.[collect]'" in printed.stdout
