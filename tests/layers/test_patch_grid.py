import keras
import numpy as np
import pytest
from keras import ops

from placevec.layers import PatchGrid, PatchTokens


@pytest.mark.parametrize("size", [(12, 12), (8, 21), (3, 50)])
def test_the_grid_lays_tokens_out_in_rows(size):
    photos = keras.Input((None, None, 3))
    layer = PatchTokens(feature_dim=5, patch_size=4, num_positions=3)
    model = keras.Model(photos, PatchGrid(4)([layer(photos), photos]))
    inputs = np.random.default_rng(0).normal(size=(2, *size, 3)).astype("float32")
    rows, columns = (size[0] + 2) // 4, (size[1] + 2) // 4
    tokens = ops.convert_to_numpy(layer(inputs))
    received = ops.convert_to_numpy(model.predict_on_batch(inputs))
    np.testing.assert_allclose(received, tokens[:, 1:].reshape(2, rows, columns, 5), atol=1e-5)
    sized = keras.models.clone_model(model, input_tensors=keras.Input((*size, 3)))
    assert sized.output.shape == (None, rows, columns, 5)
