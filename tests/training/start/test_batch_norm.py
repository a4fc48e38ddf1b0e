import keras
import numpy as np
import pytest

from placevec.images import read_image
from placevec.models import build_descriptor_model
from placevec.sources import open_places
from placevec.training.start.batch_norm import fuse_batch_norm, settle_batch_norm

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


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow's operation")
@pytest.mark.parametrize(
    ("scale", "center", "dtype"),
    [
        (True, True, "float32"),
        (False, False, "float32"),
        (True, True, "mixed_float16"),
        (True, True, "float64"),
    ],
)
def test_one_operation_learns_what_keras_learns(scale, center, dtype):
    import tensorflow as tf

    photos = np.random.default_rng(0).normal(3, 2, (4, 5, 6, 7)).astype("float32")
    weights = np.random.default_rng(1).normal(size=photos.shape).astype("float32")
    found = []
    for fuse in (False, True):
        layer = keras.layers.BatchNormalization(scale=scale, center=center, dtype=dtype)
        inputs = keras.Input(photos.shape[1:])
        model = keras.Model(inputs, layer(inputs))
        values = [np.linspace(0.5, 2, 7) + number for number in range(len(layer.weights))]
        layer.set_weights(values)
        if fuse:
            fuse_batch_norm(model)

        @tf.function
        def step(photos, model=model, layer=layer):
            with tf.GradientTape() as tape:
                tape.watch(photos)
                outputs = model(photos, training=True)
                loss = tf.reduce_sum(tf.cast(outputs, "float32") * weights)
            learned = [variable.value for variable in layer.trainable_variables]
            return [outputs, *tape.gradient(loss, [photos, *learned])]

        photos_given = tf.constant(photos)
        graph = step.get_concrete_function(photos_given).graph
        is_fused = any(each.type == "FusedBatchNormV3" for each in graph.get_operations())
        assert is_fused == (fuse and dtype != "float64")
        results = [np.array(each) for each in step(photos_given)]
        found.append([*results, *layer.get_weights(), np.array(model(photos))])
    tolerance = 2e-3 if dtype == "mixed_float16" else 2e-5
    for keras_value, value in zip(*found, strict=True):
        assert value.dtype == keras_value.dtype
        np.testing.assert_allclose(value, keras_value, rtol=tolerance, atol=tolerance)
