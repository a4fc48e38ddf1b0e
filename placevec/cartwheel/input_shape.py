"""Rebuilds a network for photos of another size."""

import keras


def with_input_shape(model: keras.Model, input_shape: tuple[int | None, ...]) -> keras.Model:
    """Returns a copy of a model, including its weights, for another input shape.

    Args:
        model: keras.Model. It takes photos `(batch, height, width, C)` and is not changed.
        input_shape: tuple. `(batch, height, width, C)`; None for axes that stay open.

    Returns:
        keras.Model.

    Raises:
        ValueError: If the shape does not have this form, or has another number of channels.

    Example:

    >>> photos = keras.Input((240, 320, 3))
    >>> model = keras.Model(photos, keras.layers.Conv2D(8, 3, strides=2)(photos))
    >>> with_input_shape(model, (None, 40, 40, 3)).output_shape
    (None, 19, 19, 8)
    """
    source = model.inputs[0]
    if len(input_shape) != len(source.shape) or input_shape[-1] != source.shape[-1]:
        raise ValueError(
            "`input_shape` must have as many axes and channels as the model takes, "
            f"{tuple(source.shape)}. Received: input_shape={tuple(input_shape)}"
        )
    photos = keras.Input(
        input_shape[1:],
        batch_size=input_shape[0],
        dtype=source.dtype,
        name=source.name,  # Earlier versions put the training size into the name.
    )
    resized = keras.models.clone_model(model, input_tensors=photos)
    resized.set_weights(model.get_weights())
    return resized
