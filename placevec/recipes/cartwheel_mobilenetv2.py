"""The default network of the cartwheel scripts, on Pittsburgh, with their faults mended.

Data: the cut-outs of Pittsburgh 250k with their folders `000` ... in `DATA/train`, some folders of
other places in `DATA/val`.

    placevec train --recipe cartwheel_mobilenetv2 --data DATA

MobileNetV2 up to `block_9_add` from ImageNet's weights, NetVLAD with K = 16, color photos
of 240x320, tuples of 6 positives and 6 negatives, all-pair hinge with a margin of 0.3, as the
scripts had it. Mended: k-means clusters to start from, frozen batch normalization, no photo
both query and positive, a seed, and recall on other places after each epoch.

To expect: nothing published to compare with. Not measured here on Pittsburgh; what is tested is
that the wiring trains on made files of the same format.

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
