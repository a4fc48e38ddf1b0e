"""`placevec describe`: writes the descriptors of photos to a file or a store."""

from collections.abc import Sequence
from typing import Annotated

from placevec.cli.arguments import Flags, Photos
from placevec.cli.command_line import read_command_line
from placevec.cli.surroundings import progress_bar, without_debug_flag
from placevec.config import DescribeConfig


def describe(photos: Photos, /, settings: Annotated[DescribeConfig, Flags]) -> None:
    """Write the descriptors of photos to a file, or to a store that grows.

    Args:
        photos: A photo, a folder of photos, or READER:PATH.
        settings: How photos are described.
    """
    from placevec.retrieval import describe_to

    print(describe_to(photos=photos, progress=progress_bar, **vars(settings)))


def run_describe(
    photos: str, config: DescribeConfig, arguments: Sequence[str] | None = None
) -> None:
    """Runs `describe` with the given values, which `[PHOTOS] [flags]` of the command line override.

    Args:
        photos: str. A folder of photos or READER:PATH, if the command line has none.
        config: DescribeConfig. The values of settings without a flag.
        arguments: sequence of str or None. The command line. None: that of this process.
    """

    def describe_over(
        photos: Photos = photos, /, settings: Annotated[DescribeConfig, Flags] = config
    ) -> None:
        describe(photos, settings)

    describe_over.__doc__ = describe.__doc__
    read_command_line(describe_over, without_debug_flag(arguments))
