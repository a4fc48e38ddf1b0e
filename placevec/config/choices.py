"""What several settings choose from."""

from typing import Literal

Augmentation = Literal["none", "light", "street", "basic", "typical", "heavy"]


Engine = Literal["auto", "openvino", "onnx", "litert", "keras"]


Precision = Literal["float32", "bf16", "int8"]
