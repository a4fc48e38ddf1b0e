"""ResNet-50 with Conv-AP on GSV-Cities, as its authors train it.

Data: GSV-Cities (https://github.com/amaralibey/gsv-cities; 530,000 photos of 62,000 places in 23
cities), unpacked so that `DATA/train` holds its `Dataframes` and `Images`; move the tables and
photos of some cities to `DATA/val`. placevec downloads the ImageNet weights. You need a GPU.

    placevec train --recipe gsv_cities_multisimilarity --data DATA

ResNet-50 up to its last layer, with the first two of four stages frozen; Conv-AP with 2048
dimensions in each of 2x2 cells (8192 in all); photos of 320x320; 100 places of 4 photos in a batch;
multi-similarity loss (alpha 1, beta 50, base 0) with its online miner (0.1); Adam with a learning
rate of 0.0002 after 600 steps; half precision; 30 epochs, each with about every place once.

To expect: recall@1 of 90.5 on Pitts30k, 92.8 on Pitts250k and 83.1 on MSLS's validation part,
according to tables by others; about 20 minutes per epoch on a GPU, according to its authors. We did
not measure it because we do not have the photos. A test trains this recipe on synthetic files of
the same format, with a small backbone in place of ResNet-50.

Differences from the authors' code: They train on all cities and choose the best epoch on Pittsburgh
and MSLS; here the cities in `DATA/val` decide. They multiply the learning rate by 0.3 at epochs 5,
10, 15 and 25; here it follows a cosine. They augment photos with RandAugment; here it is `street`.
They choose photos of a place regardless of their month; here no positive has the month of the
query.

Reference:
    [Ali-bey et al., 2022](https://arxiv.org/abs/2210.10239), and the authors' code.
"""

from pathlib import Path

from placevec.config import (
    AugmentConfig,
    ComputeConfig,
    LossConfig,
    ModelConfig,
    OptimizerConfig,
    TrainConfig,
    TupleConfig,
)

_PLACES = 62_000


def settings(data: Path) -> TrainConfig:
    """Returns the settings for a folder of `train` and `val`."""
    batch_size = 100
    return TrainConfig(
        places=f"gsv_cities:{data}/train",
        validation=f"gsv_cities:{data}/val",
        out=Path("runs/gsv_cities_multisimilarity"),
        model=ModelConfig(
            backbone="resnet50",
            cut_layer="conv5_block3_out",
            weights="imagenet",
            aggregator="conv_ap",
            aggregator_dim=2048,
        ),
        image_size=(320, 320),
        tuples=TupleConfig(num_positives=3, num_negatives=0),
        augment=AugmentConfig(augmentation="street"),
        loss=LossConfig("multi_similarity"),
        optimizer=OptimizerConfig(
            learning_rate=2e-4,
            warmup_steps=600,
            cosine_decay=True,
            train_from_layer="conv4_block1_1_conv",
            freeze_batch_norm=False,
        ),
        computing=ComputeConfig(precision="mixed_float16"),
        batch_size=batch_size,
        steps_per_epoch=_PLACES // batch_size,
        epochs=30,
        validate_every=1,
    )
