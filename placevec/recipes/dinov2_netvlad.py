"""NetVLAD on DINOv2-B; in tables by others it equals the state of the art of 2024.

Data: GSV-Cities, some of its cities in `DATA/val` and the others in `DATA/train`, as
`gsv_cities_multisimilarity` describes it. You need `pip install 'placevec[dinov2]'` to download
the weights, and a GPU.

    placevec train --recipe dinov2_netvlad --data DATA

DINOv2-B, of which the last four of twelve blocks are trained; NetVLAD with K = 8 (6144
dimensions); 60 places of 4 photos in a batch; multi-similarity loss with its online miner; AdamW.

To expect: recall@1 of 92.8 on Pitts30k and 91.8 on MSLS's validation part, as
[ImAge](https://arxiv.org/abs/2511.06024) reports for such a network trained on GSV-Cities. We did
not measure it; a test builds the network, and trains it with a small backbone in its place.
"""

from pathlib import Path

from placevec.config import (
    LossConfig,
    ModelConfig,
    OptimizerConfig,
    TrainConfig,
    TupleConfig,
)


def settings(data: Path) -> TrainConfig:
    """Returns the settings for a folder of `train` and `val`."""
    return TrainConfig(
        places=f"gsv_cities:{data}/train",
        validation=f"gsv_cities:{data}/val",
        out=Path("runs/dinov2_netvlad"),
        model=ModelConfig(
            backbone="dinov2b", cut_layer="patch_grid", weights="imagenet", num_clusters=8
        ),
        image_size=(224, 224),
        tuples=TupleConfig(num_positives=3, num_negatives=0),
        loss=LossConfig("multi_similarity"),
        optimizer=OptimizerConfig(
            "adamw",
            learning_rate=5e-5,
            weight_decay=1e-3,
            warmup_steps=300,
            cosine_decay=True,
            train_from_layer="block_8_norm1",
        ),
        batch_size=60,
        steps_per_epoch=1000,
        epochs=4,
        validate_every=1,
    )
