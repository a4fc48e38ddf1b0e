"""Scales vectors to unit length, safely even if a vector is zero."""

from keras import ops

SMALLEST_SQUARED_NORM = 1e-12


def l2_normalize(x, axis: int = -1):
    """Scales vectors to unit L2 norm.

    The result is `x / max(|x|, 1e-6)`. A zero vector has no direction: it stays zero and passes no
    gradient. (Otherwise its gradient would be a million times too large, which float16 cannot
    hold.) It computes in the dtype of `x`; cast half precision to float32 first.

    Args:
        x: Float tensor of any shape.
        axis: int. Axis along which the vectors lie. Defaults to `-1`.

    Returns:
        Tensor of the shape and dtype of `x`, of norm 1 along `axis`, or less if `|x| < 1e-6`.

    Example:
    >>> ops.convert_to_numpy(l2_normalize(ops.array([[3.0, 4.0], [0.0, 0.0]])))
    array([[0.6, 0.8],
           [0. , 0. ]], dtype=float32)
    """
    squared_norm = ops.sum(ops.square(x), axis=axis, keepdims=True)
    scale = ops.rsqrt(ops.maximum(squared_norm, SMALLEST_SQUARED_NORM))
    return x * ops.where(squared_norm > 0, scale, ops.zeros_like(scale))
