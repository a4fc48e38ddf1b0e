"""NetVLAD as its paper trained it on Tokyo Time Machine.

Data: the photos of Tokyo Time Machine (ask for them at
https://www.di.ens.fr/willow/research/netvlad), unpacked into `DATA/images`, and the authors'
`tokyoTM_train.mat` and `tokyoTM_val.mat` in `DATA/dbstruct`.

    placevec train --recipe netvlad_tokyotm --data DATA

Like `netvlad_pitts30k`, except for the learning rate of 0.0001. Positives are photos of another
time, according to the time stamps in the files.

To expect: the paper's figures for Tokyo 24/7 after whitening are 73.3/82.9/86.0; many hours on a
GPU. We did not measure it because the photos are not freely available. A test trains this recipe on
synthetic files of the same format.

Reference:
    [Arandjelovic et al., 2016](https://arxiv.org/abs/1511.07247), and the authors' code.
"""

from pathlib import Path

from placevec.config import TrainConfig, changed
from placevec.recipes import netvlad_pitts30k


def settings(data: Path) -> TrainConfig:
    """Returns the settings for a folder of `images` and `dbstruct`."""
    images = f"{netvlad_pitts30k.IMAGES}{data}/images"
    return changed(
        netvlad_pitts30k.settings(data),
        places=f"dbstruct:{data}/dbstruct/tokyoTM_train.mat{images}",
        validation=f"dbstruct:{data}/dbstruct/tokyoTM_val.mat{images}",
        out=Path("runs/netvlad_tokyotm"),
        learning_rate=1e-4,
    )
