"""The PyTorch peer of `benchmarks/describe.py`: the usual port of NetVLAD, as its users run it.

Its layers are written manually, with weights copied from the Keras model of the benchmark. Photos
come through a DataLoader with PIL, and NetVLAD is a loop over clusters. `tuned` is the best that
users get without another program: channels_last, torch.compile and, if asked for, bfloat16.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn import functional

Weights = dict[str, dict[str, np.ndarray]]


class LoopNetVLAD(nn.Module):
    """NetVLAD as in the usual port: residuals of one cluster at a time."""

    def __init__(self, weights: dict[str, np.ndarray]):
        super().__init__()
        dim, count = weights["kernel"].shape
        self.assign = nn.Conv2d(dim, count, 1)
        self.assign.weight.data = torch.from_numpy(weights["kernel"].T[:, :, None, None].copy())
        self.assign.bias.data = torch.from_numpy(weights.get("bias", np.zeros(count, np.float32)))
        self.centers = nn.Parameter(torch.from_numpy(weights["centers"]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Returns (B, K * D) of (B, D, H, W)."""
        x = functional.normalize(x, dim=1)
        assignment = functional.softmax(self.assign(x).flatten(2), dim=1)  # (B, K, HW)
        flat = x.flatten(2)
        vlad = torch.zeros(
            (len(x), len(self.centers), x.shape[1]), dtype=torch.float32, device=x.device
        )
        for k in range(len(self.centers)):
            residual = flat - self.centers[k][None, :, None]
            vlad[:, k] = (residual * assignment[:, k : k + 1]).sum(dim=-1)
        vlad = functional.normalize(vlad, dim=2).flatten(1)
        return functional.normalize(vlad, dim=1)


class InvertedResidual(nn.Module):
    """One block of MobileNetV2."""

    def __init__(self, weights: Weights, number: int):
        super().__init__()
        name = f"block_{number}_" if number else "expanded_conv_"
        parts = []
        if number:
            parts += [_convolution(weights, f"{name}expand"), nn.ReLU6()]
        stride = 2 if number in (1, 3, 6, 13) else 1
        parts += [_convolution(weights, f"{name}depthwise", stride, depthwise=True), nn.ReLU6()]
        parts += [_convolution(weights, f"{name}project")]
        self.parts = nn.Sequential(*parts)
        first = weights[f"{name}expand" if number else f"{name}depthwise"]["kernel"].shape[2]
        self.adds = stride == 1 and first == weights[f"{name}project"]["kernel"].shape[3]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Returns the block's features."""
        return x + self.parts(x) if self.adds else self.parts(x)


class PadLikeKeras(nn.Module):
    """Pads a row and a column at the end, as Keras does for even maps before a stride of 2."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Returns the padded map."""
        return functional.pad(x, (0, 1, 0, 1))


def build(network: str, weights: Weights) -> nn.Module:
    """Returns the network in PyTorch: it maps scaled float32 (B, 3, H, W) to (B, K * D)."""
    if network == "vgg16":
        layers: list[nn.Module] = []
        for block, count in enumerate((2, 2, 3, 3, 3), start=1):
            for place in range(1, count + 1):
                layers += [_convolution(weights, f"block{block}_conv{place}"), nn.ReLU()]
            if block < 5:
                layers.append(nn.MaxPool2d(2))
    else:
        layers = [_convolution(weights, "Conv1", 2), nn.ReLU6()]
        layers += [InvertedResidual(weights, number) for number in range(10)]
    return nn.Sequential(*layers, LoopNetVLAD(weights["aggregator"])).eval()


