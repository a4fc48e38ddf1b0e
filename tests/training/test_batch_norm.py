import keras
import numpy as np

from placevec.images import read_image
from placevec.models import build_descriptor_model
from placevec.sources import open_places
from placevec.training.batch_norm import settle_batch_norm

SIZE = (32, 48)


def test_running_statistics_become_those_of_the_photos(made_places, small_config):
    keras.utils.set_random_seed(0)
    model = build_descriptor_model(small_config().model)
    paths = open_places(f"folder:{made_places / 'train'}").paths()
    settle_batch_norm(model, paths, image_size=SIZE, seed=0)
    photos = np.stack([read_image(path, image_size=SIZE) for path in paths])
    first = keras.Model(model.input, model.get_layer("Conv1").output)
    values = keras.ops.convert_to_numpy(first(photos))
    norm = model.get_layer("bn_Conv1")
    mean, variance = map(keras.ops.convert_to_numpy, (norm.moving_mean, norm.moving_variance))
    np.testing.assert_allclose(mean, values.mean(axis=(0, 1, 2)), atol=1e-3)
    np.testing.assert_allclose(variance, values.var(axis=(0, 1, 2)), rtol=0.01, atol=1e-4)
    assert norm.momentum == small_config().model.batch_norm_momentum
