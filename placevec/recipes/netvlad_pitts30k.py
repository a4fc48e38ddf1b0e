"""NetVLAD as its paper trained it on Pittsburgh, 30k.

Data: the photos of Pittsburgh 250k (ask for them at
https://www.di.ens.fr/willow/research/netvlad), unpacked into `DATA/images`, and the authors'
`pitts30k_train.mat` and `pitts30k_val.mat` in `DATA/dbstruct`.

    placevec train --recipe netvlad_pitts30k --data DATA

VGG16 up to its last convolution, before the activation; NetVLAD with K = 64 and no bias; triplets
of the best positive within 10 m and the 10 hardest of 1000 negatives beyond 25 m, mined again every
1000 queries; SGD with a learning rate of 0.001, halved every 5 rounds of the 7416 queries; 30
rounds; whitening to 4096 dimensions. An epoch of this recipe is 1000 queries.

To expect: recall@1/5/10 of 85.2/94.8/97.0 on the validation part without whitening, as the PyTorch
reproduction by Nanne reports; many hours on a GPU. We did not measure it because the photos are not
freely available. A test trains this recipe on synthetic files of the same format.

Differences from the authors' code: Here an epoch is 1000 random queries that violate the margin;
they count every query that they look at, in rounds of the 7416. They divide the gradient by the
number of tuples that still violate the margin at that step; here it is divided by all tuples. Their
weight decay of 0.001 passes through the momentum of 0.9, which makes it ten times as strong; here
it acts directly, and is 0.01.

Reference:
    [Arandjelovic et al., 2016](https://arxiv.org/abs/1511.07247), and the authors' code.
"""

from pathlib import Path

from placevec.config import (
    LossConfig,
    MiningConfig,
    ModelConfig,
    OptimizerConfig,
    TrainConfig,
    TupleConfig,
    WhitenConfig,
)

IMAGES = ",images="  # joins a dbStruct and the folder of its photos
_QUERIES_A_REFRESH = 1000
_QUERIES = 7416


def settings(data: Path) -> TrainConfig:
    """Returns the settings for a folder of `images` and `dbstruct`."""
    batch_size = 4
    return TrainConfig(
        places=f"dbstruct:{data}/dbstruct/pitts30k_train.mat{IMAGES}{data}/images",
        validation=f"dbstruct:{data}/dbstruct/pitts30k_val.mat{IMAGES}{data}/images",
        out=Path("runs/netvlad_pitts30k"),
        model=ModelConfig(
            backbone="vgg16",
            cut_layer="block5_conv3",
            linear_cut=True,
            weights="imagenet",
            num_clusters=64,
            assignment_bias=False,
        ),
        image_size=(480, 640),
        tuples=TupleConfig(
            num_positives=1,
            num_negatives=10,
            min_positive_distance_m=1.0,
            positive_radius_m=10.0,
            negative_radius_m=25.0,
        ),
        mining=MiningConfig(mining="paper", positives="best"),
        loss=LossConfig("triplet_ranking"),
        optimizer=OptimizerConfig(
            "sgd",
            learning_rate=1e-3,
            weight_decay=1e-2,
            halve_every=5 * _QUERIES // _QUERIES_A_REFRESH,
            train_from_layer="block5_conv1",
        ),
        batch_size=batch_size,
        steps_per_epoch=_QUERIES_A_REFRESH // batch_size,
        epochs=30 * _QUERIES // _QUERIES_A_REFRESH,
        validate_every=_QUERIES // _QUERIES_A_REFRESH,
        whitening=WhitenConfig(dim=4096),
    )