def _convolution(weights: Weights, name: str, stride: int = 1, depthwise: bool = False):  # noqa: ANN202
    kernel = weights[name]["kernel"]  # (h, w, in, out), depthwise (h, w, in, 1)
    kernel = kernel.transpose(2, 3, 0, 1) if depthwise else kernel.transpose(3, 2, 0, 1)
    count = kernel.shape[0]
    side = kernel.shape[2]
    norm_name = "bn_Conv1" if name == "Conv1" else f"{name}_BN"
    norm = weights.get(norm_name)
    layer = nn.Conv2d(
        kernel.shape[1] * (count if depthwise else 1),
        count,
        side,
        stride,
        padding=side // 2 if stride == 1 else 0,
        groups=count if depthwise else 1,
        bias=norm is None,
    )
    layer.weight.data = torch.from_numpy(np.ascontiguousarray(kernel))
    parts: list[nn.Module] = [PadLikeKeras()] if stride == 2 else []
    parts.append(layer)
    if norm is None:
        layer.bias.data = torch.from_numpy(weights[name]["bias"])
    else:
        batch_norm = nn.BatchNorm2d(count, eps=1e-3)
        batch_norm.weight.data, batch_norm.bias.data = map(
            torch.from_numpy, (norm["gamma"], norm["beta"])
        )
        batch_norm.running_mean.data, batch_norm.running_var.data = map(
            torch.from_numpy, (norm["moving_mean"], norm["moving_variance"])
        )
        parts.append(batch_norm)
    return nn.Sequential(*parts) if len(parts) > 1 else layer


class Photos(torch.utils.data.Dataset):
    """Photos as users read them: with PIL, resized, and scaled to what the network expects."""

    def __init__(self, paths: Sequence[Path], size: tuple[int, int], scale: Callable):
        self.paths, self.size, self.scale = paths, size, scale

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> torch.Tensor:
        with Image.open(self.paths[index]) as photo:
            photo = photo.convert("RGB").resize(self.size[::-1], Image.Resampling.BILINEAR)
        return torch.from_numpy(self.scale(np.asarray(photo)).transpose(2, 0, 1).copy())


def layer_weights(model_path: Path) -> Weights:
    """Returns the arrays that `describe_rows.make_model` saved, as layer -> weight -> array."""
    weights: Weights = {}
    with np.load(model_path.with_suffix(".npz")) as file:
        for name in file.files:
            layer, _, weight = name.partition("/")
            weights.setdefault(layer, {})[weight] = file[name]
    return weights


class TorchPeer:
    """Describes photos as a user of PyTorch does.

    Args:
        network: str. `"mobilenetv2"` or `"vgg16"`.
        weights: dict of layer -> weight -> array, with the names of Keras; with `pixel_scaling`.
        size: (int, int). Rows and columns.
        way: str. `"usual"`, `"tuned"` (channels_last and torch.compile) or `"tuned bf16"`.
        batch_size: int. Photos in a batch.
    """

    def __init__(
        self, network: str, weights: Weights, size: tuple[int, int], way: str, batch_size: int
    ):
        self.size, self.way, self.batch_size = size, way, batch_size
        self.scaling = weights["pixel_scaling"]
        self.model = build(network, weights)
        if way != "usual":
            self.model = torch.compile(self.model.to(memory_format=torch.channels_last))

    def scale(self, photos: np.ndarray) -> np.ndarray:
        """Scales uint8 RGB photos to what the network expects."""
        if self.scaling["bgr"]:
            photos = photos[..., ::-1]
        scaled = photos * self.scaling["scale"] + self.scaling["offset"]
        return scaled.astype(np.float32)

    def compute(self, photos: torch.Tensor) -> np.ndarray:
        """Returns the descriptors of scaled photos (B, 3, H, W)."""
        with (
            torch.inference_mode(),
            torch.autocast("cpu", torch.bfloat16, enabled=self.way == "tuned bf16"),
        ):
            if self.way != "usual":
                photos = photos.to(memory_format=torch.channels_last)
            return self.model(photos).float().numpy()

    def __call__(self, photos: np.ndarray) -> np.ndarray:
        """Returns the descriptors of uint8 photos (B, H, W, 3)."""
        return self.compute(torch.from_numpy(self.scale(photos).transpose(0, 3, 1, 2).copy()))

    def describe(self, paths: Sequence[Path]) -> np.ndarray:
        """Returns the descriptors of photo files."""
        loader = torch.utils.data.DataLoader(
            Photos(paths, self.size, self.scale), self.batch_size, num_workers=2
        )
        return np.concatenate([self.compute(batch) for batch in loader])


def matrix_peak(dtype: str, side: int = 2048, repeats: int = 4) -> float:
    """Returns the GFLOP/s of a product of two square matrices, the best of several."""
    a, b = (torch.randn(side, side).to(getattr(torch, dtype)) for _ in range(2))
    a @ b
    speeds = []
    for _ in range(repeats):
        start = time.perf_counter()
        a @ b
        speeds.append(2 * side**3 / (time.perf_counter() - start) / 1e9)
    return max(speeds)
