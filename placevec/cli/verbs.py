"""The command line: one verb for each stage."""

from collections.abc import Sequence

from placevec import __version__
from placevec.cli.check import check
from placevec.cli.collect import collect
from placevec.cli.command_line import call_verb
from placevec.cli.demo import demo
from placevec.cli.describe import describe
from placevec.cli.doctor import doctor
from placevec.cli.evaluate import evaluate
from placevec.cli.export import export
from placevec.cli.group import group
from placevec.cli.index import index
from placevec.cli.info import info
from placevec.cli.loops import calibrate, loops
from placevec.cli.old_render import render_in_new_spelling
from placevec.cli.old_spellings import in_new_spelling
from placevec.cli.remove import remove
from placevec.cli.render import render_over
from placevec.cli.search import search
from placevec.cli.settings import EarlierRendering, EarlierSettings, earlier_settings
from placevec.cli.split import split
from placevec.cli.surroundings import one_line_errors, without_debug_flag
from placevec.cli.train import train_over
from placevec.cli.whiten import crop, whiten
from placevec.config import ModelRenderConfig, TownRenderConfig

_WHAT = (
    "placevec turns a photo of a place into a vector, so that photos of one place lie close "
    "together. It trains, measures and searches."
)
_BACKEND_HINT = "The environment variable KERAS_BACKEND chooses tensorflow (default), jax or torch."
_VERSION_HINT = "`placevec --version` prints the version."
_DEBUG_HINT = "With `--debug`, or PLACEVEC_DEBUG=1, an error prints its traceback."


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs `placevec VERB ...` or `placevec --version`; an error is one line and an exit code."""
    with one_line_errors():
        arguments = in_new_spelling(without_debug_flag(arguments))
        if arguments == ["--version"]:
            print(f"placevec {__version__}")
            return
        training = earlier_settings(EarlierSettings, "train", arguments)
        if arguments[:1] == ["render"]:
            arguments = render_in_new_spelling(arguments)
        drawn = ModelRenderConfig if arguments[1:2] == ["model"] else TownRenderConfig
        rendering = earlier_settings(EarlierRendering, "render", arguments, drawn)
        verbs = {
            "train": train_over(training),
            "describe": describe,
            "index": index,
            "search": search,
            "remove": remove,
            "evaluate": evaluate,
            "loops": loops,
            "calibrate": calibrate,
            "group": group,
            "export": export,
            "whiten": whiten,
            "crop": crop,
            "check": check,
            "render": render_over(rendering),
            "collect": collect,
            "split": split,
            "info": info,
            "doctor": doctor,
            "demo": demo,
        }
        call_verb(
            verbs,
            arguments,
            prog="placevec",
            description=f"{_WHAT} {_BACKEND_HINT} {_DEBUG_HINT} {_VERSION_HINT}",
        )
