"""NetVLAD as its paper trained it on Pittsburgh, 30k.

Data: the photos of Pittsburgh 250k (to be asked for at
https://www.di.ens.fr/willow/research/netvlad), unpacked into `DATA/images`, and the authors'
`pitts30k_train.mat` and `pitts30k_val.mat` in `DATA/dbstruct`.

    placevec train --recipe netvlad_pitts30k --data DATA

VGG16 up to its last convolution, before the activation, K = 64 without a bias; triplets of the best
positive within 10 m and the 10 hardest of 1000 negatives beyond 25 m, mined again every 1000
queries; SGD of learning rate 0.001, halved every 5 rounds of the 7416 queries; 30 rounds; whitened
to 4096 numbers. An epoch of this recipe is 1000 queries.

To expect: recall@1/5/10 of 85.2/94.8/97.0 on the validation part without whitening, which is what
the PyTorch reproduction by Nanne reports; many hours on a GPU. Not measured here: the photos are
not freely available. What is tested is that the wiring trains on made files of the same format.

What differs from the authors' code: an epoch is 1000 queries that violate the margin, drawn at
random, where they count all that they look at, in rounds of the 7416. They divide the gradient by
the tuples that still violate the margin when their turn comes, here it is divided by all. Their
weight decay of 0.001 goes through the momentum of 0.9, which makes it ten times as strong; here it
acts at once, and is 0.01.

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

IMAGES = ",images="  # in the name of a dbStruct, what leads to its photos
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
