"""The default network of the cartwheel scripts, on Pittsburgh, with their faults fixed.

Data: the cut-outs of Pittsburgh 250k. Put the folders `000` ... into `DATA/train`, and some folders
of other places into `DATA/val`.

    placevec train --recipe cartwheel_mobilenetv2 --data DATA

As in the scripts: MobileNetV2 up to `block_9_add` with ImageNet weights, NetVLAD with K = 16, color
photos of 240x320, tuples of 6 positives and 6 negatives, all-pair hinge loss with a margin of 0.3.
Fixed: training starts from k-means clusters, batch normalization is frozen, no photo is both query
and positive, there is a seed, and each epoch ends with the recall on other places.

To expect: no published figures exist to compare with. We did not measure it on Pittsburgh; a test
trains this recipe on synthetic files of the same format.

Reference:
    [Kuse and Shen, 2019](https://arxiv.org/abs/1904.06962).
"""

from pathlib import Path

from placevec.config import (
    AugmentConfig,
    LossConfig,
    ModelConfig,
    TrainConfig,
    TupleConfig,
)


def settings(data: Path) -> TrainConfig:
    """Returns the settings for a folder of `train` and `val`."""
    return TrainConfig(
        places=f"pittsburgh:{data}/train",
        validation=f"pittsburgh:{data}/val",
        out=Path("runs/cartwheel_mobilenetv2"),
        model=ModelConfig(weights="imagenet", num_clusters=16),
        tuples=TupleConfig(num_positives=6, num_negatives=6),
        augment=AugmentConfig(augmentation="typical"),
        loss=LossConfig("allpair_hinge"),
        batch_size=4,
        steps_per_epoch=500,
        epochs=20,
        validate_every=1,
    )
