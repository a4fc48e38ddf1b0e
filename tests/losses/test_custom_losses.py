"""The old names in the root file CustomLosses.py."""

import importlib.util
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops


@pytest.fixture(scope="module")
def custom_losses():
    path = Path(__file__).resolve().parents[2] / "CustomLosses.py"
    spec = importlib.util.spec_from_file_location("CustomLosses", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def pair_excess(positive, negative):
    return [n - p + 0.3 for p in positive for n in negative]


def hinge(positive, negative):
    return sum(max(0.0, excess) for excess in pair_excess(positive, negative))


def triplet(positive, negative):
    return sum(max(0.0, n - max(positive) + 0.3) for n in negative)


def count(positive, negative):
    return sum(excess <= 0 for excess in pair_excess(positive, negative))


def deviation(positive, negative):
    return float(np.std(positive))


def hinge_and_deviation(positive, negative):
    return hinge(positive, negative) + deviation(positive, negative)


FORMULAS = {
    "triplet_loss2": triplet,
    "allpair_hinge_loss": hinge,
    "allpair_count_goodfit": count,
    "positive_set_deviation": deviation,
    "allpair_hinge_loss_with_positive_set_deviation": hinge_and_deviation,
}


@pytest.mark.parametrize("name", FORMULAS)
def test_makers_keep_their_signature_and_return_one_number_per_tuple(
    custom_losses, y_pred, in_loops, name
):
    measure = getattr(custom_losses, name + "_maker")(nP=3, nN=2)
    received = measure(ops.zeros((4, 1)), ops.convert_to_tensor(y_pred))
    expected = [FORMULAS[name](*in_loops(descriptors)) for descriptors in y_pred]
    np.testing.assert_allclose(ops.convert_to_numpy(received), expected, atol=1e-6)


def test_makers_pass_their_settings_on(custom_losses, y_pred, in_loops):
    y_pred = ops.convert_to_tensor(y_pred)
    maker = custom_losses.allpair_hinge_loss_with_positive_set_deviation_maker
    plain, weighty = (maker(3, 2, epsilon=0.1, opt_lambda=weight) for weight in (0.0, 3.0))
    expected = custom_losses.allpair_hinge_loss_maker(3, 2, 0.1)(None, y_pred)
    np.testing.assert_allclose(
        ops.convert_to_numpy(plain(None, y_pred)), ops.convert_to_numpy(expected), atol=1e-7
    )
    deviation = custom_losses.positive_set_deviation_maker(3, 2)(None, y_pred)
    np.testing.assert_allclose(
        ops.convert_to_numpy(weighty(None, y_pred) - plain(None, y_pred)),
        3 * ops.convert_to_numpy(deviation),
        atol=1e-6,
    )
    for name in ("triplet_loss2_maker", "allpair_count_goodfit_maker"):
        maker = getattr(custom_losses, name)
        narrow, wide = (ops.sum(maker(3, 2, margin)(None, y_pred)) for margin in (0.05, 0.3))
        assert float(narrow) != float(wide)


def test_model_compile_takes_them_as_loss_and_as_metrics(custom_losses, y_pred):
    source = keras.Input((6, 5))
    model = keras.Model(source, keras.layers.Dense(5)(source))
    model.compile(
        "adam",
        loss=custom_losses.allpair_hinge_loss_maker(3, 2, epsilon=0.3),
        metrics=[
            custom_losses.allpair_count_goodfit_maker(3, 2, epsilon=0.3),
            custom_losses.positive_set_deviation_maker(3, 2),
        ],
    )
    history = model.fit(y_pred, np.zeros(4), verbose=0).history
    assert set(history) == {"loss", "allpair_count_goodfit", "positive_set_deviation"}
    assert np.isfinite(list(history.values())).all()
