import keras
import numpy as np
import pytest

from placevec.layers import fit_partial_whitening, fit_whitening
from placevec.models import (
    append_partial_whitening,
    append_whitening,
    crop,
    load_model,
    measure_model,
    model_id,
    remove_whitening,
    save_model,
)

SIZE = (33, 47)


def describe(model, photos):
    return keras.ops.convert_to_numpy(model.predict_on_batch(photos))


@pytest.fixture(scope="module")
def fitted():
    """Whitening of 48 numbers to 10, of made descriptors."""
    return fit_whitening(np.random.default_rng(0).normal(size=(30, 48)).astype("float32"), 10)


@pytest.fixture
def whitened(shallow_model, fitted):
    return append_whitening(shallow_model(), *fitted)


def test_appends_the_projection_as_the_last_layer(shallow_model, whitened, fitted, random_photos):
    photos = random_photos(3)
    mean, projection = fitted
    expected = (describe(shallow_model(), photos) - mean) @ projection
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(describe(whitened, photos), expected, atol=1e-5)
    assert (whitened.layers[-1].name, whitened.name) == ("whitening", "descriptor")
    assert whitened.layers[-1].trainable_weights == []
    assert whitened.jit_compile == (keras.backend.backend() == "jax")


def test_a_saved_model_loads_in_safe_mode_and_describes_the_same(whitened, random_photos, tmp_path):
    save_model(whitened, tmp_path / "m.keras")
    loaded = load_model(tmp_path / "m.keras")
    photos = random_photos()
    np.testing.assert_allclose(describe(loaded, photos), describe(whitened, photos), atol=1e-6)
    assert model_id(loaded) == model_id(whitened)
    assert model_id(remove_whitening(loaded)) != model_id(whitened)


def test_partial_whitening_is_the_last_layer_too(shallow_model, random_photos, tmp_path):
    descriptors = np.random.default_rng(0).normal(size=(30, 48)).astype("float32")
    mean, directions = fit_partial_whitening(descriptors, 4)
    save_model(append_partial_whitening(shallow_model(), mean, directions), tmp_path / "m.keras")
    loaded = load_model(tmp_path / "m.keras")
    photos = random_photos(3)
    expected = describe(shallow_model(), photos) - mean
    expected -= (expected @ directions) @ directions.T
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(describe(loaded, photos), expected, atol=1e-5)
    np.testing.assert_allclose(
        describe(remove_whitening(loaded), photos), describe(shallow_model(), photos), atol=1e-6
    )
    with pytest.raises(ValueError, match="to be cropped: .*PartialWhitening"):
        crop(loaded, 2)


def test_removing_gives_the_model_of_before(shallow_model, whitened, random_photos, tmp_path):
    save_model(whitened, tmp_path / "m.keras")
    photos = random_photos()
    before = remove_whitening(load_model(tmp_path / "m.keras"))
    np.testing.assert_allclose(
        describe(before, photos), describe(shallow_model(), photos), atol=1e-6
    )
    assert model_id(before) == model_id(shallow_model())
    assert before.name == "descriptor"


def test_a_learned_projection_is_not_removed(shallow_model):
    model = shallow_model(projection_dim=5)
    assert remove_whitening(model) is model


def test_cropping_keeps_the_first_numbers(whitened, random_photos, tmp_path):
    save_model(whitened, tmp_path / "m.keras")
    cropped = crop(load_model(tmp_path / "m.keras"), 4)
    photos = random_photos()
    expected = describe(whitened, photos)[:, :4]
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(describe(cropped, photos), expected, atol=1e-5)
    save_model(cropped, tmp_path / "small.keras")
    again = crop(load_model(tmp_path / "small.keras"), 2)
    assert again.output_shape == (None, 2)
    assert whitened.output_shape == (None, 10)


@pytest.mark.parametrize("dim", [0, 11])
def test_refuses_to_crop_to_what_is_not_there(whitened, dim):
    with pytest.raises(ValueError, match=f"between 1 and 10, .*. Received: dim={dim}"):
        crop(whitened, dim)


def test_refuses_to_crop_a_model_without_whitening(shallow_model):
    """The first numbers of a learned projection tell no more than the others."""
    with pytest.raises(ValueError, match="one that ends in NetVLAD .* `placevec whiten MODEL"):
        crop(shallow_model(), 4)
    with pytest.raises(ValueError, match="must end in PCA whitening"):
        crop(shallow_model(projection_dim=5), 4)


def test_the_cost_of_a_model_names_whitening(whitened):
    cost = measure_model(whitened, image_size=SIZE)
    last = cost.layers[-1]
    assert (last.name, last.kind, last.output_shape) == ("whitening", "Whitening", (10,))
    assert (last.parameters, last.flops) == (48 + 48 * 10, 2 * 48 * 10)


def test_partial_whitening_says_how_to_get_fewer_dimensions():
    inputs = keras.Input((None, None, 4))
    model = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(inputs))
    partial = append_partial_whitening(model, np.zeros(4), np.zeros((4, 1)))
    with pytest.raises(ValueError, match="have an order.*whiten MODEL --places PHOTOS --dim 2 --a"):
        crop(partial, 2)
