from typing import get_args

import pytest

from placevec.config import Engine, Precision
from placevec.models.engines.registry import ENGINES, get_engine_kind


def test_settings_name_every_engine_and_precision():
    assert set(get_args(Engine)) == {"auto", *ENGINES}
    assert set(get_args(Precision)) == {
        name for kind in ENGINES.values() for name in kind.precisions
    }


def test_keras_needs_nothing():
    assert get_engine_kind("keras").missing(exporting=True) == []


def test_refuses_other_names():
    with pytest.raises(ValueError, match="no such engine. .*Did you mean 'onnx'"):
        get_engine_kind("onx")
