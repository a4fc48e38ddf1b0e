"""A small network for street photos, by day and by night: 0.29 million parameters, 1024 numbers.

Data: tables of photos with positions and headings in `DATA/train` and `DATA/val`. ImageNet's
weights are taken from `DATA/../weights/mobilenetv2_imagenet_through_block13.npz` where that file
is, and downloaded otherwise.

    placevec train --recipe cambridge_small --data DATA

MobileNetV2 up to `block_9_add`, NetVLAD with K = 16 from k-means clusters, assigned more softly
than in the paper. The layers from `block_7_expand` on learn, with frozen batch normalization, from
photos changed by `street`: tuples of 2 positives within 15 m that look the same way and 6 of the 30
hardest negatives of the whole database, mined every third epoch; InfoNCE over the batch, and
self-distillation, which holds changed photos to what the untrained network gave for unchanged
ones. At the end partial whitening, fitted on the photos and two copies of each in other light.

Measured (docs/lab/results.md; two seeds): recall@1 on 228 queries of other streets of Cambridge,
240x320, within 25 m, was 84.2 and 82.0 before and 85.1 and 82.5 after: level by day. With these
queries changed to dusk, night, lamps, other seasons and other views the mean, those as taken
included, rose from 39.4 and 38.9 to 74.9 and 73.5. On photos of a corridor it fell from 81.1 and
85.6 to 79.3 and 79.3. It took 20 minutes on two cores beside other work, 14 of processor time.
"""

from pathlib import Path

from placevec.config import (
    AugmentConfig,
    LossConfig,
    MiningConfig,
    ModelConfig,
    OptimizerConfig,
    StartConfig,
    TrainConfig,
    TupleConfig,
    WhitenConfig,
)

_WEIGHTS = Path("weights", "mobilenetv2_imagenet_through_block13.npz")


def settings(data: Path) -> TrainConfig:
    """Returns the settings for a folder of `train` and `val`."""
    weights = data.resolve().parent / _WEIGHTS
    return TrainConfig(
        places=f"table:{data}/train",
        validation=f"table:{data}/val",
        out=Path("runs/cambridge_small"),
        batch_size=6,
        steps_per_epoch=50,
        epochs=12,
        validate_every=12,
        model=ModelConfig(weights=str(weights) if weights.exists() else "imagenet"),
        tuples=TupleConfig(
            num_positives=2,
            num_negatives=6,
            positive_radius_m=15.0,
            max_heading_difference_deg=30.0,
        ),
        mining=MiningConfig(mining="full", num_hard_negatives=30, mine_every=3),
        augment=AugmentConfig(augmentation="street"),
        loss=LossConfig(distillation=10.0),
        optimizer=OptimizerConfig(
            learning_rate=2e-4,
            warmup_steps=20,
            cosine_decay=True,
            train_from_layer="block_7_expand",
        ),
        start=StartConfig(assignment_ratio=5.0),
        whitening=WhitenConfig(rank=40, augmentation="light"),
    )
