import numpy as np
import pytest

from placevec.rendering.town.layout import lay_out_town


@pytest.fixture(scope="session")
def town():
    """A town of two streets of 150 m."""
    return lay_out_town((5, 0), ["one", "two"], 150.0, np.array([1000.0, 2000.0]))
