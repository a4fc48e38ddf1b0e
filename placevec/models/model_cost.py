"""What a model costs: parameters, memory and floating point operations, layer by layer."""

import math
from dataclasses import dataclass

_BYTES_PER_FLOAT32 = 4


@dataclass(frozen=True)
class LayerCost:
    """What one layer costs for one photo.

    Args:
        name: str. Name of the layer.
        kind: str. Name of its class.
        output_shape: tuple of int. Without the batch.
        parameters: int. Number of weights, including running statistics.
        flops: int. Floating point operations; a multiplication and an addition count as two. They
            are counted for convolutions, dense layers, attention, matrix products of aggregators,
            whitening, normalization, scaling, and sums and products of layers. Activations,
            pooling, GeM, SPoC, MAC and softmax are left out, because they need few.
    """

    name: str
    kind: str
    output_shape: tuple[int, ...]
    parameters: int
    flops: int


@dataclass(frozen=True)
class ModelCost:
    """What a model costs.

    Args:
        layers: tuple of LayerCost.
        trainable_parameters: int. Number of weights that training changes.
        image_size: (int, int). Rows and columns of the photo.
        batch_size: int. Photos in a batch, for the memory.
    """

    layers: tuple[LayerCost, ...]
    trainable_parameters: int
    image_size: tuple[int, int]
    batch_size: int

    @property
    def parameters(self) -> int:
        """Number of all weights of the model."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def flops(self) -> int:
        """Floating point operations for one photo."""
        return sum(layer.flops for layer in self.layers)

    @property
    def memory_bytes(self) -> int:
        """Bytes of all weights and of all layers' float32 outputs for a batch.

        Training keeps all of them. Describing needs less, because it frees outputs on the way.
        """
        outputs = sum(math.prod(layer.output_shape) for layer in self.layers)
        return _BYTES_PER_FLOAT32 * (self.parameters + self.batch_size * outputs)

    def __str__(self) -> str:
        rows = [
            f"{layer.name:32s} {layer.kind:20s} {'x'.join(map(str, layer.output_shape)):>16s} "
            f"{layer.parameters:>12,d} {layer.flops / 1e6:>12,.2f}"
            for layer in self.layers
        ]
        head = f"{'layer':32s} {'kind':20s} {'output':>16s} {'parameters':>12s} {'MFLOP':>12s}"
        size = "x".join(map(str, self.image_size))
        return "\n".join(
            [
                head,
                *rows,
                f"parameters  {self.parameters:,} ({self.trainable_parameters:,} trainable)",
                f"memory      {self.memory_bytes / 2**20:,.1f} MiB for weights and all outputs, "
                f"batch {self.batch_size}",
                f"FLOPs       {self.flops / 1e9:,.3f} G for one photo of {size}",
            ]
        )
