"""Trains a NetVLAD network on photos of places.

Edit the constants and run it, or override them with flags:

    python noveou_train_netvlad_v3.py --epochs 10 --out runs/longer

Unedited, it renders a small town, trains on it, and measures recall on other streets.
`placevec/config` says what each setting does.
"""

from dataclasses import replace
from pathlib import Path

from placevec.cli import flags_over, one_line_errors, progress_bar
from placevec.config import (
    AugmentConfig,
    LossConfig,
    ModelConfig,
    OptimizerConfig,
    TownRenderConfig,
    TrainConfig,
    TupleConfig,
)

# Photos, as READER:PATH: folder:DIR, table:FILE, dbstruct:FILE.mat, pittsburgh:DIR, sequence:DIR.
TOWN_DIR = "data/town"  # of the synthetic town, which is rendered if PLACES is its training part
PLACES = f"folder:{TOWN_DIR}/train"
VALIDATION = f"folder:{TOWN_DIR}/val"  # decides which epoch is kept
TEST = f"folder:{TOWN_DIR}/test"  # only measured at the end; None: no test
LOG_DIR = "runs/town"
IMAGE_SIZE = (144, 192)  # rows, columns; use 240, 320 or more for real photos
CHANNELS = 3  # 1 for gray

# Network: mobilenetv2, mobilenet, vgg16 or vgg19 up to CUT_LAYER, then NetVLAD with K clusters.
BACKBONE = "mobilenetv2"
CUT_LAYER = "block_9_add"
WEIGHTS = "none"  # imagenet, none, or a .npz, .h5 or .keras file
K = 16

# Tuples: a query, nP photos of its place, nN photos of other places. info_nce, multi_similarity,
# circle and batch_allpair_hinge use the photos of the batch's other tuples and need no nN; the
# other losses need nN of at least 1.
nP = 1  # noqa: N816
nN = 0  # noqa: N816
POSITIVE_RADIUS_M = 10.0
NEGATIVE_RADIUS_M = 25.0
AUGMENTATION = "none"  # none, light, street, basic, typical, heavy

# Optimization.
LOSS = "info_nce"  # or multi_similarity, allpair_hinge, triplet_ranking, sare_joint, ...
OPTIMIZER = "adam"
LEARNING_RATE = None  # None: 0.01 from random weights, 0.0001 from other weights
COSINE_DECAY = True  # falls to 0 at the last step
BATCH_SIZE = 24  # tuples
STEPS_PER_EPOCH = 25
EPOCHS = 8
SEED = 0


def config() -> TrainConfig:
    """Returns the constants above as settings."""
    return TrainConfig(
        places=PLACES,
        validation=VALIDATION,
        test=TEST,
        out=Path(LOG_DIR),
        image_size=IMAGE_SIZE,
        model=ModelConfig(
            backbone=BACKBONE,
            cut_layer=CUT_LAYER,
            channels=CHANNELS,
            weights=WEIGHTS,
            num_clusters=K,
        ),
        tuples=TupleConfig(
            num_positives=nP,
            num_negatives=nN,
            positive_radius_m=POSITIVE_RADIUS_M,
            negative_radius_m=NEGATIVE_RADIUS_M,
        ),
        augment=AugmentConfig(augmentation=AUGMENTATION),
        loss=LossConfig(LOSS),
        optimizer=OptimizerConfig(
            OPTIMIZER, learning_rate=LEARNING_RATE, cosine_decay=COSINE_DECAY
        ),
        batch_size=BATCH_SIZE,
        steps_per_epoch=STEPS_PER_EPOCH,
        epochs=EPOCHS,
        seed=SEED,
    )


def main() -> None:
    """Renders the town if PLACES is its training part, then trains."""
    settings = flags_over(config())
    from placevec.rendering import render
    from placevec.training import train

    if settings.places == f"folder:{TOWN_DIR}/train":
        town = TownRenderConfig(out=Path(TOWN_DIR), points=False, num_test_streets=10)
        render("town", town, progress=progress_bar)
    elif settings.test == f"folder:{TOWN_DIR}/test":
        settings = replace(settings, test=None)  # it is the town's, but training uses other photos
    print(train(settings, progress=progress_bar))


if __name__ == "__main__":
    with one_line_errors():
        main()
