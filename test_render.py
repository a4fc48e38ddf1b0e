"""Draws sample tuples from every source whose data exists, one picture per source.

Edit the constants and run it, or override them with flags:

    python test_render.py --pittsburg data/pittsburgh --out contact_sheets

A row of a picture is a tuple: query, positives, negatives. No window opens. It is a script, not a
test: pytest does not collect it.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

from placevec.cli import flags_over, one_line_errors

# The demos import what needs Keras, so that `--help` answers at once.

PTS_BASE = "data/pittsburgh"  # holds 000/, 001/ and so on
TTM_BASE = "data/tokyoTimeMachine"  # holds tokyoTM_train.mat and images/
WR_BASE = "data/walks"  # holds .mp4 or .mkv files
WORLD_PATH = "data/world"  # a 3-D model (.obj, .glb, .egg, .bam), or a folder of tiles
OUT_DIR = "contact_sheets"
NUM_SAMPLES = 5
nP, nN = 5, 5  # noqa: N816
RESIZE = (160, 120)  # columns, rows


@dataclass(frozen=True)
class Settings:
    """The constants above that flags can override."""

    pittsburg: Path = Path(PTS_BASE)
    tokyotm: Path = Path(TTM_BASE)
    walks: Path = Path(WR_BASE)
    world: Path = Path(WORLD_PATH)
    out: Path = Path(OUT_DIR)


def demo_pittsburg(settings: Settings = Settings()) -> Path:
    """Draws Pittsburgh cut-outs, one tuple at a time."""
    from CustomNets import PittsburgRenderer

    loader = PittsburgRenderer(settings.pittsburg)
    tuples = [loader.step(nP, nN, resize=RESIZE)[0] for _ in range(NUM_SAMPLES)]
    return _draw(settings, "pittsburg", tuples)


def demo_pittsburg_n_samples(settings: Settings = Settings()) -> Path:
    """Draws gray Pittsburgh cut-outs, all tuples at once."""
    from CustomNets import PittsburgRenderer

    loader = PittsburgRenderer(settings.pittsburg, seed=1)
    tuples = loader.step_n_times(NUM_SAMPLES, nP, nN, return_gray=True, resize=RESIZE)
    return _draw(settings, "pittsburg_n_samples", tuples)


def demo_tokyotm(settings: Settings = Settings()) -> Path:
    """Draws Tokyo Time Machine, with positives from other years."""
    from CustomNets import TimeMachineRender

    loader = TimeMachineRender(settings.tokyotm)
    tuples = [loader.step(nP, nN, resize=RESIZE)[0] for _ in range(NUM_SAMPLES)]
    return _draw(settings, "tokyotm", tuples)


def demo_walks(settings: Settings = Settings()) -> Path:
    """Draws frames of videos of walks."""
    from CustomNets import WalksRenderer

    loader = WalksRenderer(settings.walks)
    return _draw(settings, "walks", [loader.step(nP, nN)[0] for _ in range(NUM_SAMPLES)])


def demo_panda(settings: Settings = Settings(), world: str = "town", name: str = "panda") -> Path:
    """Draws rendered views of the town: a query, 5 near it, 10 far from it."""
    from PandaRender import NetVLADRenderer

    with NetVLADRenderer(world) as renderer:
        tuples = [renderer.step(16)[0] for _ in range(NUM_SAMPLES)]
    return _draw(settings, name, tuples, num_positives=5)


def demo_world(settings: Settings = Settings()) -> Path:
    """Draws rendered views of a 3-D model, as `demo_panda` does."""
    return demo_panda(settings, str(settings.world), "world")


_ASK_FOR_PHOTOS = "Ask for the photos at https://www.di.ens.fr/willow/research/netvlad"
_GET_PITTSBURGH = f"{_ASK_FOR_PHOTOS} (Pittsburgh 250k), unpack them, then `--pittsburg DIR`"
_GET_TOKYO = f"{_ASK_FOR_PHOTOS} (Tokyo Time Machine), unpack them with tokyoTM_train.mat, then "

# Each demo, and how to get its data.
DEMOS = (
    (demo_pittsburg, _GET_PITTSBURGH),
    (demo_pittsburg_n_samples, _GET_PITTSBURGH),
    (demo_tokyotm, f"{_GET_TOKYO}`--tokyotm DIR`"),
    (demo_walks, "Put a video of a walk, such as one of your phone, into DIR, then `--walks DIR`"),
    (demo_panda, "It needs Panda3D: `make install`"),
    (demo_world, "Any textured 3-D model will do: `--world FILE.glb`, or a folder of tiles"),
)


def main() -> None:
    """Runs every demo; if a source cannot be drawn, says why and how to get it."""
    settings = flags_over(Settings())
    num_drawn = 0
    for demo, how in DEMOS:
        try:
            print(f"{demo.__name__}: {demo(settings)}")
            num_drawn += 1
        except (OSError, ValueError, ImportError) as error:
            reason = " ".join(str(error).split())
            print(f"{demo.__name__}: not drawn. {reason}. {how}", file=sys.stderr)
    if not num_drawn:
        raise FileNotFoundError("Nothing was drawn; the lines above say how to get what to draw")


def _draw(settings: Settings, name: str, tuples: list, num_positives: int = nP) -> Path:
    from placevec.images.contact_sheet import draw_tuples

    settings.out.mkdir(parents=True, exist_ok=True)
    path = settings.out / f"{name}.png"
    draw_tuples(tuples, path, num_positives=num_positives)
    return path


if __name__ == "__main__":
    with one_line_errors():
        main()
